//! The files of the spool: a directory of segments, the oldest of which is saved and removed first.
//!
//! A segment is named `<stream>-<number of its first record>.log`. Every run of a collector is a
//! stream of its own, so that nothing is ever appended to a file that a crash may have torn, and
//! a copied directory cannot give two different records the same name.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use uuid::Uuid;

use super::segment::{Entry, read_lines, write_line};

/// A segment is closed when it is longer, and read, saved and removed as one.
const SEGMENT_BYTES: u64 = 1 << 20;
/// A place on the disk that gives nothing for so long is broken; until then its error may pass.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// The spool's directory, as its only writer sees it.
#[derive(Debug)]
pub(super) struct Spool {
    directory: PathBuf,
    stream: Uuid,
    limit: u64,
    segments: VecDeque<Segment>,
    /// The last of `segments`, where it can still grow.
    writer: Option<File>,
}

#[derive(Clone, Debug)]
struct Segment {
    path: PathBuf,
    stream: Uuid,
    /// Bytes known to be whole lines, on disk.
    bytes: u64,
    /// Bytes whose records are in PostgreSQL.
    taken: u64,
    /// Records after `taken`.
    records: u64,
    /// Of these, the ones that are known to be damaged.
    damaged: u64,
    /// Since when it cannot be read.
    failing_since: Option<Instant>,
}

impl Segment {
    fn new(path: PathBuf, stream: Uuid, bytes: u64, records: u64) -> Self {
        Self { path, stream, bytes, taken: 0, records, damaged: 0, failing_since: None }
    }

    /// What is not saved of it; less where the file was cut off.
    fn read(&self) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.taken))?;
        let mut bytes = Vec::new();
        file.take(self.bytes - self.taken).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Notes that it cannot be read; answers whether it never will. What the system is short of
    /// (files, memory) comes back, and so may a disk.
    fn is_lost(&mut self, error: &io::Error, now: Instant) -> bool {
        let since = *self.failing_since.get_or_insert(now);
        let is_broken = error.raw_os_error() == Some(Errno::IO.raw_os_error());
        error.kind() == io::ErrorKind::NotFound || is_broken && now.duration_since(since) >= PATIENCE
    }
}

/// Records to be saved, of one segment.
#[derive(Debug)]
pub struct Batch {
    /// The run of a collector that they come from.
    pub stream: Uuid,
    /// The records, oldest first.
    pub entries: Vec<Entry>,
    /// Where they lie; `None` for records that are only in memory.
    pub(super) place: Option<Place>,
}

/// The part of a segment that a batch was read from.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Its end.
    bytes: u64,
    /// Records in it, the damaged ones too.
    records: u64,
}

impl Spool {
    /// Opens the directory, makes it where it is missing, and takes up what earlier runs left.
    pub(super) fn open(directory: &Path, stream: Uuid, limit: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let mut segments: Vec<Segment> = segments(directory)?
            .into_iter()
            .map(|(path, stream)| {
                let text = fs::read(&path).inspect_err(|error| {
                    let path = path.display();
                    tracing::error!(%error, %path, "a part of the spool cannot be read now");
                });
                let Ok(text) = text else {
                    // Its time may come.
                    return Ok(Segment::new(path.clone(), stream, fs::symlink_metadata(&path)?.len(), 0));
                };
                let records = text.iter().filter(|byte| **byte == b'\n').count() as u64;
                Ok(Segment::new(path, stream, text.len() as u64, records))
            })
            .collect::<io::Result<_>>()?;
        segments.retain(|segment| segment.bytes > 0 || fs::remove_file(&segment.path).is_err());
        Ok(Self { directory: directory.to_owned(), stream, limit, segments: segments.into(), writer: None })
    }

