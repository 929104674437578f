//! The collector as its users meet it: the real program with a real PostgreSQL and Redis, which
//! it starts itself.

#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

mod access;
mod alerts;
mod annotations;
mod archive;
mod away;
mod backup;
mod business;
mod cli;
mod clock;
mod database;
mod description;
mod doctor;
mod embedded;
mod faults;
mod firings;
mod grafana;
mod guards;
mod helpers;
mod history;
mod line;
mod lost;
mod moment;
mod notify;
mod process;
mod prometheus;
mod redis;
mod refused;
mod reload;
mod server;
mod store;
mod support;
mod timetable;
mod tls;
mod two;
