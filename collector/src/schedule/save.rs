//! Save: the buffered samples to PostgreSQL in one batch, soon after the start, regularly, and
//! at the end. What cannot be saved stays in the buffer.

use std::sync::Arc;
use std::time::{Duration, Instant};

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
    pub(crate) store: Store,
    pub(crate) buffer: Arc<Buffer>,
    pub(crate) instruments: Instruments,
}

/// Saves every `interval`, for ever.
pub(crate) async fn save_regularly(saving: Saving, interval: Duration) {
    let mut pause = FIRST.min(interval);
    loop {
        tokio::time::sleep(pause).await;
        pause = if save_all(&saving).await { interval } else { RETRY.min(interval) };
    }
}

/// Saves everything that is buffered; answers whether it is in PostgreSQL now.
pub(crate) async fn save_all(saving: &Saving) -> bool {
    let Saving { store, buffer, instruments } = saving;
    let batch = buffer.batch();
    if batch.samples.is_empty() {
        return true;
    }
    let started = Instant::now();
    let outcome = tokio::time::timeout(LIMIT, store.save(&batch.samples)).await;
    let seconds = started.elapsed().as_secs_f64();
    instruments.save_seconds.observe(seconds);
    let saved = match outcome {
        Ok(Ok(rows)) => {
            buffer.forget(&batch);
            instruments.rows_saved.inc_by(rows);
            tracing::info!(samples = batch.samples.len(), rows, seconds, "saved");
            true
        }
        failed => {
            let error = failed.map_or_else(
                |_| "no answer in time".to_owned(),
                |saved| saved.err().map_or_else(String::new, |error| error.to_string()),
            );
            instruments.saves_failed.inc();
            tracing::warn!(samples = batch.samples.len(), error, "could not save; the samples stay in memory");
            false
        }
    };
    instruments.buffered.set(i64::try_from(buffer.len()).unwrap_or(i64::MAX));
    saved
}
