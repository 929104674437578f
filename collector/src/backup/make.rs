//! How a backup is made.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use jiff::Timestamp;
use tokio::process::ChildStdout;

use super::manifest::{ACCESS, CopiedKeys, DUMP, DumpedDatabase, FORMAT, FileSum, KEYS, Manifest, Summing};
use super::place::{Held, Partial};
use super::programs::{Programs, be_nice, end};
use super::{BackupError, BackupResult, Backups};
use crate::embedded::available_bytes;
use crate::store::{Frozen, STATE_SCHEMA, Turn};

/// What others on the same disk keep: the private PostgreSQL and the spool may be among them.
const RESERVE: u64 = 128 << 20;
/// How often it is looked whether they still have it.
const LOOK: u64 = 16 << 20;
/// Somebody else's transaction that holds a table alone is not waited for any longer.
const LOCK_WAIT: &str = "--lock-wait-timeout=60s";

/// What came of it.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Older ones that the policy did not keep.
    pub removed: Vec<String>,
}

impl Made {
    /// In a few words, for the log.
    #[must_use]
    pub fn summary(&self) -> String {
        let bytes = self.manifest.bytes();
        let missing = self.manifest.redis.missing.as_ref().map(|why| format!(", without Redis: {why}"));
        let removed = match self.removed.len() {
            0 => String::new(),
            removed => format!(", {removed} older removed"),
        };
        format!("{}, {bytes} bytes{}{removed}", self.name, missing.unwrap_or_default())
    }
}

impl Backups {
    /// Makes one, and then removes those that the policy does not keep. It is a backup when this
    /// answers; before, and after an error or when this is dropped, there is nothing of it.
    ///
    /// # Errors
    ///
    /// See [`BackupError`]; nothing was removed then.
    pub async fn make(&self) -> Result<Made, BackupError> {
        let made = tokio::time::timeout(self.limit, self.try_make()).await;
        made.map_err(|_| BackupError::TooLong(self.limit))?
    }

    /// Makes one in this turn, which is noted where all collectors see it.
    ///
    /// # Errors
    ///
    /// See [`BackupError`]
    pub async fn perform(&self, turn: &Turn) -> Result<Made, BackupError> {
        let made = self.make().await?;
        // It is there, whoever has to know it.
        if let Err(error) = self.store.note_done(turn, made.manifest.seconds, &made.summary()).await {
            tracing::warn!(%error, backup = made.name, "the backup is made, and not noted in the database");
        }
        Ok(made)
    }

    async fn try_make(&self) -> Result<Made, BackupError> {
        let (started, started_at) = (std::time::Instant::now(), Timestamp::now());
        let held = self.place.lock()?;
        let frozen = self.store.freeze().await?;
        let programs = Programs::find(&self.policy.programs, "pg_dump", frozen.version / 10_000)?;
        self.check_room(&frozen)?;
        let partial = held.begin(started_at)?;
        let dump = self.dump(&programs, &frozen, &partial).await?;
        list(&programs, &partial.path.join(DUMP)).await?;
        let database = DumpedDatabase {
            target: self.store.target(),
            version: frozen.version,
            pg_dump: programs.major,
            schema: frozen.home.clone(),
            migration: frozen.migration,
            tables: frozen.tables.clone(),
        };
        frozen.thaw().await;
        let mut files = BTreeMap::from([(DUMP.to_owned(), dump)]);
        let redis = self.copy_keys(&partial, &mut files).await?;
        self.copy_access(&partial, &mut files).map_err(|error| self.not_written(error))?;
        let manifest = Manifest {
            format: FORMAT,
            program: format!("recipe-monitoring-collector {}", env!("CARGO_PKG_VERSION")),
            host: self.host.clone(),
            started_at,
            finished_at: Timestamp::now(),
            seconds: started.elapsed().as_secs_f64(),
            result: if redis.missing.is_some() { BackupResult::Partial } else { BackupResult::Complete },
            postgresql: database,
            redis,
            files,
        };
        let name = partial.name.clone();
        let path = partial.publish(&manifest).map_err(|error| self.not_written(error))?;
        let removed = self.prune(&held, &manifest);
        Ok(Made { name, path, manifest, removed })
    }

    /// A backup that is made is made, whatever becomes of the old ones.
    fn prune(&self, held: &Held<'_>, manifest: &Manifest) -> Vec<String> {
        let pruned = held.prune(&manifest.postgresql.target, &self.policy, &self.zone);
        pruned.unwrap_or_else(|error| {
            tracing::warn!(%error, "old backups could not be removed");
            Vec::new()
        })
    }

    /// By the size of the last one, or where there is none, of the database: compressed it is
    /// several times smaller.
    fn check_room(&self, frozen: &Frozen) -> Result<(), BackupError> {
        let target = self.store.target();
        let known = self.place.list()?.into_iter().rev().filter_map(|found| found.manifest.ok());
        let last = known.into_iter().find(|manifest| manifest.postgresql.target == target);
        let needed = RESERVE + last.map_or(frozen.bytes / 4, |last| last.bytes() + last.bytes() / 4);
        check_room(self.place.path(), needed)
    }

