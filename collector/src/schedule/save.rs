//! Save: the buffered samples to PostgreSQL in one batch, soon after the start, regularly, and
//! at the end. What cannot be saved stays in the buffer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::buffer::Buffer;
use crate::instruments::Instruments;
use crate::store::Store;

/// The first save, so that a wrong set-up shows soon.
const FIRST: Duration = Duration::from_secs(15);
/// After a save that failed.
const RETRY: Duration = Duration::from_secs(10);
/// A save that takes longer counts as failed.
const LIMIT: Duration = Duration::from_secs(60);

/// What a save needs.
#[derive(Clone, Debug)]
pub(crate) struct Saving {
    store: Store,
    buffer: Arc<Buffer>,
    instruments: Instruments,
    /// One save at a time: two would write the same samples.
    turn: Arc<Mutex<()>>,
}

impl Saving {
    pub(crate) fn new(store: Store, buffer: Arc<Buffer>, instruments: Instruments) -> Self {
        Self { store, buffer, instruments, turn: Arc::default() }
    }
}

/// Saves every `interval`, for ever.
pub(crate) async fn save_regularly(saving: Saving, interval: Duration) {
    let mut pause = FIRST.min(interval);
    loop {
        tokio::time::sleep(pause).await;
        // A task of its own: when this loop is ended, the save that is under way is not.
        let saved = tokio::spawn(save_all(saving.clone())).await.unwrap_or(false);
        pause = if saved { interval } else { RETRY.min(interval) };
    }
}

/// Saves everything that is buffered; answers whether it is in PostgreSQL now.
pub(crate) async fn save_all(saving: Saving) -> bool {
    let Saving { store, buffer, instruments, turn } = saving;
    let _turn = turn.lock().await;
    let batch = buffer.batch();
    if batch.samples.is_empty() {
        return true;
    }
    let started = Instant::now();
    let outcome = match tokio::time::timeout(LIMIT, store.save(&batch.samples)).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {LIMIT:?}")),
    };
    let seconds = started.elapsed().as_secs_f64();
    instruments.save_seconds.observe(seconds);
    let samples = batch.samples.len();
    match &outcome {
        Ok(rows) => {
            buffer.forget(&batch);
            instruments.rows_saved.inc_by(*rows);
            tracing::info!(samples, rows, seconds, "saved");
        }
        Err(error) => {
            instruments.saves_failed.inc();
            tracing::warn!(samples, error, "could not save; the samples stay in memory");
        }
    }
    instruments.buffered.set(i64::try_from(buffer.len()).unwrap_or(i64::MAX));
    outcome.is_ok()
}
