//! The audit log: what somebody has changed, and who tried to log in. An entry is durable before whoever did it gets
//! an answer: it is appended to a file of the data directory, and moved to PostgreSQL exactly once, by its id.
//!
//! ```text
//! audit.jsonl          entries that are not in PostgreSQL yet, a line each
//! audit.moving.jsonl   those that are on their way there
//! audit.damaged.jsonl  lines that could not be read
//! audit.lock           held while a line is appended, or the files change their names
//! audit.moving.lock    held by the one program that moves
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::store::{Store, StoreError};

const WAITING: &str = "audit.jsonl";
const MOVING: &str = "audit.moving.jsonl";
const DAMAGED: &str = "audit.damaged.jsonl";
const LOCK: &str = "audit.lock";
const MOVING_LOCK: &str = "audit.moving.lock";
const MODE: u32 = 0o600;
/// How often it is looked whether something waits, for what the command line has left there.
const EVERY: Duration = Duration::from_secs(5);
/// How long PostgreSQL may take for what is moved.
const LIMIT: Duration = Duration::from_secs(10);

/// One entry: a row of `audit_log`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// A UUID of version 7, by which it is kept once.
    pub id: String,
    /// When it happened.
    #[serde(with = "crate::rfc3339")]
    pub timestamp: Timestamp,
    /// A user, `token:NAME`, `cli:NAME` or `anonymous`.
    pub actor: String,
    /// The role or the scopes; empty where there is neither.
    pub role: String,
    /// Such as `user.add`.
    pub action: String,
    /// What it was done to.
    pub object: String,
    /// More of it.
    pub detail: Value,
    /// Where the request came from; empty for the command line.
    pub address: String,
    /// False: it was refused or failed, and nothing has changed.
    pub ok: bool,
}

impl AuditEntry {
    /// For an entry of this moment.
    #[must_use]
    pub fn new_id() -> String {
        Uuid::now_v7().to_string()
    }

    /// Of the command line, by the name of the system's user, or its number where the environment has none.
    #[must_use]
    pub fn of_command(action: &str, object: &str, detail: Value) -> Self {
        let mut named = ["SUDO_USER", "USER"].into_iter().filter_map(|name| std::env::var(name).ok());
        let user = named.find(|name| !name.is_empty());
        let user = user.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
        Self {
            id: Self::new_id(),
            timestamp: Timestamp::now(),
            actor: format!("cli:{user}"),
            role: String::new(),
            action: action.to_owned(),
            object: object.to_owned(),
            detail,
            address: String::new(),
            ok: true,
        }
    }
}

/// Entries of the audit log, the newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Whether those that are in PostgreSQL are among them.
    pub is_complete: bool,
}

/// The way into the audit log. Clones are the same one.
#[derive(Clone, Debug)]
pub struct AuditLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    store: Option<Store>,
    news: Notify,
}

/// Why an entry was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The files in the data directory.
    #[error("the audit log in {} cannot be used: {source}; see its permissions, and whether the disk is full", .directory.display())]
    File {
        /// Where.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// PostgreSQL does not take what waits; it stays where it is.
    #[error("the audit log waits in {}, for PostgreSQL does not take it: {source}", .directory.display())]
    Store {
        /// Where.
        directory: PathBuf,
        /// Why.
        source: StoreError,
    },
}

impl AuditLog {
    /// The one of this data directory; without a store, entries wait there.
    #[must_use]
    pub fn new(data_dir: &Path, store: Option<Store>) -> Self {
        Self(Arc::new(Inner { directory: data_dir.to_owned(), store, news: Notify::new() }))
    }

    /// Keeps an entry. It may wait for the disk.
    ///
    /// # Errors
    ///
    /// [`AuditError::File`]
    pub fn write(&self, entry: &AuditEntry) -> Result<(), AuditError> {
        self.append(WAITING, std::slice::from_ref(entry)).map_err(|source| self.failed(source))?;
        self.0.news.notify_one();
        Ok(())
    }

    /// Moves what waits to PostgreSQL whenever there is something, for ever.
    pub async fn keep_moving(self) {
        let mut was_failing = false;
        loop {
            // A permit that came while it was moving holds until then.
            let _ = tokio::time::timeout(EVERY, self.0.news.notified()).await;
            let moved = match self.is_waiting() && self.0.store.as_ref().is_some_and(Store::is_open) {
                true => self.move_on().await,
                false => Ok(()),
            };
            match (&moved, was_failing) {
                (Err(error), false) => tracing::warn!(%error, "entries of the audit log wait"),
                (Ok(()), true) => tracing::info!("the audit log is in PostgreSQL again"),
                _ => {}
            }
            was_failing = moved.is_err();
        }
    }

