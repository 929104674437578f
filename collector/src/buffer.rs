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
}

impl Record {
    /// When it was taken.
    fn at(&self) -> Timestamp {
        match self {
            Self::Sample(sample) => sample.at,
            Self::Snapshot(snapshot) => snapshot.at,
            Self::Event(event) => event.at,
            Self::Increase(increase) => increase.at,
        }
    }

    /// For the log.
    fn name(&self) -> &'static str {
        match self {
            Self::Sample(_) => "sample",
            Self::Snapshot(_) => "snapshot",
            Self::Event(_) => "event",
            Self::Increase(_) => "increase",
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
    /// So much is unsaved that it should be saved now.
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
            let oldest = queue.entries.iter().position(|entry| !matches!(entry.record, Record::Event(_)));
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

    /// Waits until so much is unsaved that it should be saved before its time.
    pub async fn filled(&self) {
        self.0.full.notified().await;
    }

    /// Number of records that are not saved.
    #[must_use]
    pub fn len(&self) -> u64 {
        lock(&self.0.spool).records() + self.waiting_for_disk()
    }

    /// Number of records that are not on disk. Never waits.
    pub(crate) fn waiting_for_disk(&self) -> u64 {
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
        if records >= self.0.save_at.load(Ordering::Relaxed) {
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

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change above is whole before anything can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use prometheus_client::registry::Registry;

    use super::*;
    use crate::sample::{Kind, Point};

    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    pub(super) fn record(n: u64) -> Record {
        let at = Timestamp::from_millisecond(1_764_000_000_000 + i64::try_from(n).unwrap() * 10_001).unwrap();
        if n.is_multiple_of(7) {
            let data = serde_json::json!({ "cpu_usage": 12.5, "name": "レシピ" });
            return Record::Snapshot(RawSnapshot { at, metric_type: Kind::System, data });
        }
        let value = 100.0 / (n as f64 + 0.1);
        let labels = BTreeMap::from([("mount".to_owned(), format!("/mnt/\"{n}\"\n<b>"))]);
        let points = vec![
            Point { metric_name: "cpu_usage".into(), value, labels: BTreeMap::new() },
            Point { metric_name: "disk_usage".into(), value: -value / 3.0, labels },
        ];
        Record::Sample(Sample { at, host: "web-1".to_owned(), points })
    }

    fn open(directory: &Path, limit_bytes: u64, memory_limit: usize) -> (Buffer, Instruments) {
        let instruments = Instruments::register(&mut Registry::default());
        (Buffer::open(directory, limit_bytes, memory_limit, instruments.clone()).unwrap(), instruments)
    }

    fn push(buffer: &Buffer, numbers: std::ops::RangeInclusive<u64>) {
        for n in numbers {
            buffer.push(record(n));
        }
    }

    /// Takes everything out, as a save would; answers the numbers by stream, in order.
    async fn drain(buffer: &Buffer) -> Vec<(Uuid, u64)> {
        let mut seen = Vec::new();
        while let Some(batch) = buffer.batch().await.unwrap() {
            seen.extend(batch.entries.iter().map(|entry| (batch.stream, entry.seq)));
            buffer.forget(batch).await;
        }
        seen
    }

    #[tokio::test]
    async fn what_was_kept_is_there_after_a_crash_once_and_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let mut streams = Vec::new();
        for _ in 0..3 {
            let (buffer, _) = open(directory.path(), u64::MAX, 100);
            push(&buffer, 1..=20);
            buffer.close().await;
            streams.push(buffer.0.stream);
            // Without being saved: as if killed.
        }
        let (buffer, _) = open(directory.path(), u64::MAX, 100);
        assert_eq!(buffer.len(), 60);
        let expected: Vec<_> = streams.iter().flat_map(|stream| (1..=20).map(|seq| (*stream, seq))).collect();
        assert_eq!(drain(&buffer).await, expected);
        assert!(buffer.is_empty());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_comes_while_a_batch_is_saved_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (buffer, _) = open(directory.path(), u64::MAX, 100);
        push(&buffer, 1..=3);
        let batch = until_kept(&buffer, 3).await;
        push(&buffer, 4..=5);
        buffer.forget(batch).await;
        buffer.close().await;
        let seen: Vec<_> = drain(&buffer).await.into_iter().map(|(_, seq)| seq).collect();
        assert_eq!(seen, [4, 5]);
    }

    #[tokio::test]
    async fn what_gets_to_the_disk_while_a_batch_is_looked_for_is_not_overtaken() {
        let directory = tempfile::tempdir().unwrap();
        let spool = directory.path().join("spool");
        let (buffer, instruments) = open(&spool, u64::MAX, 100);
        fs::remove_dir(&spool).unwrap();
        fs::write(&spool, "in the way").unwrap();
        push(&buffer, 1..=3);
        until_failing(&instruments);
        // The disk is well again, and if nothing keeps the writer from it, it moves them now.
        let between = || {
            fs::remove_file(&spool).unwrap();
            fs::create_dir(&spool).unwrap();
            let started = std::time::Instant::now();
            while *buffer.0.kept.borrow() < 3 && started.elapsed() < RETRY * 2 {
                std::thread::yield_now();
            }
            buffer.push(record(4));
        };
        let mut taken = Vec::new();
        let mut batch = buffer.take_batch(between).unwrap();
        buffer.close().await;
        while let Some(next) = batch {
            // As PostgreSQL does, which remembers the last number of a stream.
            let known = taken.last().copied().unwrap_or(0);
            taken.extend(next.entries.iter().map(|entry| entry.seq).filter(|seq| *seq > known));
            buffer.forget(next).await;
            batch = buffer.batch().await.unwrap();
        }
        assert_eq!(taken, [1, 2, 3, 4]);
    }

    fn until_failing(instruments: &Instruments) {
        while instruments.spool_failures.get() == 0 {
            std::thread::yield_now();
        }
    }

    async fn until_kept(buffer: &Buffer, count: usize) -> Batch {
        loop {
            if let Some(batch) = buffer.batch().await.unwrap().filter(|batch| batch.entries.len() == count) {
                return batch;
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn past_the_limit_the_oldest_segments_go_and_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        let (buffer, instruments) = open(directory.path(), 3 << 20, 1_000_000);
        let count = 40_000;
        push(&buffer, 1..=count);
        buffer.close().await;
        let lost = instruments.records_given_up.get();
        assert!(lost > 0);
        let seen = drain(&buffer).await;
        assert_eq!(seen.len() as u64 + lost, count);
        assert_eq!(seen.last().unwrap().1, count);
    }

    #[tokio::test]
    async fn while_the_disk_takes_nothing_records_stay_in_memory_and_are_saved_from_there() {
        let directory = tempfile::tempdir().unwrap();
        let spool = directory.path().join("spool");
        let (buffer, instruments) = open(&spool, u64::MAX, 5);
        fs::remove_dir(&spool).unwrap();
        fs::write(&spool, "in the way").unwrap();
        push(&buffer, 1..=7);
        until_failing(&instruments);
        let seen: Vec<_> = drain(&buffer).await.into_iter().map(|(_, seq)| seq).collect();
        assert_eq!(seen, [3, 4, 5, 6, 7]);
        assert_eq!(instruments.records_given_up.get(), 2);
        fs::remove_file(&spool).unwrap();
        fs::create_dir(&spool).unwrap();
        buffer.push(record(8));
        buffer.close().await;
        assert!(drain(&buffer).await.iter().any(|(_, seq)| *seq == 8));
    }

    #[tokio::test]
    async fn a_segment_that_cannot_be_read_does_not_hold_up_the_others() {
        let directory = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let (buffer, _) = open(directory.path(), u64::MAX, 100);
            push(&buffer, 1..=3);
            buffer.close().await;
        }
        let (buffer, instruments) = open(directory.path(), u64::MAX, 100);
        let mut files: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        fs::remove_file(&files[0]).unwrap();
        assert_eq!(drain(&buffer).await.len(), 3);
        assert_eq!(instruments.records_damaged.get(), 3);
    }

    /// The one segment of a spool with this many records, as bytes.
    async fn segment(count: u64) -> (String, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let (buffer, _) = open(directory.path(), u64::MAX, 100);
        push(&buffer, 1..=count);
        buffer.close().await;
        let file = fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap();
        (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())
    }

    /// What is taken out of a spool with this segment, and how many records it says are damaged.
    async fn after_damage(name: &str, bytes: &[u8]) -> (Vec<u64>, u64) {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(name), bytes).unwrap();
        let (buffer, instruments) = open(directory.path(), u64::MAX, 100);
        buffer.push(record(100));
        buffer.close().await;
        let mut seqs: Vec<_> = drain(&buffer).await.into_iter().map(|(_, seq)| seq).collect();
        // The new stream's own.
        assert_eq!(seqs.pop(), Some(1));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        (seqs, instruments.records_damaged.get())
    }

    #[tokio::test]
    async fn a_spool_cut_off_at_any_byte_gives_its_whole_records_and_goes_on() {
        let (name, bytes) = segment(3).await;
        for length in 0..=bytes.len() {
            let whole = bytes[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
            let torn = u64::from(length > 0 && bytes[length - 1] != b'\n');
            assert_eq!(after_damage(&name, &bytes[..length]).await, (Vec::from_iter(1..=whole), torn), "{length}");
        }
    }

    #[tokio::test]
    async fn a_thousand_flipped_bits_cost_no_record_but_those_they_hit() {
        let (name, bytes) = segment(10).await;
        for n in 0..1_000 {
            // Spread over all bytes and bits.
            let (at, bit) = (n * 7_919 % bytes.len(), n % 8);
            let mut bytes = bytes.clone();
            let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
            let hit = if bytes[at] == b'\n' { line..line + 2 } else { line..line + 1 };
            bytes[at] ^= 1 << bit;
            let (seqs, damaged) = after_damage(&name, &bytes).await;
            assert_eq!(seqs, (1..=10).filter(|seq| !hit.contains(seq)).collect::<Vec<_>>(), "{at} {bit}");
            assert!(damaged > 0);
        }
    }

    /// Numbers of the samples that a reader finds, as it finds them.
    async fn found(unsaved: &Unsaved, from: u64, to: u64) -> Vec<u64> {
        let span = (record(from).at() - RETRY, record(to).at());
        let metrics = vec!["cpu_usage".to_owned()];
        let add = |seqs: &mut Vec<u64>, _, seq, _: &Sample| seqs.push(seq);
        unsaved.samples(span, metrics, Vec::new(), add).await.unwrap()
    }

    #[tokio::test]
    async fn readers_see_what_is_not_saved_and_only_that() {
        let directory = tempfile::tempdir().unwrap();
        let (buffer, _) = open(directory.path(), u64::MAX, 100);
        push(&buffer, 1..=3);
        let batch = until_kept(&buffer, 3).await;
        let others = Unsaved::of_others(directory.path());
        assert_eq!(found(&others, 1, 100).await, [1, 2, 3]);
        buffer.forget(batch).await;
        buffer.push(record(4));
        buffer.close().await;
        assert_eq!(found(&buffer.unsaved(), 1, 100).await, [4]);
        let numbers = Vec::from_iter(others.numbers().await.unwrap());
        assert_eq!(numbers, [(buffer.0.stream, 4)]);
        let nowhere = Unsaved::of_others(&directory.path().join("nowhere"));
        assert!(found(&nowhere, 1, 100).await.is_empty());
        assert!(nowhere.numbers().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_record_on_its_way_to_the_disk_is_seen_once() {
        let directory = tempfile::tempdir().unwrap();
        let (buffer, _) = open(directory.path(), u64::MAX, 100);
        let last = buffer.push(record(1));
        buffer.kept(last).await;
        // As between the write and the moment at which the writer has noted it.
        lock(&buffer.0.queue).entries.push_back(Entry { seq: 1, record: record(1) });
        assert_eq!(found(&buffer.unsaved(), 1, 100).await, [1]);
    }

    #[tokio::test]
    async fn while_records_move_readers_find_every_one_once() {
        let directory = tempfile::tempdir().unwrap();
        let (buffer, _) = open(directory.path(), u64::MAX, 1_000);
        let (from, to) = (8, 400);
        let unsaved = buffer.unsaved();
        for n in 1..=to {
            buffer.push(record(n));
            let expected: Vec<_> = (from..=n).filter(|n| !n.is_multiple_of(7)).collect();
            let mut seqs = found(&unsaved, from, to).await;
            seqs.sort_unstable();
            assert_eq!(seqs, expected);
        }
        assert_eq!(found(&unsaved, 100, 103).await, [100, 101, 102, 103]);
    }

    #[tokio::test]
    async fn an_error_that_passes_loses_nothing_and_holds_up_only_its_stream() {
        let directory = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let (buffer, _) = open(directory.path(), u64::MAX, 100);
            push(&buffer, 1..=3);
            buffer.close().await;
        }
        let (buffer, instruments) = open(directory.path(), u64::MAX, 100);
        let mut files: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        // Reading a directory is an error, and not one that says that a file is gone.
        let aside = tempfile::tempdir().unwrap();
        fs::copy(&files[0], aside.path().join("aside")).unwrap();
        fs::remove_file(&files[0]).unwrap();
        fs::create_dir(&files[0]).unwrap();
        let second = buffer.batch().await.unwrap().unwrap();
        assert!(files[1].to_str().unwrap().contains(&second.stream.to_string()));
        buffer.forget(second).await;
        for _ in 0..3 {
            buffer.batch().await.unwrap_err();
        }
        assert_eq!((instruments.records_damaged.get(), buffer.len()), (0, 3));
        fs::remove_dir(&files[0]).unwrap();
        fs::copy(aside.path().join("aside"), &files[0]).unwrap();
        assert_eq!(drain(&buffer).await.len(), 3);
        assert_eq!(instruments.records_damaged.get(), 0);
    }

    #[tokio::test]
    async fn damage_is_counted_once_however_often_a_save_is_tried() {
        let (name, mut bytes) = segment(3).await;
        bytes[20] ^= 1;
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(name), bytes).unwrap();
        let (buffer, instruments) = open(directory.path(), u64::MAX, 100);
        for _ in 0..3 {
            assert_eq!(buffer.batch().await.unwrap().unwrap().entries.len(), 2);
        }
        assert_eq!(instruments.records_damaged.get(), 1);
    }

    #[test]
    fn a_place_on_the_disk_that_stays_broken_is_given_up_after_an_hour() {
        let directory = tempfile::tempdir().unwrap();
        let stream = Uuid::now_v7();
        let path = directory.path().join(format!("{stream}-{:020}.log", 1));
        fs::write(&path, "00000000 1 x\n").unwrap();
        let mut spool = Spool::open(directory.path(), Uuid::now_v7(), u64::MAX).unwrap();
        fs::remove_file(&path).unwrap();
        // Its first page, which is never there, is an input/output error: proc_pid_mem(5).
        std::os::unix::fs::symlink("/proc/self/mem", &path).unwrap();
        let now = Instant::now();
        let mut lost = 0;
        for minutes in [0, 30, 59] {
            let error = spool.batch(now + Duration::from_secs(minutes * 60), &mut lost).unwrap_err();
            assert_eq!((error.raw_os_error(), lost), (Some(5), 0));
        }
        assert!(spool.batch(now + Duration::from_secs(3_600), &mut lost).unwrap().is_none());
        assert_eq!((lost, spool.records()), (1, 0));
        assert!(path.with_extension("unreadable").is_symlink());
    }
}
