//! The work that one of all collectors does, or an administrator by hand: rollups, summaries,
//! retention, partitions, views.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::backup::{BackupError, Backups, remember_failure};
use crate::cache::Cache;
use crate::config::Schedule;
use crate::store::{Right, Store, StoreError, Turn};

use super::Job;

/// Redis is a cache: nothing waits for it for long.
const REDIS_LIMIT: Duration = Duration::from_secs(5);

/// What the work needs.
#[derive(Clone, Debug)]
pub struct Upkeep {
    store: Store,
    cache: Option<Cache>,
    schedule: Schedule,
    zone: TimeZone,
    host: String,
    /// With the data directory; `None` where others make them, or nobody.
    backups: Option<(Backups, PathBuf)>,
}

impl Upkeep {
    /// Work on `store` as `schedule` says, done on `host`; with `cache` the last hour goes there too.
    #[must_use]
    pub fn new(store: Store, cache: Option<Cache>, schedule: &Schedule, host: &str) -> Self {
        Self { store, cache, schedule: schedule.clone(), zone: schedule.zone(), host: host.to_owned(), backups: None }
    }

    /// The same, that makes backups, too; what fails is noted in the data directory.
    #[must_use]
    pub fn with_backups(self, backups: Backups, data_dir: PathBuf) -> Self {
        Self { backups: Some((backups, data_dir)), ..self }
    }

    pub(super) fn makes_backups(&self) -> bool {
        self.backups.is_some()
    }

    /// Where it is done.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Does one job as of `now`; answers in a few words what it did. Doing it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::LostLease`] where another collector does the work now, [`StoreError::TooLong`]
    /// and [`StoreError::Locked`] where others hold it up, or what PostgreSQL answers. What was done in transactions before stays done, and the rest is done next time.
    pub async fn perform(
        &self,
        job: Job,
        scheduled_for: Timestamp,
        now: Timestamp,
        right: Right,
    ) -> Result<String, StoreError> {
        let turn = Turn::new(job, scheduled_for, &self.host, right).within(job.limit(&self.schedule));
        match job {
            Job::Aggregate => self.aggregate(&turn, now).await,
            Job::Refresh => self.store.refresh_views(&turn).await.map(|()| "metrics_last_24h".to_owned()),
            Job::Summarize => self.summarize(&turn, now).await,
            Job::Cleanup => self.clean_up(&turn, now).await,
            Job::Partitions => self.make_partitions(&turn, now).await,
            Job::Collect | Job::Save => Ok("nothing: every collector does this for itself".to_owned()),
            Job::Backup => Ok("nothing: that is not work on the database".to_owned()),
        }
    }

    /// Makes a backup; answers in a few words what came of it.
    pub(super) async fn back_up(&self, scheduled_for: Timestamp, right: Right) -> Result<String, BackupError> {
        let Some((backups, data_dir)) = &self.backups else { return Ok("nothing: nobody wants one".to_owned()) };
        let made = backups.perform(&Turn::new(Job::Backup, scheduled_for, &self.host, right)).await;
        if let Err(error) = &made {
            remember_failure(data_dir, Timestamp::now(), &error.to_string());
        }
        Ok(made?.summary())
    }

    async fn aggregate(&self, turn: &Turn, now: Timestamp) -> Result<String, StoreError> {
        let (mut hours, mut rows) = (0, 0);
        loop {
            let done = self.store.aggregate(turn, now, &self.zone).await?;
            hours += done.hours;
            rows += done.rows;
            if done.hours == 0 {
                break;
            }
            if hours > done.hours {
                tracing::info!(hours, rows, "aggregating");
            }
        }
        if let Some(cache) = &self.cache {
            let last_hour = tokio::time::timeout(turn.limit, self.store.last_hour(now)).await;
            let last_hour = last_hour.map_err(|_| StoreError::TooLong(turn.limit))??;
            match tokio::time::timeout(REDIS_LIMIT, cache.put_hourly(last_hour)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "redis did not take the last hour"),
                Err(_) => tracing::debug!("redis did not answer for the last hour"),
            }
        }
        Ok(format!("{hours} hours, {rows} rows new or changed"))
    }

    async fn summarize(&self, turn: &Turn, now: Timestamp) -> Result<String, StoreError> {
        let today = self.zone.to_datetime(now).date();
        let days = self.store.summarize(turn, today, &self.zone).await?;
        let days: Vec<_> = days.iter().map(ToString::to_string).collect();
        Ok(if days.is_empty() { "no new day".to_owned() } else { days.join(", ") })
    }

    async fn clean_up(&self, turn: &Turn, now: Timestamp) -> Result<String, StoreError> {
        let deleted = self.store.clean_up(turn, now, self.schedule.retention()).await?;
        let deleted: Vec<_> = deleted.iter().map(|(table, rows)| format!("{table} {rows}")).collect();
        Ok(format!("rows deleted: {}", deleted.join(", ")))
    }

    async fn make_partitions(&self, turn: &Turn, now: Timestamp) -> Result<String, StoreError> {
        let done = self.store.make_partitions(turn, now, self.schedule.partitions_ahead).await?;
        if done.moved > 0 {
            let rows = done.moved;
            tracing::warn!(rows, "rows lay in the default partition, for others wrote into months without one: moved");
        }
        Ok(format!("{} made, {} rows moved there", done.made, done.moved))
    }
}
