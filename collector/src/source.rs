//! Where readings come from. A source only reads; what becomes of it is `monitor`'s.

pub mod events;
pub mod otlp;
mod probe;
mod sql;
mod system;

pub(crate) use probe::{watch_cache, watch_readings, watch_store, watch_unsaved};
pub(crate) use sql::{SqlError, SqlReader};
pub use system::{SystemReader, host_name};
