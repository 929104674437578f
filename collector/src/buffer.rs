//! Records that are not yet in PostgreSQL: on disk, from the moment they are taken.
//!
//! [`Buffer::push`] never waits. A thread of its own writes what was pushed to the spool and
//! calls `fdatasync` before a record counts as kept; what is pushed meanwhile shares the next
//! call. While the disk takes nothing, records stay in memory, up to a limit, and are saved from
//! there. Nothing is ever appended after a restart to what a crash may have torn.

mod segment;
mod spool;
mod unsaved;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::alert::AlertRecord;
use crate::instruments::Instruments;
use crate::sample::{Event, Increase, RawSnapshot, Sample};

pub use segment::Entry;
pub use spool::Batch;
use spool::Spool;
pub use unsaved::Unsaved;

/// Pause before the disk is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Records that share a write, so that segments stay small.
const RECORDS_AT_ONCE: usize = 500;
/// Unsaved records that ask for a save before its time, until another number is set.
const SAVE_AT_RECORDS: u64 = 2_000;

/// One record of the spool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// Numbers of one moment: rows of `system_metrics`.
    Sample(Sample),
    /// The newest values of one kind: a row of `metrics_raw`.
    Snapshot(RawSnapshot),
    /// What happened in the application: counted in `business_events`.
    Event(Event),
    /// What a scraped counter counted: the same.
    Increase(Increase),
    /// That an alert fires, or is over: a row of `alert_history`.
    Alert(Box<AlertRecord>),
}

impl Record {
    /// When it was taken.
    fn at(&self) -> Timestamp {
        match self {
            Self::Sample(sample) => sample.at,
            Self::Snapshot(snapshot) => snapshot.at,
            Self::Event(event) => event.at,
            Self::Increase(increase) => increase.at,
            Self::Alert(record) => record.at(),
        }
    }

    /// For the log.
    fn name(&self) -> &'static str {
        match self {
            Self::Sample(_) => "sample",
            Self::Snapshot(_) => "snapshot",
            Self::Event(_) => "event",
            Self::Increase(_) => "increase",
            Self::Alert(_) => "alert",
        }
    }
}

/// What is kept until it is in PostgreSQL. Clones are the same buffer.
#[derive(Clone, Debug)]
pub struct Buffer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    stream: Uuid,
    queue: Mutex<Queue>,
    /// Something was pushed, or the end has come.
    pushed: Condvar,
    spool: Mutex<Spool>,
    /// Number of the last record that is on disk or saved.
    kept: watch::Sender<u64>,
    /// So much is unsaved, or an alert is, that it should be saved now.
    full: Notify,
    save_at: AtomicU64,
    memory_limit: usize,
    instruments: Instruments,
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Pushed and not yet on disk.
    entries: VecDeque<Entry>,
    /// Number of the last record pushed.
    last: u64,
    /// The disk takes nothing now, and entries stay here.
    is_failing: bool,
    ended: bool,
}

impl Buffer {
    /// Opens the spool in `directory`, with what earlier runs left there.
    ///
    /// `limit_bytes` is what it may use on disk, `memory_limit` the number of records that wait in
    /// memory while the disk takes none; past either the oldest are given up, counted.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made, read or written to.
    pub fn open(directory: &Path, limit_bytes: u64, memory_limit: usize, instruments: Instruments) -> io::Result<Self> {
        let stream = Uuid::now_v7();
        let spool = Spool::open(directory, stream, limit_bytes)?;
        let inner = Inner {
            directory: directory.to_owned(),
            stream,
            queue: Mutex::default(),
            pushed: Condvar::new(),
            spool: Mutex::new(spool),
            kept: watch::Sender::new(0),
            full: Notify::new(),
            save_at: AtomicU64::new(SAVE_AT_RECORDS),
            memory_limit,
            instruments,
            writer: Mutex::default(),
        };
        let buffer = Self(Arc::new(inner));
        buffer.measure();
        let thread = std::thread::Builder::new().name("spool".to_owned()).spawn({
            let buffer = buffer.clone();
            move || buffer.write()
        })?;
        *lock(&buffer.0.writer) = Some(thread);
        Ok(buffer)
    }

