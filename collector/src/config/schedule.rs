//! When scheduled work is done.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::{Time, time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::error::Invalid;

/// `[schedule]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// Time between two rows of each kind in `metrics_raw`.
    #[serde(with = "super::load::duration")]
    pub collect: Duration,
    /// Time between two saves of samples to PostgreSQL.
    #[serde(with = "super::load::duration")]
    pub save: Duration,
    /// How long after the full hour it is aggregated, so that its last samples are saved.
    #[serde(with = "super::load::duration")]
    pub aggregate_delay: Duration,
    /// Time of day of the daily work.
    pub daily_at: Time,
    /// Where that is and where a day begins, e.g. `Asia/Tokyo`. Empty: as this machine is set.
    pub time_zone: String,
    /// Days that samples, rollups and resolved alerts are kept.
    pub retention_days: u32,
    /// Months whose partitions are made ahead of time.
    pub partitions_ahead: u32,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            collect: Duration::from_secs(60),
            save: Duration::from_secs(300),
            aggregate_delay: Duration::from_secs(30),
            daily_at: time(3, 0, 0, 0),
            time_zone: String::new(),
            retention_days: 30,
            partitions_ahead: 3,
        }
    }
}

impl Schedule {
    /// The zone that days are of.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        if self.time_zone.is_empty() {
            return TimeZone::system();
        }
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// How long samples are kept.
    #[must_use]
    pub fn retention(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.retention_days))
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        Invalid::unless_between("schedule.collect", self.collect, 1, 3_600)?;
        Invalid::unless_between("schedule.save", self.save, 1, 3_600)?;
        Invalid::unless_between("schedule.aggregate_delay", self.aggregate_delay, 0, 3_000)?;
        if !self.time_zone.is_empty() && TimeZone::get(&self.time_zone).is_err() {
            let remedy = "use a name of the IANA time zone database, such as Asia/Tokyo or UTC";
            return Err(Invalid::new("schedule.time_zone", &self.time_zone, remedy));
        }
        if !(1..=36_500).contains(&self.retention_days) {
            return Err(Invalid::new("schedule.retention_days", self.retention_days, "use 1 to 36500"));
        }
        if !(1..=24).contains(&self.partitions_ahead) {
            return Err(Invalid::new("schedule.partitions_ahead", self.partitions_ahead, "use 1 to 24"));
        }
        Ok(())
    }
}
