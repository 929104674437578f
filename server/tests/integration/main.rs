//! The dashboard as browsers, scripts and Prometheus meet it: the real program with a real
//! PostgreSQL and Redis, which it starts itself.

mod helpers;
mod http;
mod live;
#[path = "../../../collector/tests/integration/process.rs"]
mod process;
mod program;
mod separate;