    /// Takes a record to keep; answers its number. Never waits.
    pub fn push(&self, record: Record) -> u64 {
        let mut queue = lock(&self.0.queue);
        queue.last += 1;
        let seq = queue.last;
        queue.entries.push_back(Entry { seq, record });
        if queue.entries.len() > self.0.memory_limit {
            // Whoever sent an event waits until it is kept, and was let in only where there is room.
            // Alerts are few.
            let may_go = |entry: &Entry| !matches!(entry.record, Record::Event(_) | Record::Alert(_));
            let oldest = queue.entries.iter().position(may_go);
            queue.entries.remove(oldest.unwrap_or(0));
            self.0.instruments.give_up(1, "the disk takes nothing and the memory for it is full");
        }
        drop(queue);
        self.0.pushed.notify_one();
        seq
    }

    /// The run of a collector that what is pushed is of.
    pub(crate) fn stream(&self) -> Uuid {
        self.0.stream
    }

    /// Records that wait in memory at the most while the disk takes none.
    pub(crate) fn memory_limit(&self) -> usize {
        self.0.memory_limit
    }

    /// Waits until the record of this number and all before it are on disk or saved.
    pub async fn kept(&self, seq: u64) {
        // The sender lives as long as this buffer.
        let _ = self.0.kept.subscribe().wait_for(|kept| *kept >= seq).await;
    }

    /// Number of the last record that is on disk or saved. Never waits.
    pub(crate) fn last_kept(&self) -> u64 {
        *self.0.kept.borrow()
    }

    /// The oldest records that are not saved; `None` when there are none. What is just being
    /// written is in one of the next.
    ///
    /// # Errors
    ///
    /// When the spool cannot be read now; what is in it stays, and asking again is right.
    pub async fn batch(&self) -> io::Result<Option<Batch>> {
        let buffer = self.clone();
        blocking(move || buffer.take_batch(|| {})).await
    }

    /// A batch of the spool, or after `between` one of what waits for a disk that takes nothing.
    fn take_batch(&self, between: impl FnOnce()) -> io::Result<Option<Batch>> {
        // Held until the queue is read as well: what moves to the disk between the two would be in
        // neither, and PostgreSQL would know its numbers from the records after it.
        let mut spool = lock(&self.0.spool);
        let mut damaged = 0;
        let batch = spool.batch(Instant::now(), &mut damaged);
        if damaged > 0 {
            self.0.instruments.records_damaged.inc_by(damaged);
            tracing::error!(damaged, "records of the spool are damaged and lost");
        }
        if !matches!(batch, Ok(None)) {
            return batch;
        }
        between();
        let queue = lock(&self.0.queue);
        let entries: Vec<_> = queue.entries.iter().filter(|_| queue.is_failing).cloned().collect();
        Ok((!entries.is_empty()).then(|| Batch { stream: self.0.stream, entries, place: None }))
    }

    /// Forgets the records of a batch that was saved.
    pub async fn forget(&self, batch: Batch) {
        let buffer = self.clone();
        let forgotten = blocking(move || {
            lock(&buffer.0.spool).forget(&batch);
            if let (true, Some(last)) = (batch.stream == buffer.0.stream, batch.entries.last()) {
                let mut queue = lock(&buffer.0.queue);
                while queue.entries.front().is_some_and(|entry| entry.seq <= last.seq) {
                    queue.entries.pop_front();
                }
                drop(queue);
                buffer.note_kept(last.seq);
            }
            buffer.measure();
            Ok(())
        });
        if let Err(error) = forgotten.await {
            tracing::error!(%error, "saved records could not be forgotten; they are known when they come again");
        }
    }

    /// Sets how many unsaved records ask for a save before its time.
    pub fn ask_at(&self, records: u64) {
        self.0.save_at.store(records, Ordering::Relaxed);
    }

    /// Waits until so much is unsaved, or an alert is, that it should be saved before its time.
    pub async fn filled(&self) {
        self.0.full.notified().await;
    }

    /// Number of records that are not saved.
    #[must_use]
    pub fn len(&self) -> u64 {
        lock(&self.0.spool).records() + self.waiting_for_disk()
    }

