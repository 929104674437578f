//! Where readings come from. A source only reads; what becomes of it is `monitor`'s.

mod application;
mod database;
pub mod events;
pub mod otlp;
mod probe;
mod scrape;
mod sql;
mod system;
mod top;

pub use application::Watched;
pub(crate) use application::watch_application;
pub(crate) use database::watch_database;
pub(crate) use probe::{
    watch_alert_past, watch_backup, watch_cache, watch_desk, watch_readings, watch_store, watch_unsaved,
};
pub use scrape::{ScrapeError, Scraper, instance_name};
pub(crate) use scrape::{file_if_set, last_cause, secret_or_file};
pub(crate) use sql::{SqlError, SqlReader};
pub use system::{SystemReader, host_name};
pub(crate) use top::{watch_processes, watch_queries};

use jiff::Timestamp;

/// The time of a reading: whole milliseconds, what the store and the browser can hold without
/// rounding.
pub(crate) fn whole_milliseconds(now: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
