//! What a scraped counter has counted since it was last seen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The increase of one counter together with the value that it is up to: as one record, so that
/// neither is ever kept without the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Increase {
    /// When it was seen.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// The event that was counted.
    pub event: String,
    /// How often; 0 at the first sight of the counter.
    pub count: u64,
    /// Name of the collector's host.
    pub host: String,
    /// Whose counter it is.
    pub instance: String,
    /// Name and labels of the counter, e.g. `orders_total{state="paid"}`.
    pub series: String,
    /// Its value.
    pub value: f64,
    /// When it began to count, where the instance says so.
    #[serde(with = "crate::rfc3339::option", default)]
    pub started: Option<Timestamp>,
}
