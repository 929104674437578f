//! The live feed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Invalid;

/// `[live]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Live {
    /// Time between two readings sent to the dashboard.
    #[serde(with = "super::load::duration")]
    pub push: Duration,
}

impl Default for Live {
    fn default() -> Self {
        Self { push: Duration::from_secs(2) }
    }
}

impl Live {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        Invalid::unless_between("live.push", self.push, 1, 60)
    }
}
