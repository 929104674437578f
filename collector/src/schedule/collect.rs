//! Collect: the integrated snapshot, one record for `metrics_raw` of each kind that there is.

use jiff::Timestamp;

use crate::Feed;
use crate::buffer::{Buffer, Record};
use crate::instruments::Instruments;
use crate::sample::{Kind, RawSnapshot};

use super::Job;

/// What a collection needs.
#[derive(Clone, Debug)]
pub(crate) struct Collecting {
    pub(crate) feed: Feed,
    pub(crate) buffer: Buffer,
    pub(crate) instruments: Instruments,
}

impl Collecting {
    /// Keeps the newest values of each kind under the moment they were due.
    pub(super) fn perform(&self, due: Timestamp) {
        let Some(system) = self.feed.system() else { return };
        let taken = serde_json::to_value(&system)
            .map(|data| self.buffer.push(Record::Snapshot(RawSnapshot { at: due, metric_type: Kind::System, data })));
        match &taken {
            Ok(_) => tracing::debug!(job = Job::Collect.name(), "job done"),
            Err(error) => tracing::error!(job = Job::Collect.name(), %error, "job failed"),
        }
        self.instruments.job_ran(Job::Collect.name(), taken.is_ok());
    }
}
