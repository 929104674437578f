//! Save: what is buffered to PostgreSQL, regularly, when there is much of it, when asked to, and
//! at the end. What cannot be saved stays in the spool.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, Notify};

use crate::buffer::Buffer;
use crate::config::Schedule;
use crate::instruments::Instruments;
use crate::sample::Refusal;
use crate::store::{Saved, Store, StoreError};

use super::Job;

/// What a save needs. Clones save the same buffer.
#[derive(Clone, Debug)]
pub struct Saving {
    store: Store,
    buffer: Buffer,
    host: String,
    /// For one batch.
    limit: Duration,
    instruments: Instruments,
    /// One save at a time: a second one would only find the same records.
    turn: Arc<Mutex<()>>,
    asked: Arc<Notify>,
}

/// Why a save did not get to the end.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// PostgreSQL did not take a batch.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It did not answer.
    #[error("no answer within {0:?}")]
    Silence(Duration),
    /// What waits cannot be read.
    #[error("the spool cannot be read now: {0}; see that its disk is well and that this process may open more files")]
    Spool(#[from] std::io::Error),
}

impl Saving {
    /// Saves of `buffer` to `store`, by the collector on `host`.
    #[must_use]
    pub fn new(store: Store, buffer: Buffer, host: &str, instruments: Instruments) -> Self {
        let limit = Job::Save.limit(&Schedule::default());
        let (turn, asked) = Default::default();
        Self { store, buffer, host: host.to_owned(), limit, instruments, turn, asked }
    }

    /// The same saves, of which a batch counts as failed after `limit`.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Asks for a save before its time.
    pub fn ask(&self) {
        self.asked.notify_one();
    }

    /// Waits until a save is wanted before its time.
    pub(super) async fn asked(&self) {
        tokio::select! {
            () = self.asked.notified() => {}
            () = self.buffer.filled() => {}
        }
    }

    /// Saves everything that is buffered, batch by batch: memory does not depend on how much it is.
    ///
    /// # Errors
    ///
    /// When a batch does not arrive; those before have, and the rest stays.
    pub async fn perform(self) -> Result<(), SaveError> {
        let _turn = self.turn.lock().await;
        let started = Instant::now();
        let mut total = Saved::default();
        let outcome = self.save_batches(&mut total).await;
        let (job, seconds) = (Job::Save.name(), started.elapsed().as_secs_f64());
        let Saved { records, rows, .. } = total;
        match &outcome {
            Ok(()) if records == 0 => tracing::debug!(job, seconds, "nothing to save"),
            Ok(()) => tracing::info!(job, seconds, records, rows, "job done"),
            Err(error) => {
                let waiting = self.instruments.unsaved_records.get();
                tracing::warn!(job, seconds, records, rows, waiting, %error, "could not save; the rest stays in the spool");
            }
        }
        self.instruments.job_ran(job, outcome.is_ok());
        outcome
    }

    async fn save_batches(&self, total: &mut Saved) -> Result<(), SaveError> {
        while let Some(batch) = self.buffer.batch().await? {
            let started = Instant::now();
            let saved = tokio::time::timeout(self.limit, self.store.save(&batch, &self.host)).await;
            let saved = saved.map_err(|_| SaveError::Silence(self.limit))??;
            self.instruments.save_seconds.observe(started.elapsed().as_secs_f64());
            self.instruments.rows_saved.inc_by(saved.rows);
            self.instruments.refuse(Refusal::database, saved.refused);
            total.records += saved.records;
            total.rows += saved.rows;
            self.buffer.forget(batch).await;
        }
        Ok(())
    }
}
