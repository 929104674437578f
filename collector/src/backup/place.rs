//! The directory of backups: whose turn it is, what is there, how one appears in it and goes.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::keep::kept;
use super::manifest::{FILE, Manifest};
use super::{BackupError, BackupResult};
use crate::config::Backup;

/// How names begin.
const PREFIX: &str = "recipe-monitoring-";
/// How those of what is not whole end; they begin with a dot.
const NEW: &str = ".new";
/// What holds the lock.
const LOCK: &str = ".lock";

/// A directory of backups.
#[derive(Clone, Debug)]
pub struct Place {
    path: PathBuf,
}

/// A backup that was found.
#[derive(Debug)]
pub struct Found {
    /// Its directory's name.
    pub name: String,
    /// Its directory.
    pub path: PathBuf,
    /// What it says of itself, if that can be read and its files are there.
    pub manifest: Result<Manifest, BackupError>,
}

impl Place {
    /// The directory at `path`, which need not be there.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All backups, the oldest first. Whether their files are what they were is not looked at.
    ///
    /// # Errors
    ///
    /// [`BackupError::Directory`] where it cannot be read; one that is not there is empty.
    pub fn list(&self) -> Result<Vec<Found>, BackupError> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed(error)),
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<_> = names.filter(|name| name.starts_with(PREFIX)).collect();
        names.sort();
        let found = names.into_iter().map(|name| {
            let path = self.path.join(&name);
            let manifest = Manifest::read(&path).and_then(|manifest| match manifest.is_whole(&path) {
                true => Ok(manifest),
                false => Err(BackupError::Damaged {
                    backup: path.clone(),
                    reason: "files are missing or have another size".to_owned(),
                }),
            });
            Found { name, path, manifest }
        });
        Ok(found.collect())
    }

    /// The backup of this name or path, or the newest for `latest`.
    ///
    /// # Errors
    ///
    /// [`BackupError::None`]
    pub fn find(&self, wanted: &str) -> Result<PathBuf, BackupError> {
        if wanted == "latest" {
            let newest = self.list()?.into_iter().rfind(|found| found.manifest.is_ok());
            return newest.map(|found| found.path).ok_or_else(|| BackupError::None { directory: self.path.clone() });
        }
        let (named, path) = (self.path.join(wanted), PathBuf::from(wanted));
        Ok(if !path.exists() && named.exists() { named } else { std::path::absolute(&path).unwrap_or(path) })
    }

    /// Makes the directory where it is missing and keeps everybody else from making a backup in it;
    /// removes what a killed program has left behind.
    pub(super) fn lock(&self) -> Result<Held<'_>, BackupError> {
        self.make().map_err(|error| self.failed(error))?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true).mode(0o600);
        let mut file = options.open(self.path.join(LOCK)).map_err(|error| self.failed(error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                let _ = file.read_to_string(&mut owner);
                return Err(BackupError::Busy { directory: self.path.clone(), owner: owner.trim().to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(self.failed(error)),
        }
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(|error| self.failed(error))?;
        for entry in fs::read_dir(&self.path).map_err(|error| self.failed(error))?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(&format!(".{PREFIX}")) && name.ends_with(NEW) {
                tracing::info!(name, "removing what is left of a backup that was not finished");
                fs::remove_dir_all(entry.path()).map_err(|error| self.failed(error))?;
            }
        }
        Ok(Held { place: self, _lock: file })
    }

    /// Only for us: a backup has everything that the database has. What lies above is for all to pass,
    /// as the data directory is.
    fn make(&self) -> io::Result<()> {
        if let Some(parent) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
        }
        match DirBuilder::new().mode(0o700).create(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && self.path.is_dir() => Ok(()),
            made => made,
        }
    }

    fn failed(&self, source: io::Error) -> BackupError {
        BackupError::Directory { directory: self.path.clone(), source }
    }
}

/// The directory, for one who makes a backup.
#[derive(Debug)]
pub(super) struct Held<'a> {
    place: &'a Place,
    _lock: File,
}

impl Held<'_> {
    /// Begins a backup as of `at`, or of the next second that has none.
    pub(super) fn begin(&self, at: Timestamp) -> Result<Partial, BackupError> {
        let names = (0..60).map(|second| {
            (at + jiff::SignedDuration::from_secs(second)).strftime("recipe-monitoring-%Y%m%dT%H%M%SZ").to_string()
        });
        let free = names.into_iter().find(|name| !self.place.path.join(name).exists());
        let name = free.ok_or_else(|| self.place.failed(io::ErrorKind::AlreadyExists.into()))?;
        let path = self.place.path.join(format!(".{name}{NEW}"));
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| self.place.failed(error))?;
        Ok(Partial { whole: self.place.path.join(&name), name, path, is_published: false })
    }

    /// Removes what the policy does not keep, of the backups of this database; answers their names.
    /// What cannot be read, or is damaged, is left to people.
    pub(super) fn prune(&self, target: &str, policy: &Backup, zone: &TimeZone) -> Result<Vec<String>, BackupError> {
        let found = self.place.list()?.into_iter();
        let ours: Vec<_> = found
            .filter_map(|found| Some((found.path, found.name, found.manifest.ok()?)))
            .filter(|(_, _, manifest)| manifest.postgresql.target == target)
            .collect();
        let times: Vec<_> = ours.iter().map(|(_, _, manifest)| manifest.started_at).collect();
        let newest_complete = ours
            .iter()
            .filter(|(_, _, manifest)| manifest.result == BackupResult::Complete)
            .max_by_key(|(_, _, manifest)| manifest.started_at)
            .map(|(path, ..)| path);
        let mut removed = Vec::new();
        for ((path, name, _), is_kept) in ours.iter().zip(kept(&times, policy, zone)) {
            if is_kept || newest_complete == Some(path) {
                continue;
            }
            // First it is no backup any more, and then it goes.
            let gone = self.place.path.join(format!(".{name}{NEW}"));
            let done = fs::rename(path, &gone).and_then(|()| fs::remove_dir_all(&gone));
            done.map_err(|error| self.place.failed(error))?;
            removed.push(name.clone());
        }
        Ok(removed)
    }
}

/// A backup that is not whole; gone when it is dropped.
#[derive(Debug)]
pub(super) struct Partial {
    /// The name that it will have.
    pub(super) name: String,
    /// Where it is written.
    pub(super) path: PathBuf,
    whole: PathBuf,
    is_published: bool,
}

impl Partial {
    /// Writes a file, to the disk itself.
    pub(super) fn write(&self, name: &str, text: &[u8]) -> io::Result<()> {
        let mut file = self.create(name)?;
        file.write_all(text)?;
        file.sync_all()
    }

    /// A new file in it.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path.join(name))
    }

    /// Writes the manifest, and gives the backup its name; answers where it is now.
    pub(super) fn publish(mut self, manifest: &Manifest) -> io::Result<PathBuf> {
        let text = serde_json::to_vec_pretty(manifest)?;
        self.write(FILE, &text)?;
        File::open(&self.path)?.sync_all()?;
        fs::rename(&self.path, &self.whole)?;
        self.is_published = true;
        if let Some(place) = self.whole.parent() {
            File::open(place)?.sync_all()?;
        }
        Ok(self.whole.clone())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_published {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
