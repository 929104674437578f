//! The collector as its users meet it: the real program with a real PostgreSQL and Redis, which
//! it starts itself.

#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

mod archive;
mod cli;
mod embedded;
mod helpers;
mod history;
mod line;
mod lost;
mod process;
mod prometheus;
mod refused;
mod server;
mod store;
mod two;
