//! Readers of what is not yet in PostgreSQL, beside the one that writes it: in its process or in
//! another.
//!
//! What waits for the disk is read first, then the files: a record goes from the one to the other
//! and from there to PostgreSQL, so whoever asks in this order, and PostgreSQL last, finds it
//! wherever it is. It may be found in two places, and is known by its stream and number.
//!
//! A backlog can be as long as `storage.spool_limit_mib` allows. A reader takes one segment of it
//! at a time, leaves out what was taken at other times, one reader waits for the other, and only
//! points of a wanted metric are taken apart. A whole 1 GiB takes about 4 s of one core.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::segment::{checked, sample_of, taken_at};
use super::spool::segments;
use super::{Buffer, Entry, Record, blocking, lock};
use crate::sample::Sample;

/// Files are dated by when they were written, which is a little after the time of a sample.
const WRITTEN_LATER: SignedDuration = SignedDuration::from_mins(10);

/// How the JSON of a sample begins: most records are one, and none other need be read for events.
const SAMPLE: &str = "{\"sample\"";

/// Where records that are not yet in PostgreSQL can be read. Clones share what they know.
#[derive(Clone, Debug)]
pub struct Unsaved {
    directory: PathBuf,
    /// Where this process writes them.
    buffer: Option<Buffer>,
    /// Of the segments that were read; held by the one who reads.
    spans: Arc<Mutex<HashMap<PathBuf, Span>>>,
}

/// When the records of a segment were taken, for as long as it is not longer than this.
#[derive(Clone, Copy, Debug)]
struct Span {
    bytes: u64,
    oldest: Timestamp,
    newest: Timestamp,
}

impl Unsaved {
    /// Those of a collector in another process, which has its spool in `directory`.
    #[must_use]
    pub fn of_others(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), buffer: None, spans: Arc::default() }
    }

    /// Those of this process, and what earlier ones left.
    pub(super) fn of(buffer: &Buffer) -> Self {
        Self { buffer: Some(buffer.clone()), ..Self::of_others(&buffer.0.directory) }
    }

    /// Stream and number of every record.
    ///
    /// # Errors
    ///
    /// When the spool cannot be read.
    pub async fn numbers(&self) -> io::Result<BTreeSet<(Uuid, u64)>> {
        let unsaved = self.clone();
        blocking(move || {
            let queued = unsaved.queued();
            let mut numbers: BTreeSet<_> = queued.iter().map(|(stream, entry)| (*stream, entry.seq)).collect();
            for (path, stream) in unsaved.segments()? {
                let Some((_, bytes)) = read(&path, |_, _| true)? else { continue };
                numbers.extend(lines(&bytes).filter_map(|line| Some((stream, checked(line)?.0))));
            }
            Ok(numbers)
        })
        .await
    }

    /// What `add` makes of every sample that was taken after `from` and until `to` and has one of
    /// the metrics, with its stream and number: each once, and of its points at least the wanted.
    ///
    /// To be read before PostgreSQL is: a record leaves only after it has arrived there.
    ///
    /// # Errors
    ///
    /// When the spool cannot be read.
    pub async fn samples<T: Send + 'static>(
        &self,
        (from, to): (Timestamp, Timestamp),
        metrics: Vec<String>,
        mut all: T,
        mut add: impl FnMut(&mut T, Uuid, u64, &Sample) + Send + 'static,
    ) -> io::Result<T> {
        let unsaved = self.clone();
        blocking(move || {
            let mut spans = lock(&unsaved.spans);
            let is_within = |at: Timestamp| at > from && at <= to;
            let queued = unsaved.queued();
            for (stream, entry) in &queued {
                if let Record::Sample(sample) = &entry.record
                    && is_within(sample.at)
                {
                    add(&mut all, *stream, entry.seq, sample);
                }
            }
            let segments = unsaved.segments()?;
            spans.retain(|path, _| segments.iter().any(|(known, _)| known == path));
            // Lines of a file that could not be cut off come again in the next one.
            let mut last = (Uuid::nil(), 0);
            for (path, stream) in segments {
                let known = spans.get(&path).copied();
                let is_wanted = |bytes, modified| match known.filter(|span| span.bytes == bytes) {
                    Some(span) => span.newest > from && span.oldest <= to,
                    None => modified >= SystemTime::try_from(from - WRITTEN_LATER).unwrap_or(SystemTime::UNIX_EPOCH),
                };
                let Some((length, bytes)) = read(&path, is_wanted)? else { continue };
                let mut span = Span { bytes: length, oldest: Timestamp::MAX, newest: Timestamp::MIN };
                for (seq, json) in lines(&bytes).filter_map(checked) {
                    let Some(at) = taken_at(json) else { continue };
                    (span.oldest, span.newest) = (span.oldest.min(at), span.newest.max(at));
                    let is_new = (stream, seq) > last
                        && queued.first().is_none_or(|(own, first)| stream != *own || seq < first.seq);
                    last = last.max((stream, seq));
                    if is_new
                        && is_within(at)
                        && let Some(sample) = sample_of(json, &metrics)
                    {
                        add(&mut all, stream, seq, &sample);
                    }
                }
                spans.insert(path, span);
            }
            Ok(all)
        })
        .await
    }

    /// Every event and every increase of a counter, with its stream: each once.
    ///
    /// # Errors
    ///
    /// When the spool cannot be read.
    pub async fn events(&self) -> io::Result<Vec<(Uuid, Entry)>> {
        let unsaved = self.clone();
        blocking(move || {
            let is_event = |record: &Record| matches!(record, Record::Event(_) | Record::Increase(_));
            let queued = unsaved.queued();
            let mut seen = BTreeSet::new();
            let mut events = Vec::new();
            let mut found = |stream: Uuid, entry: Entry| {
                if is_event(&entry.record) && seen.insert((stream, entry.seq)) {
                    events.push((stream, entry));
                }
            };
            for (path, stream) in unsaved.segments()? {
                let Some((_, bytes)) = read(&path, |_, _| true)? else { continue };
                for (seq, json) in lines(&bytes).filter_map(checked).filter(|(_, json)| !json.starts_with(SAMPLE)) {
                    if let Ok(record) = serde_json::from_str(json) {
                        found(stream, Entry { seq, record });
                    }
                }
            }
            // Read before the files, so that what moves there meanwhile is in one of them.
            for (stream, entry) in queued {
                found(stream, entry);
            }
            Ok(events)
        })
        .await
    }

    /// What waits in this process for the disk.
    fn queued(&self) -> Vec<(Uuid, Entry)> {
        let Some(Buffer(inner)) = &self.buffer else { return Vec::new() };
        lock(&inner.queue).entries.iter().map(|entry| (inner.stream, entry.clone())).collect()
    }

    fn segments(&self) -> io::Result<Vec<(PathBuf, Uuid)>> {
        match segments(&self.directory) {
            // No collector has ever kept anything here.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            segments => segments,
        }
    }
}

/// Length and content of a file, if it is wanted for its length and date, and there still.
fn read(path: &Path, is_wanted: impl FnOnce(u64, SystemTime) -> bool) -> io::Result<Option<(u64, Vec<u8>)>> {
    let read = || -> io::Result<Option<(u64, Vec<u8>)>> {
        let mut file = File::open(path)?;
        let meta = file.metadata()?;
        if !is_wanted(meta.len(), meta.modified()?) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Some((bytes.len() as u64, bytes)))
    };
    match read() {
        // Saved and removed meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        outcome => outcome,
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}
