//! Collect: the integrated snapshot, one record for `metrics_raw` of each kind that there is.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::buffer::{Buffer, Record};
use crate::config::Settings;
use crate::instruments::Instruments;
use crate::run::data_disk;
use crate::sample::{Kind, RawSnapshot};
use crate::source::{SystemReader, host_name};
use crate::store::{Store, StoreError};
use crate::{Current, Feed};

use super::{Job, When};

/// What a reading by hand covers: CPU usage and network traffic are over a time.
const COVERED: Duration = Duration::from_secs(1);

/// What a collection needs.
#[derive(Clone, Debug)]
pub struct Collecting {
    /// Has the newest values.
    pub feed: Feed,
    /// Takes the snapshots.
    pub buffer: Buffer,
    /// Count the runs.
    pub instruments: Instruments,
}

impl Collecting {
    /// Keeps the newest values of each kind under the moment they were due.
    pub(super) fn perform(&self, due: Timestamp) {
        let started = Instant::now();
        let taken = snapshots(&self.feed.current(), due).map(|snapshots| {
            let kinds: Vec<_> = snapshots.iter().map(|snapshot| snapshot.metric_type.name()).collect();
            for snapshot in snapshots {
                self.buffer.push(Record::Snapshot(snapshot));
            }
            kinds.join(", ")
        });
        match &taken {
            Ok(kinds) if kinds.is_empty() => return,
            Ok(kinds) => {
                let (seconds, did) = (started.elapsed().as_secs_f64(), format!("a snapshot of {kinds}"));
                tracing::info!(job = Job::Collect.name(), %due, seconds, did, "job done");
            }
            Err(error) => tracing::error!(job = Job::Collect.name(), %error, "job failed"),
        }
        self.instruments.job_ran(Job::Collect.name(), taken.is_ok());
    }
}

/// The newest reading of each kind that there is.
fn snapshots(current: &Current, at: Timestamp) -> Result<Vec<RawSnapshot>, serde_json::Error> {
    let of = |metric_type, data| RawSnapshot { at, metric_type, data };
    let system = current.system.as_ref().map(|system| Ok(of(Kind::System, serde_json::to_value(system)?)));
    let application = current.application.as_ref();
    let application = application.map(|application| Ok(of(Kind::Application, serde_json::to_value(application)?)));
    let business = current.business.as_ref().map(|business| Ok(of(Kind::Business, serde_json::to_value(business)?)));
    [system, application, business].into_iter().flatten().collect()
}

/// Why nothing was collected by hand.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The host's numbers cannot be read or written down.
    #[error("this host cannot be read: {0}; see that /proc is mounted and readable")]
    Host(String),
    /// PostgreSQL did not take them.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads every kind that there is once, beside any collector, and writes it to `metrics_raw`, under
/// the moment that was due last and unless there is one of it; answers what there is now, and
/// how many of them are new.
///
/// # Errors
///
/// See [`CollectError`]; nothing was written then.
pub async fn collect_now(store: &Store, settings: &Settings) -> Result<(Vec<RawSnapshot>, u64), CollectError> {
    let host = host_name(&settings.system.host);
    let (name, disk) = (host.clone(), data_disk(settings));
    let read = tokio::task::spawn_blocking(move || {
        let mut reader = SystemReader::new(&name, &disk);
        std::thread::sleep(COVERED);
        reader.read(Timestamp::now())
    });
    let system = read.await.map_err(|error| CollectError::Host(error.to_string()))?;
    let data = serde_json::to_value(&system).map_err(|error| CollectError::Host(error.to_string()))?;
    let due = When::Every(|schedule| schedule.collect).last_due(system.at, &settings.schedule, &TimeZone::UTC);
    let snapshots = vec![RawSnapshot { at: due, metric_type: Kind::System, data }];
    let new = store.add_snapshots(&snapshots, &host).await?;
    Ok((snapshots, new))
}