    async fn dump(&self, programs: &Programs, frozen: &Frozen, partial: &Partial) -> Result<FileSum, BackupError> {
        let mut command = programs.command("pg_dump", &self.store.client_environment());
        command.args(["--format=custom", "--no-password", "--no-owner", "--no-privileges", LOCK_WAIT]);
        command.arg(format!("--snapshot={}", frozen.snapshot));
        command.arg(format!("--schema={}", pattern(&frozen.home))).arg(format!("--schema={STATE_SCHEMA}"));
        command.args(frozen.others.iter().map(|other| format!("--exclude-table={other}")));
        let failed = |error: io::Error| BackupError::Program { program: "pg_dump", reason: error.to_string() };
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
        be_nice(&child);
        let output = child.stdout.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        let file = partial.create(DUMP).map_err(|error| self.not_written(error))?;
        let place = self.place.path().to_owned();
        let writing = tokio::task::spawn_blocking(move || write(output, file, &place));
        // Where this ends first, it has closed the pipe, and the program ends, too.
        let (written, ended) = tokio::join!(writing, end("pg_dump", child));
        let written = written.map_err(|error| self.not_written(io::Error::other(error)))?;
        match written {
            // The pipe that we closed is not what was wrong.
            Err(Stopped::Full(error)) => Err(error),
            Err(Stopped::Failed(error)) => Err(self.not_written(error)),
            Ok(sum) => ended.map(|()| sum),
        }
    }

    /// Redis is a cache: a backup without it is one.
    async fn copy_keys(
        &self,
        partial: &Partial,
        files: &mut BTreeMap<String, FileSum>,
    ) -> Result<CopiedKeys, BackupError> {
        let Some(cache) = &self.cache else { return Ok(CopiedKeys::default()) };
        let copy = match cache.copy().await {
            Ok(copy) => copy,
            Err(error) => return Ok(CopiedKeys { keys: None, missing: Some(error.to_string()) }),
        };
        let text = serde_json::to_vec_pretty(&copy).map_err(|error| self.not_written(error.into()))?;
        let mut sum = Summing::default();
        sum.add(&text);
        partial.write(KEYS, &text).map_err(|error| self.not_written(error))?;
        files.insert(KEYS.to_owned(), sum.finish());
        Ok(CopiedKeys { keys: Some(copy.keys.len()), missing: None })
    }

    /// Users and API tokens, as the hashes that are kept of them.
    fn copy_access(&self, partial: &Partial, files: &mut BTreeMap<String, FileSum>) -> io::Result<()> {
        let text = match std::fs::read(&self.access) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            text => text?,
        };
        let mut sum = Summing::default();
        sum.add(&text);
        partial.write(ACCESS, &text)?;
        files.insert(ACCESS.to_owned(), sum.finish());
        Ok(())
    }

    fn not_written(&self, source: io::Error) -> BackupError {
        BackupError::Write { directory: self.place.path().to_owned(), source }
    }
}

/// Why no more is written.
enum Stopped {
    Full(BackupError),
    Failed(io::Error),
}

/// Writes what comes to the disk itself; answers its size and checksum.
fn write(output: ChildStdout, mut file: File, place: &Path) -> Result<FileSum, Stopped> {
    let mut input = File::from(output.into_owned_fd().map_err(Stopped::Failed)?);
    blocking(&input).map_err(Stopped::Failed)?;
    let (mut sum, mut buffer, mut since) = (Summing::default(), vec![0; 1 << 18], 0);
    loop {
        let count = input.read(&mut buffer).map_err(Stopped::Failed)?;
        if count == 0 {
            file.sync_all().map_err(Stopped::Failed)?;
            return Ok(sum.finish());
        }
        file.write_all(&buffer[..count]).map_err(Stopped::Failed)?;
        sum.add(&buffer[..count]);
        since += count as u64;
        if since >= LOOK {
            since = 0;
            check_room(place, RESERVE).map_err(Stopped::Full)?;
        }
    }
}

/// A pipe that was asked about by the runtime, for a thread that may wait.
fn blocking(file: &File) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(file)?;
    Ok(rustix::fs::fcntl_setfl(file, flags - rustix::fs::OFlags::NONBLOCK)?)
}

fn check_room(place: &Path, needed: u64) -> Result<(), BackupError> {
    let available =
        available_bytes(place).map_err(|source| BackupError::Directory { directory: place.to_owned(), source })?;
    if available >= needed {
        return Ok(());
    }
    let (available_mib, needed_mib) = (available >> 20, needed.div_ceil(1 << 20));
    Err(BackupError::DiskFull { directory: place.to_owned(), available_mib, needed_mib })
}

/// Sees that `pg_restore` can read what is in a dump; answers the list, a line each.
pub(super) async fn list(programs: &Programs, dump: &Path) -> Result<String, BackupError> {
    let failed = |error: io::Error| BackupError::Program { program: "pg_restore", reason: error.to_string() };
    let mut command = programs.command("pg_restore", &[]);
    let mut child = command.arg("--list").arg(dump).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let output = child.stdout.take();
    let read = async {
        let mut text = Vec::new();
        if let Some(mut output) = output {
            tokio::io::AsyncReadExt::read_to_end(&mut output, &mut text).await?;
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    };
    let (text, ended) = tokio::join!(read, end("pg_restore", child));
    ended?;
    text.map_err(failed)
}

/// A name as the patterns of `pg_dump` have it, in which it stands for itself.
fn pattern(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
