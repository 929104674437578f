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

/// A spool in which two runs left three records each, and the runs' segments in their order.
async fn left_by_two(directory: &Path) -> (Buffer, Instruments, Vec<PathBuf>) {
    for _ in 0..2 {
        let (buffer, _) = open(directory, u64::MAX, 100);
        push(&buffer, 1..=3);
        buffer.close().await;
    }
    let (buffer, instruments) = open(directory, u64::MAX, 100);
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    (buffer, instruments, files)
}

#[tokio::test]
async fn a_segment_that_cannot_be_read_does_not_hold_up_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let (buffer, instruments, files) = left_by_two(directory.path()).await;
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
    let (buffer, instruments, files) = left_by_two(directory.path()).await;
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
