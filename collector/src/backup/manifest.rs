//! What a backup says of itself: `manifest.json`, written last.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::BackupError;
use crate::hex;

/// Its file.
pub(super) const FILE: &str = "manifest.json";
/// What `pg_dump` wrote.
pub(super) const DUMP: &str = "postgresql.dump";
/// The keys of Redis.
pub(super) const KEYS: &str = "redis.json";
/// Users and API tokens, where there are any.
pub(super) const ACCESS: &str = "access.json";
/// The form of a backup. One of a later form is refused.
pub(super) const FORMAT: u32 = 1;

/// The manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the backup.
    pub format: u32,
    /// The program that made it, with its version.
    pub program: String,
    /// Where.
    pub host: String,
    /// As of when the database is.
    pub started_at: Timestamp,
    /// When it was whole.
    pub finished_at: Timestamp,
    /// How long it took.
    pub seconds: f64,
    /// Whether all is in it.
    pub result: BackupResult,
    /// The history.
    pub postgresql: DumpedDatabase,
    /// What of Redis is in it.
    pub redis: CopiedKeys,
    /// Each file beside this one.
    pub files: BTreeMap<String, FileSum>,
}

/// Whether all is in a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BackupResult {
    /// All that there is.
    Complete,
    /// The history is, and Redis could not be read.
    Partial,
}

/// What is known of the dump.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpedDatabase {
    /// Host, port, database and user, without the password.
    pub target: String,
    /// The server's version, as `server_version_num`.
    pub version: u32,
    /// Major version of the `pg_dump` that wrote it.
    pub pg_dump: u32,
    /// The schema of the public tables.
    pub schema: String,
    /// The newest migration that had been run.
    pub migration: i64,
    /// Rows of each table.
    pub tables: BTreeMap<String, u64>,
}

/// What is known of the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedKeys {
    /// How many; `None`: none were read.
    pub keys: Option<usize>,
    /// Why none were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// A file's size and checksum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSum {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal, as `sha256sum` prints it.
    pub sha256: String,
}

impl Manifest {
    /// Reads that of the backup at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, BackupError> {
        let damaged = |reason: String| BackupError::Damaged { backup: path.to_owned(), reason };
        let text = match std::fs::read_to_string(path.join(FILE)) {
            Ok(text) => text,
            Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {
                return Err(BackupError::NoBackup { path: path.to_owned() });
            }
            Err(error) => return Err(damaged(format!("{FILE} cannot be read: {error}"))),
        };
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        let form: Form = serde_json::from_str(&text).map_err(|error| damaged(format!("{FILE}: {error}")))?;
        if form.format > FORMAT {
            return Err(BackupError::Newer { backup: path.to_owned(), what: format!("format {}", form.format) });
        }
        serde_json::from_str(&text).map_err(|error| damaged(format!("{FILE}: {error}")))
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.bytes).sum()
    }

    /// Whether the files of the backup at `path` are there in their size, which takes no time to see.
    pub(super) fn is_whole(&self, path: &Path) -> bool {
        self.files.contains_key(DUMP)
            && self.files.iter().all(|(name, file)| {
                is_known(name) && path.join(name).metadata().is_ok_and(|meta| meta.len() == file.bytes)
            })
    }

    /// Reads every file of the backup at `path` and compares its checksum.
    pub(super) fn verify(&self, path: &Path) -> Result<(), BackupError> {
        let damaged = |reason: String| BackupError::Damaged { backup: path.to_owned(), reason };
        if !self.files.contains_key(DUMP) {
            return Err(damaged(format!("{FILE} knows no {DUMP}")));
        }
        for (name, expected) in &self.files {
            if !is_known(name) {
                return Err(damaged(format!("{FILE} names the unknown file {name:?}")));
            }
            let found = sum(&path.join(name)).map_err(|error| damaged(format!("{name} cannot be read: {error}")))?;
            if found.bytes != expected.bytes {
                return Err(damaged(format!("{name} has {} bytes instead of {}", found.bytes, expected.bytes)));
            }
            if found.sha256 != expected.sha256 {
                return Err(damaged(format!("the checksum of {name} is another one than when it was written")));
            }
        }
        Ok(())
    }
}

fn is_known(name: &str) -> bool {
    [DUMP, KEYS, ACCESS].contains(&name)
}

/// Size and checksum of a file.
fn sum(path: &Path) -> io::Result<FileSum> {
    let mut file = File::open(path)?;
    let (mut summing, mut buffer) = (Summing::default(), vec![0; 1 << 16]);
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(summing.finish());
        }
        summing.add(&buffer[..count]);
    }
}

/// A sum on its way.
#[derive(Debug, Default)]
pub(super) struct Summing {
    bytes: u64,
    hash: Sha256,
}

impl Summing {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hash.update(bytes);
    }

    pub(super) fn finish(self) -> FileSum {
        FileSum { bytes: self.bytes, sha256: hex(&self.hash.finalize()) }
    }
}