    /// Moves what waits to PostgreSQL, unless another program is about to.
    ///
    /// # Errors
    ///
    /// [`AuditError::Store`] and [`AuditError::File`]; it waits on, then.
    pub async fn move_on(&self) -> Result<(), AuditError> {
        let Some(store) = &self.0.store else { return Ok(()) };
        let failed = |source| self.failed(source);
        let moving = self.open(MOVING_LOCK).map_err(failed)?;
        match moving.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // What was on its way when a program was killed goes first, and then what came since.
        for _ in 0..2 {
            self.take_up().map_err(failed)?;
            let entries = self.read(MOVING).map_err(failed)?;
            if !entries.is_empty() {
                let added = store.add_audit(&entries, LIMIT).await;
                added.map_err(|source| AuditError::Store { directory: self.0.directory.clone(), source })?;
            }
            match fs::remove_file(self.path(MOVING)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        drop(moving);
        Ok(())
    }

    /// The newest entries, also those that wait.
    ///
    /// # Errors
    ///
    /// [`AuditError::File`]
    pub async fn newest(&self, limit: u16) -> Result<AuditPage, AuditError> {
        // Before it is looked what is there: what is moved meanwhile is seen twice, and never not at all.
        let mut entries = Vec::new();
        for name in [WAITING, MOVING] {
            entries.extend(self.read(name).map_err(|source| self.failed(source))?);
        }
        let kept = match &self.0.store {
            Some(store) if store.is_open() => store.audit(limit, LIMIT).await.map_err(|error| {
                tracing::warn!(%error, "the audit log cannot be read");
            }),
            _ => Err(()),
        };
        let is_complete = kept.is_ok();
        entries.extend(kept.unwrap_or_default());
        entries.sort_by_key(|entry| std::cmp::Reverse((entry.timestamp, entry.id.clone())));
        entries.dedup_by(|a, b| a.id == b.id);
        entries.truncate(limit.into());
        Ok(AuditPage { entries, is_complete })
    }

    fn is_waiting(&self) -> bool {
        [WAITING, MOVING].iter().any(|name| self.path(name).exists())
    }

    /// Gives what waits the name of what is on its way, unless something is.
    fn take_up(&self) -> io::Result<()> {
        let lock = self.open(LOCK)?;
        lock.lock()?;
        if self.path(MOVING).exists() {
            return Ok(());
        }
        match fs::rename(self.path(WAITING), self.path(MOVING)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn append<T: Serialize>(&self, name: &str, entries: &[T]) -> io::Result<()> {
        let lock = self.open(LOCK)?;
        lock.lock()?;
        let mut file = self.open(name)?;
        let mut lines = Vec::new();
        // A line that a full disk cut short is no part of this one.
        if !ends_with_line(&mut file)? {
            lines.push(b'\n');
        }
        for entry in entries {
            serde_json::to_writer(&mut lines, entry)?;
            lines.push(b'\n');
        }
        file.write_all(&lines)?;
        file.sync_data()
    }

    /// The entries of a file; what is none is put aside, for it can be the half of one that was never whole.
    fn read(&self, name: &str) -> io::Result<Vec<AuditEntry>> {
        let text = match fs::read(self.path(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            text => text?,
        };
        let (mut entries, mut damaged) = (Vec::new(), Vec::new());
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(entry) => entries.push(entry),
                Err(_) => damaged.push(String::from_utf8_lossy(line).into_owned()),
            }
        }
        if name == MOVING && !damaged.is_empty() {
            tracing::error!(lines = damaged.len(), file = DAMAGED, "lines of the audit log cannot be read");
            self.append(DAMAGED, &damaged)?;
        }
        Ok(entries)
    }

    fn open(&self, name: &str) -> io::Result<File> {
        fs::create_dir_all(&self.0.directory)?;
        let file = OpenOptions::new().create(true).append(true).read(true).mode(MODE).open(self.path(name))?;
        // Root's command line must not take the file from the user whose it is.
        if rustix::process::geteuid().is_root() {
            let directory = fs::metadata(&self.0.directory)?;
            std::os::unix::fs::fchown(&file, Some(directory.uid()), Some(directory.gid()))?;
        }
        Ok(file)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.directory.join(name)
    }

    fn failed(&self, source: io::Error) -> AuditError {
        AuditError::File { directory: self.0.directory.clone(), source }
    }
}

fn ends_with_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn entries_wait_in_order_and_half_a_line_is_no_part_of_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let log = AuditLog::new(directory.path(), None);
        let entry = |action: &str| AuditEntry::of_command(action, "mika", serde_json::json!({ "role": "admin" }));
        let (first, second) = (entry("user.add"), entry("user.remove"));
        log.write(&first).unwrap();
        let path = directory.path().join(WAITING);
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"id\":").unwrap();
        log.write(&second).unwrap();
        let page = AuditLog::new(directory.path(), None).newest(10).await.unwrap();
        assert_eq!(page, AuditPage { entries: vec![second.clone(), first.clone()], is_complete: false });
        assert_eq!(log.newest(1).await.unwrap().entries, [second]);
        log.take_up().unwrap();
        log.write(&entry("token.add")).unwrap();
        assert_eq!(log.newest(10).await.unwrap().entries.len(), 3);
        assert_eq!(log.read(MOVING).unwrap().len(), 2);
        assert!(fs::read_to_string(directory.path().join(DAMAGED)).unwrap().contains("id"));
    }
}