    /// Number of records that are not on disk. Never waits.
    #[must_use]
    pub fn waiting_for_disk(&self) -> u64 {
        lock(&self.0.queue).entries.len() as u64
    }

    /// Whether everything is saved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where records that are not yet saved can be read.
    #[must_use]
    pub fn unsaved(&self) -> Unsaved {
        Unsaved::of(self)
    }

    /// Writes what was pushed so far and ends. To be called last.
    pub async fn close(&self) {
        let Some(writer) = lock(&self.0.writer).take() else { return };
        lock(&self.0.queue).ended = true;
        self.0.pushed.notify_one();
        let ended = blocking(move || writer.join().map_err(|_| io::Error::other("it panicked"))).await;
        if let Err(error) = ended {
            tracing::error!(%error, "the spool's thread did not end well");
        }
    }

    /// The thread: writes what is pushed until the end.
    fn write(&self) {
        loop {
            let (entries, ended) = self.next_entries();
            if entries.is_empty() {
                return;
            }
            let outcome = lock(&self.0.spool).append(&entries);
            match outcome {
                Ok(()) => {
                    self.acknowledge(&entries);
                    if self.note_failing(false) {
                        tracing::info!("the spool's disk takes records again");
                    }
                }
                Err(error) => {
                    let was_failing = self.note_failing(true);
                    self.0.instruments.spool_failures.inc();
                    if has_alert(&entries) {
                        self.0.full.notify_one();
                    }
                    if !was_failing {
                        let path = self.0.directory.display();
                        tracing::error!(%error, %path, "the spool's disk takes nothing: new samples are in memory only");
                    }
                    if ended {
                        let records = lock(&self.0.queue).entries.len();
                        self.0.instruments.give_up(records as u64, "the program ends and no disk takes them");
                        return;
                    }
                    std::thread::sleep(RETRY);
                }
            }
            self.measure();
        }
    }

    /// Notes whether the disk takes records; answers whether it did not before.
    fn note_failing(&self, is_failing: bool) -> bool {
        std::mem::replace(&mut lock(&self.0.queue).is_failing, is_failing)
    }

    /// Waits for something to write; nothing at the end.
    fn next_entries(&self) -> (Vec<Entry>, bool) {
        let queue = lock(&self.0.queue);
        let waiting = |queue: &mut Queue| queue.entries.is_empty() && !queue.ended;
        let queue = self.0.pushed.wait_while(queue, waiting).unwrap_or_else(PoisonError::into_inner);
        (queue.entries.iter().take(RECORDS_AT_ONCE).cloned().collect(), queue.ended)
    }

    fn acknowledge(&self, entries: &[Entry]) {
        let Some(last) = entries.last() else { return };
        let mut queue = lock(&self.0.queue);
        while queue.entries.front().is_some_and(|entry| entry.seq <= last.seq) {
            queue.entries.pop_front();
        }
        drop(queue);
        self.note_kept(last.seq);
        for entry in entries {
            let (seq, kind, at) = (entry.seq, entry.record.name(), entry.record.at());
            tracing::debug!(stream = %self.0.stream, seq, kind, %at, "kept");
        }
        let mut spool = lock(&self.0.spool);
        let lost = spool.give_up_oldest();
        let records = spool.records();
        drop(spool);
        self.0.instruments.give_up(lost, "the spool has reached storage.spool_limit_mib");
        if records >= self.0.save_at.load(Ordering::Relaxed) || has_alert(entries) {
            self.0.full.notify_one();
        }
    }

    fn note_kept(&self, seq: u64) {
        self.0.kept.send_if_modified(|kept| std::mem::replace(kept, seq.max(*kept)) < seq);
    }

    fn measure(&self) {
        let spool = lock(&self.0.spool);
        let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.0.instruments.spool_bytes.set(gauge(spool.bytes()));
        self.0.instruments.unsaved_records.set(gauge(spool.records()));
    }
}

/// Whether there is something that people wait for.
fn has_alert(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| matches!(entry.record, Record::Alert(_)))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change above is whole before anything can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
