//! Where readings come from. A source only reads; what becomes of it is `monitor`'s.

mod probe;
mod sql;
mod system;

pub(crate) use probe::{watch_cache, watch_readings, watch_store};
pub(crate) use sql::{SqlError, SqlReader};
pub use system::{SystemReader, host_name};
