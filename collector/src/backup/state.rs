//! What is known of the backups, for the page, `/metrics` and the alert rules. It survives restarts:
//! a backup is its own proof, what another collector made is noted in the database, and what failed
//! is a file in the data directory.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BackupResult, Place};
use crate::schedule::Job;
use crate::store::Store;
use crate::{Labels, Point};

/// In the data directory: the last failure.
const FAILURE: &str = "backup-failed.json";
/// What failed a moment ago explains itself in no more words.
const LONGEST_REASON: usize = 500;

/// The metrics of the backups, with what they are.
pub const POINTS: [(&str, &str); 4] = [
    (AGE, "Seconds since the newest backup, or without one since the database was set up"),
    (FAILED, "Whether the last try to make a backup failed: 1 yes, 0 no"),
    (SIZE, "Bytes of the newest backup"),
    (DURATION, "Seconds that the newest backup took"),
];
const AGE: &str = "recipe_monitoring_backup_age_seconds";
const FAILED: &str = "recipe_monitoring_backup_failed";
const SIZE: &str = "recipe_monitoring_backup_size_bytes";
const DURATION: &str = "recipe_monitoring_backup_duration_seconds";

/// What is known of the backups of one database.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BackupState {
    /// Whether one is made every day.
    pub is_daily: bool,
    /// The newest.
    pub newest: Option<Newest>,
    /// What has failed since then.
    pub failed: Option<Failed>,
    /// When the database was set up, where that is known.
    #[serde(skip)]
    pub set_up_at: Option<Timestamp>,
}

/// The newest backup.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Newest {
    /// When it was whole.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// How long it took.
    pub seconds: f64,
    /// Its size; `None` where it lies on another host.
    pub bytes: Option<u64>,
    /// The host that it lies on.
    pub host: String,
    /// Whether all is in it; `None` where it lies on another host.
    pub result: Option<BackupResult>,
}

/// A backup that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failed {
    /// When.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// Why.
    pub error: String,
}

/// Where it is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Looking {
    pub(crate) place: Place,
    pub(crate) data_dir: PathBuf,
    pub(crate) store: Store,
    pub(crate) host: String,
    pub(crate) is_daily: bool,
}

impl Looking {
    /// What there is now; what was known `before` stays where PostgreSQL does not answer.
    pub(crate) async fn look(&self, before: BackupState) -> BackupState {
        let (place, data_dir, target) = (self.place.clone(), self.data_dir.clone(), self.store.target());
        let here = tokio::task::spawn_blocking(move || (newest(&place, &target), last_failure(&data_dir)));
        let (here, failed) = here.await.unwrap_or_default();
        let (there, set_up_at) = match self.store.is_open() {
            true => (self.noted().await, self.store.set_up_at().await.ok().flatten()),
            false => (None, None),
        };
        // One of this host that is not here any more is none.
        let there = there.or(before.newest).filter(|newest| newest.host != self.host);
        let known = here.into_iter().chain(there).max_by_key(|newest| newest.at);
        BackupState {
            is_daily: self.is_daily,
            failed: failed.filter(|failed| known.as_ref().is_none_or(|newest| failed.at > newest.at)),
            newest: known,
            set_up_at: set_up_at.or(before.set_up_at),
        }
    }

    /// The newest that was noted, by a collector on any host.
    async fn noted(&self) -> Option<Newest> {
        let runs = self.store.job_runs().await.ok()?;
        let runs = runs.into_iter().filter(|run| run.job == Job::Backup.name());
        let run = runs.max_by_key(|run| run.finished_at)?;
        Some(Newest { at: run.finished_at, seconds: run.seconds, bytes: None, host: run.host, result: None })
    }
}

/// The newest that lies here, of the database at `target`.
fn newest(place: &Place, target: &str) -> Option<Newest> {
    let found = place.list().ok()?.into_iter().rev().filter_map(|found| found.manifest.ok());
    let manifest = found.into_iter().find(|manifest| manifest.postgresql.target == target)?;
    let (bytes, result) = (Some(manifest.bytes()), Some(manifest.result));
    Some(Newest { at: manifest.finished_at, seconds: manifest.seconds, bytes, host: manifest.host, result })
}

fn last_failure(data_dir: &Path) -> Option<Failed> {
    serde_json::from_slice(&fs::read(data_dir.join(FAILURE)).ok()?).ok()
}

/// Notes that no backup could be made at `at`, for this and later runs of the program.
pub fn remember_failure(data_dir: &Path, at: Timestamp, error: &str) {
    let failed = Failed { at, error: error.chars().take(LONGEST_REASON).collect() };
    let (path, new) = (data_dir.join(FAILURE), data_dir.join("backup-failed.new"));
    let written = serde_json::to_vec(&failed).map_err(Into::into).and_then(|text| fs::write(&new, text));
    if let Err(error) = written.and_then(|()| fs::rename(&new, &path)) {
        tracing::warn!(%error, path = %path.display(), "after a restart it will not be known that the backup failed");
    }
}

impl BackupState {
    /// Its metrics at `now`, of those that are known.
    #[must_use]
    pub fn points(&self, now: Timestamp) -> Vec<Point> {
        let since = self.newest.as_ref().map(|newest| newest.at).or(self.set_up_at.filter(|_| self.is_daily));
        let age = since.map(|since| now.duration_since(since).as_secs_f64().max(0.0));
        let failed = (self.is_daily || self.failed.is_some()).then_some(if self.failed.is_some() { 1.0 } else { 0.0 });
        let newest = self.newest.as_ref();
        let values = [
            (AGE, age),
            (FAILED, failed),
            (SIZE, newest.and_then(|newest| newest.bytes).map(float)),
            (DURATION, newest.map(|newest| newest.seconds)),
        ];
        let known = values
            .into_iter()
            .filter_map(|(name, value)| Some(Point { metric_name: name.into(), labels: Labels::new(), value: value? }));
        known.collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes stay far below 2^53")]
fn float(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn value(state: &BackupState, name: &str) -> Option<f64> {
        let points = state.points(at("2026-11-27T09:30:00Z"));
        points.into_iter().find(|point| point.metric_name == name).map(|point| point.value)
    }

    #[test]
    fn an_age_is_known_of_a_backup_and_of_none_where_one_is_to_be_made_every_day() {
        let newest = Newest {
            at: at("2026-11-27T03:30:00Z"),
            seconds: 2.5,
            bytes: Some(1_000),
            host: "web".to_owned(),
            result: Some(BackupResult::Complete),
        };
        let set_up_at = Some(at("2026-11-26T09:30:00Z"));
        let failed = Some(Failed { at: at("2026-11-27T04:00:00Z"), error: "disk full".to_owned() });
        let none = BackupState { set_up_at, ..BackupState::default() };
        for (state, age, is_failed) in [
            (none.clone(), None, None),
            (BackupState { is_daily: true, ..none.clone() }, Some(86_400.0), Some(0.0)),
            (BackupState { newest: Some(newest.clone()), ..none.clone() }, Some(21_600.0), None),
            (BackupState { newest: Some(newest), is_daily: true, failed, ..none }, Some(21_600.0), Some(1.0)),
        ] {
            assert_eq!((value(&state, AGE), value(&state, FAILED)), (age, is_failed), "{state:?}");
        }
    }

    #[test]
    fn what_failed_is_known_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(last_failure(directory.path()), None);
        let failed_at = at("2026-11-27T04:00:00Z");
        remember_failure(directory.path(), failed_at, "the disk is full");
        let failed = Failed { at: failed_at, error: "the disk is full".to_owned() };
        assert_eq!(last_failure(directory.path()), Some(failed));
    }
}
