//! How much may be pushed.

use serde::{Deserialize, Serialize};

use super::error::Invalid;

/// `[ingest]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ingest {
    /// Requests per second that one address may send, over time; all together ten times as many.
    pub requests_per_second: u32,
    /// Requests that one address may send at once; all together ten times as many.
    pub burst: u32,
}

impl Default for Ingest {
    fn default() -> Self {
        Self { requests_per_second: 50, burst: 100 }
    }
}

impl Ingest {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        for (key, value) in [("ingest.requests_per_second", self.requests_per_second), ("ingest.burst", self.burst)] {
            if !(1..=100_000).contains(&value) {
                return Err(Invalid::new(key, value, "use 1 to 100000"));
            }
        }
        Ok(())
    }
}
