//! What the routes do, a file each.

pub(crate) mod health;
#[cfg_attr(not(test), expect(dead_code, reason = "the router has no place for it until the collector has"))]
pub(crate) mod ingest;
pub(crate) mod live;
pub(crate) mod metrics;
pub(crate) mod preferences;
pub(crate) mod v1;

pub(crate) use live::Hub;
pub(crate) use metrics::register as register_metrics;
