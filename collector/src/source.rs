//! Where readings come from. A source only reads; what becomes of it is `monitor`'s.

mod probe;
mod scrape;
mod system;

pub(crate) use probe::{watch_cache, watch_readings, watch_store};
pub use scrape::{ScrapeError, Scraper, instance_name, watch_target};
pub use system::{SystemReader, host_name};
