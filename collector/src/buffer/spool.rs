//! The files of the spool: a directory of segments, the oldest of which is saved and removed first.
//!
//! A segment is named `<stream>-<number of its first record>.log`. Every run of a collector is a
//! stream of its own, so that nothing is ever appended to a file that a crash may have torn, and
//! a copied directory cannot give two different records the same name.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use uuid::Uuid;

use super::segment::{Entry, read_lines, write_line};

/// A segment is closed when it is longer, and read, saved and removed as one.
const SEGMENT_BYTES: u64 = 1 << 20;

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
}

impl Segment {
    /// What is not saved of it.
    fn read(&self) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.bytes - self.taken).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        File::open(&self.path)?.read_exact_at(&mut bytes, self.taken)?;
        Ok(bytes)
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
    pub(super) place: Option<(PathBuf, u64)>,
}

impl Spool {
    /// Opens the directory, makes it where it is missing, and takes up what earlier runs left.
    pub(super) fn open(directory: &Path, stream: Uuid, limit: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let mut segments: Vec<Segment> = segments(directory)?
            .into_iter()
            .map(|(path, stream)| {
                let text = fs::read(&path)?;
                let records = text.iter().filter(|byte| **byte == b'\n').count() as u64;
                Ok(Segment { path, stream, bytes: text.len() as u64, taken: 0, records })
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
        self.segments.push_back(Segment { path, stream: self.stream, bytes: 0, taken: 0, records: 0 });
        self.writer = Some(file);
        Ok(())
    }

    /// The oldest records that are not saved, `None` when there are none, and the number of
    /// records that were found to be lost.
    pub(super) fn batch(&mut self) -> (Option<Batch>, u64) {
        let mut lost = 0;
        while let Some(index) = self.segments.iter().position(|segment| segment.taken < segment.bytes) {
            let segment = &self.segments[index];
            match segment.read() {
                Ok(bytes) => {
                    let (entries, damaged) = read_lines(&bytes);
                    let place = Some((segment.path.clone(), segment.bytes));
                    return (Some(Batch { stream: segment.stream, entries, place }), lost + damaged);
                }
                Err(error) => {
                    let path = segment.path.display();
                    tracing::error!(%error, %path, "a part of the spool cannot be read and is left aside");
                    lost += segment.records;
                    let _ = fs::rename(&segment.path, segment.path.with_extension("unreadable"));
                    self.segments.remove(index);
                    self.writer = None;
                }
            }
        }
        (None, lost)
    }

    /// Forgets the records of a batch that was saved, and its segment when that is all of it.
    pub(super) fn forget(&mut self, batch: &Batch) {
        let Some((path, end)) = &batch.place else { return };
        let Some(index) = self.segments.iter().position(|segment| segment.path == *path) else { return };
        let segment = &mut self.segments[index];
        segment.taken = *end;
        if segment.taken == segment.bytes {
            self.remove(index);
        } else {
            segment.records = segment.records.saturating_sub(batch.entries.len() as u64);
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

/// Calls `visit` with every record in the directory that was written after `since`, with its
/// stream. For readers beside the writer, in this process or another.
pub(super) fn visit(directory: &Path, since: SystemTime, mut visit: impl FnMut(Uuid, Entry)) -> io::Result<()> {
    for (path, stream) in segments(directory)? {
        let bytes = match fs::metadata(&path).and_then(|meta| meta.modified()) {
            Ok(modified) if modified < since => continue,
            Ok(_) => fs::read(&path),
            Err(error) => Err(error),
        };
        match bytes {
            Ok(bytes) => read_lines(&bytes).0.into_iter().for_each(|entry| visit(stream, entry)),
            // Saved and removed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Paths and streams of the segments, oldest first.
fn segments(directory: &Path) -> io::Result<Vec<(PathBuf, Uuid)>> {
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
