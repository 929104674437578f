//! How often is read.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Invalid;
use super::live::Live;

/// `[sampling]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Time between two samples of the host that are kept.
    #[serde(with = "super::load::duration")]
    pub system: Duration,
    /// Time between two readings of the application, which is how often it is scraped.
    #[serde(with = "super::load::duration")]
    pub application: Duration,
    /// Time between two samples of the business metrics.
    #[serde(with = "super::load::duration")]
    pub business: Duration,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { system: Duration::from_secs(10), application: Duration::from_secs(5), business: Duration::from_secs(60) }
    }
}

impl Sampling {
    pub(super) fn check(&self, live: &Live) -> Result<(), Invalid> {
        Invalid::unless_between("sampling.system", self.system, 1, 3_600)?;
        Invalid::unless_between("sampling.application", self.application, 1, 60)?;
        Invalid::unless_between("sampling.business", self.business, 1, 3_600)?;
        if self.system < live.push {
            return Err(Invalid::new(
                "sampling.system",
                format_args!("{:?}", self.system),
                format!("use at least live.push, which is {:?}: samples are made of the live readings", live.push),
            ));
        }
        Ok(())
    }
}
