//! One `.tar.gz` of plain files: written beside its place, and put there once it is whole.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use tar::{Builder, Header};

/// An archive that is being written; dropped before its end it leaves nothing.
pub(super) struct Archive {
    path: PathBuf,
    unfinished: Unfinished,
    out: Builder<GzEncoder<File>>,
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
        let out = Builder::new(GzEncoder::new(file, Compression::default()));
        Ok(Self { path: path.to_owned(), unfinished: Unfinished(beside), out })
    }

    /// Adds a file.
    pub(super) fn add(&mut self, name: &str, content: &[u8], at: Timestamp) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(at.as_second().try_into().unwrap_or_default());
        self.out.append_data(&mut header, name, content)
    }

    /// Puts it in its place, where no other is; answers its size.
    pub(super) fn finish(self) -> io::Result<u64> {
        let file = self.out.into_inner()?.finish()?;
        file.sync_all()?;
        // Fails where something has come there meanwhile; the other name goes with this.
        fs::hard_link(&self.unfinished.0, &self.path)?;
        Ok(file.metadata()?.len())
    }
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
        let long = &format!("a/{}", "x".repeat(200));
        let files = [
            ("a/empty", String::new()),
            ("a/one/block", "x".repeat(512)),
            ("a/日本語.txt", "行\n".repeat(999)),
            (long, "long".to_owned()),
        ];
        let mut archive = Archive::begin(&path).unwrap();
        for (name, text) in &files {
            archive.add(name, text.as_bytes(), at).unwrap();
        }
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
