//! One `.tar.gz` of plain files, as POSIX has it (ustar): written beside its place, and put there once it is whole.
//!
//! A crate for it would be more than this: every file is small, and nothing but files is in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

/// Of headers and of what is in files.
const BLOCK: usize = 512;

/// An archive that is being written; dropped before its end it leaves nothing.
#[derive(Debug)]
pub(super) struct Archive {
    path: PathBuf,
    unfinished: Unfinished,
    out: GzEncoder<File>,
}

/// The file that goes again, unless it is put in its place.
#[derive(Debug)]
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Archive {
    /// Begins one that only this user may read.
    pub(super) fn begin(path: &Path) -> io::Result<Self> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}", std::process::id()));
        let beside = PathBuf::from(beside);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let out = GzEncoder::new(file, Compression::default());
        Ok(Self { path: path.to_owned(), unfinished: Unfinished(beside), out })
    }

    /// Adds a file.
    pub(super) fn add(&mut self, name: &str, content: &[u8], at: Timestamp) -> io::Result<()> {
        self.out.write_all(&header(name, content.len(), at)?)?;
        self.out.write_all(content)?;
        let rest = content.len().next_multiple_of(BLOCK) - content.len();
        self.out.write_all(&[0; BLOCK][..rest])
    }

    /// Puts it in its place, where no other is; answers its size.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        self.out.write_all(&[0; 2 * BLOCK])?;
        let file = self.out.finish()?;
        file.sync_all()?;
        // Fails where something has come there meanwhile; the other name goes with this.
        fs::hard_link(&self.unfinished.0, &self.path)?;
        Ok(file.metadata()?.len())
    }
}

/// The header of a file: <https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html>, "ustar Interchange Format".
fn header(name: &str, length: usize, at: Timestamp) -> io::Result<[u8; BLOCK]> {
    let mut header = [0; BLOCK];
    let mut put = |place: usize, room: usize, text: &str| match text.len() <= room {
        true => {
            header[place..place + text.len()].copy_from_slice(text.as_bytes());
            Ok(())
        }
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{text} is too long for an archive"))),
    };
    put(0, 100, name)?;
    put(100, 8, "0000600\0")?;
    put(108, 8, "0000000\0")?;
    put(116, 8, "0000000\0")?;
    put(124, 12, &format!("{length:011o}\0"))?;
    put(136, 12, &format!("{:011o}\0", at.as_second().max(0)))?;
    // The sum is that of a header with blanks in its place.
    put(148, 8, "        ")?;
    put(156, 1, "0")?;
    put(257, 8, "ustar\x0000")?;
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn tar_reads_it_and_it_is_there_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.tar.gz");
        let at = Timestamp::from_second(1_795_000_000).unwrap();
        let files =
            [("a/empty", String::new()), ("a/one/block", "x".repeat(512)), ("a/日本語.txt", "行\n".repeat(999))];
        let mut archive = Archive::begin(&path).unwrap();
        for (name, text) in &files {
            archive.add(name, text.as_bytes(), at).unwrap();
        }
        assert!(archive.add(&"x".repeat(101), b"", at).is_err());
        assert!(!path.exists());
        let bytes = archive.finish().unwrap();
        let meta = fs::metadata(&path).unwrap();
        assert_eq!((meta.len(), meta.permissions().mode() & 0o777), (bytes, 0o600));
        let unpacked = Command::new("tar").args(["-xzf", "a.tar.gz"]).current_dir(directory.path()).output().unwrap();
        assert!(unpacked.status.success() && unpacked.stderr.is_empty(), "{unpacked:?}");
        for (name, text) in &files {
            assert_eq!(&fs::read_to_string(directory.path().join(name)).unwrap(), text);
        }
        // Another one does not take its place, and one that was given up leaves nothing.
        assert_eq!(Archive::begin(&path).unwrap().finish().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        drop(Archive::begin(&directory.path().join("b.tar.gz")).unwrap());
        let names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }
}