    /// Writes the entries and waits until the disk has them.
    ///
    /// Nothing is half-written when this fails: what of it reached the file is cut off, or else
    /// the file is left and a new one begun with the next entry.
    pub(super) fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut text = String::new();
        for entry in entries {
            write_line(entry.seq, &entry.record, &mut text)?;
        }
        let Some(first) = entries.first() else { return Ok(()) };
        if self.segments.back().is_none_or(|last| self.writer.is_none() || last.bytes >= SEGMENT_BYTES) {
            self.begin_segment(first.seq)?;
        }
        let (Some(writer), Some(segment)) = (&mut self.writer, self.segments.back_mut()) else { return Ok(()) };
        match writer.write_all(text.as_bytes()).and_then(|()| writer.sync_data()) {
            Ok(()) => {
                segment.bytes += text.len() as u64;
                segment.records += entries.len() as u64;
                Ok(())
            }
            Err(error) => {
                // After a failed sync nobody knows what of the file is on disk.
                let _ = writer.set_len(segment.bytes);
                self.writer = None;
                self.segments.retain(|segment| segment.bytes > 0 || fs::remove_file(&segment.path).is_err());
                Err(error)
            }
        }
    }

    fn begin_segment(&mut self, first: u64) -> io::Result<()> {
        let path = self.directory.join(format!("{}-{first:020}.log", self.stream));
        self.writer = None;
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        // A file of this name is one that could not be cut off: its lines come again in this one.
        file.set_len(0)?;
        File::open(&self.directory)?.sync_all()?;
        self.segments.retain(|segment| segment.path != path);
        self.segments.push_back(Segment::new(path, self.stream, 0, 0));
        self.writer = Some(file);
        Ok(())
    }

    /// The oldest records that are not saved at `now`, `None` when there are none. Adds to `lost`
    /// the number of records that were found to be lost.
    ///
    /// # Errors
    ///
    /// When what is left cannot be read now. Nothing of a stream is handed out before what comes
    /// first in it, for PostgreSQL knows a stream by its last number; the other streams go on.
    pub(super) fn batch(&mut self, now: Instant, lost: &mut u64) -> io::Result<Option<Batch>> {
        let mut held_up = Vec::new();
        let mut index = 0;
        while let Some(segment) = self.segments.get_mut(index) {
            if segment.taken == segment.bytes || held_up.iter().any(|(stream, _)| *stream == segment.stream) {
                index += 1;
                continue;
            }
            match segment.read() {
                Ok(bytes) => {
                    segment.failing_since = None;
                    let (entries, damaged) = read_lines(&bytes);
                    let damaged = damaged.max(segment.records.saturating_sub(entries.len() as u64));
                    *lost += damaged.saturating_sub(std::mem::replace(&mut segment.damaged, damaged));
                    let place = Place { path: segment.path.clone(), bytes: segment.bytes, records: segment.records };
                    return Ok(Some(Batch { stream: segment.stream, entries, place: Some(place) }));
                }
                Err(error) if segment.is_lost(&error, now) => {
                    let path = segment.path.display();
                    tracing::error!(%error, %path, "a part of the spool cannot be read and is left aside");
                    *lost += segment.records.saturating_sub(segment.damaged);
                    let _ = fs::rename(&segment.path, segment.path.with_extension("unreadable"));
                    if index + 1 == self.segments.len() {
                        self.writer = None;
                    }
                    self.segments.remove(index);
                }
                Err(error) => {
                    held_up.push((segment.stream, error));
                    index += 1;
                }
            }
        }
        held_up.into_iter().next().map_or(Ok(None), |(_, error)| Err(error))
    }

    /// Forgets the records of a batch that was saved, and its segment when that is all of it.
    pub(super) fn forget(&mut self, batch: &Batch) {
        let Some(place) = &batch.place else { return };
        let Some(index) = self.segments.iter().position(|segment| segment.path == place.path) else { return };
        let segment = &mut self.segments[index];
        (segment.taken, segment.damaged) = (place.bytes, 0);
        if segment.taken == segment.bytes {
            self.remove(index);
        } else {
            segment.records = segment.records.saturating_sub(place.records);
        }
    }

    /// Gives up the oldest segments until the rest is within the limit; answers how many records
    /// were lost with them.
    pub(super) fn give_up_oldest(&mut self) -> u64 {
        let mut lost = 0;
        while self.bytes() > self.limit && self.segments.len() > 1 {
            lost += self.segments[0].records;
            self.remove(0);
        }
        lost
    }

    fn remove(&mut self, index: usize) {
        if index + 1 == self.segments.len() {
            self.writer = None;
        }
        let Some(segment) = self.segments.remove(index) else { return };
        if let Err(error) = fs::remove_file(&segment.path) {
            // It comes again at the next start, and its records are known by their numbers then.
            tracing::warn!(path = %segment.path.display(), %error, "a saved part of the spool could not be removed");
        }
    }

    /// Bytes in use.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Records that are not saved.
    pub(super) fn records(&self) -> u64 {
        self.segments.iter().map(|segment| segment.records).sum()
    }
}

/// Paths and streams of the segments, oldest first.
pub(super) fn segments(directory: &Path) -> io::Result<Vec<(PathBuf, Uuid)>> {
    let mut segments: Vec<(PathBuf, Uuid)> = fs::read_dir(directory)?
        .filter_map(|file| {
            let path = file.ok()?.path();
            let name = path.file_name()?.to_str()?.strip_suffix(".log")?;
            let (stream, _) = name.rsplit_once('-')?;
            let stream = Uuid::parse_str(stream).ok()?;
            Some((path, stream))
        })
        .collect();
    // Streams are named by the time they began, and numbers have the same length.
    segments.sort();
    Ok(segments)
}
