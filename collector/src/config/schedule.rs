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
    /// How long after the start the first save is, so that a wrong set-up shows soon.
    #[serde(with = "super::load::duration")]
    pub first_save: Duration,
    /// Number of samples that wait at which they are saved before their time.
    pub save_records: u64,
    /// How long a batch of samples may take before it counts as not saved.
    #[serde(with = "super::load::duration")]
    pub save_limit: Duration,
    /// How long after the full hour it is aggregated, so that its last samples are saved.
    #[serde(with = "super::load::duration")]
    pub aggregate_delay: Duration,
    /// Time of day of the daily work.
    pub daily_at: Time,
    /// Time of day of the backup, where one is made every day.
    pub backup_at: Time,
    /// Where that is and where a day begins, e.g. `Asia/Tokyo`. Empty: as this machine is set.
    pub time_zone: String,
    /// Days that samples, rollups and resolved alerts are kept.
    pub retention_days: u32,
    /// Months whose partitions are made ahead of time.
    pub partitions_ahead: u32,
    /// How long a transaction of the hourly and the daily work may take before it is taken back
    /// and another collector tries.
    #[serde(with = "super::load::duration")]
    pub job_limit: Duration,
    /// How long a backup may take before it is given up.
    #[serde(with = "super::load::duration")]
    pub backup_limit: Duration,
    /// Pause before work that failed is tried again, if it is not due sooner anyway.
    #[serde(with = "super::load::duration")]
    pub retry: Duration,
    /// A collector that does the hourly and the daily work and is not heard of for so long is
    /// replaced by another one within a second.
    #[serde(with = "super::load::duration")]
    pub lease: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            collect: Duration::from_secs(60),
            save: Duration::from_secs(300),
            first_save: Duration::from_secs(15),
            save_records: 2_000,
            save_limit: Duration::from_secs(60),
            aggregate_delay: Duration::from_secs(30),
            daily_at: time(3, 0, 0, 0),
            backup_at: time(3, 30, 0, 0),
            time_zone: String::new(),
            retention_days: 30,
            partitions_ahead: 3,
            job_limit: Duration::from_secs(300),
            backup_limit: Duration::from_secs(3_600),
            retry: Duration::from_secs(60),
            lease: Duration::from_secs(3),
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
        Invalid::unless_between("schedule.first_save", self.first_save, 0, 3_600)?;
        if !(1..=1_000_000).contains(&self.save_records) {
            return Err(Invalid::new("schedule.save_records", self.save_records, "use 1 to 1000000"));
        }
        Invalid::unless_between("schedule.save_limit", self.save_limit, 1, 3_600)?;
        Invalid::unless_between("schedule.aggregate_delay", self.aggregate_delay, 0, 3_000)?;
        Invalid::unless_between("schedule.job_limit", self.job_limit, 1, 86_400)?;
        Invalid::unless_between("schedule.backup_limit", self.backup_limit, 1, 86_400)?;
        Invalid::unless_between("schedule.retry", self.retry, 1, 3_600)?;
        // It is renewed every second, and an answer may take another.
        Invalid::unless_between("schedule.lease", self.lease, 3, 300)?;
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
