//! The dashboard as browsers, scripts and Prometheus meet it: the real program with a real
//! PostgreSQL and Redis, which it starts itself.

#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

mod access;
mod alerting;
mod annotations;
mod attacked;
mod database;
mod health;
mod helpers;
mod http;
mod languages;
mod layer;
mod live;
#[path = "../../../collector/tests/integration/process.rs"]
mod process;
mod program;
mod recipes;
mod reload;
#[path = "../../examples/recipe_traffic/rhythm.rs"]
mod rhythm;
mod scraped;
mod separate;
mod tls;
mod watch;
mod wire;
