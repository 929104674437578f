//! The file: `access.json`, for its owner only. It is replaced as a whole, under a lock that the command line and the
//! dashboard both take; a change of one is seen by the other with the next request.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{AccessError, Contents};

/// In the data directory.
const FILE: &str = "access.json";
const LOCK: &str = "access.lock";
const MODE: u32 = 0o600;

/// The way to the file. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Access(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    lock: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    contents: Arc<Contents>,
    /// Of the file that they were read from.
    stamp: Option<Stamp>,
    /// Whether the last look failed, which is said once.
    is_failing: bool,
}

/// By which another file is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
    bytes: u64,
}

impl Access {
    /// The one of this data directory; without a file there are no users.
    ///
    /// # Errors
    ///
    /// [`AccessError::File`] and [`AccessError::Damaged`]: what cannot be read must not pass for nothing.
    pub fn open(data_dir: &Path) -> Result<Self, AccessError> {
        let (path, lock) = (data_dir.join(FILE), data_dir.join(LOCK));
        let (contents, stamp) = read(&path)?;
        let known = Known { contents: Arc::new(contents), stamp, is_failing: false };
        Ok(Self(Arc::new(Inner { path, lock, known: Mutex::new(known) })))
    }

    /// What is in it now. Where it cannot be read any more, what was in it: a file that goes away opens nothing.
    #[must_use]
    pub fn contents(&self) -> Arc<Contents> {
        let mut known = self.known();
        let found = stamp_of(&self.0.path);
        let had_users = !known.contents.users().is_empty();
        let looked = match found {
            Ok(stamp) if stamp == known.stamp => Ok(()),
            Ok(None) if had_users => Err(self.failed(io::ErrorKind::NotFound.into())),
            Ok(_) => {
                read(&self.0.path).map(|(contents, stamp)| (known.contents, known.stamp) = (Arc::new(contents), stamp))
            }
            Err(source) => Err(self.failed(source)),
        };
        let was_failing = std::mem::replace(&mut known.is_failing, looked.is_err());
        if let (Err(error), false) = (looked, was_failing) {
            tracing::error!(%error, "users, sessions and tokens stay as they were last read");
        }
        Arc::clone(&known.contents)
    }

    /// Changes what is in it, or leaves it where `change` fails. It may wait for the disk.
    ///
    /// # Errors
    ///
    /// Those of `change`, [`AccessError::File`] and [`AccessError::Damaged`]
    pub fn change<T>(&self, change: impl FnOnce(&mut Contents) -> Result<T, AccessError>) -> Result<T, AccessError> {
        let failed = |source| self.failed(source);
        // The directory of a command line that comes before the first start.
        if let Some(directory) = self.0.path.parent() {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        let lock = OpenOptions::new().create(true).append(true).mode(MODE).open(&self.0.lock).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let (mut contents, _) = read(&self.0.path)?;
        let done = change(&mut contents)?;
        let stamp = write(&self.0.path, &contents).map_err(failed)?;
        let mut known = self.known();
        (known.contents, known.stamp) = (Arc::new(contents), stamp);
        drop(lock);
        Ok(done)
    }

    fn failed(&self, source: io::Error) -> AccessError {
        AccessError::File { path: self.0.path.clone(), source }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamp_of(path: &Path) -> io::Result<Option<Stamp>> {
    match fs::metadata(path) {
        Ok(file) => Ok(Some(Stamp {
            inode: file.ino(),
            seconds: file.mtime(),
            nanoseconds: file.mtime_nsec(),
            bytes: file.len(),
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The stamp is taken first: a file that is replaced meanwhile is read again.
fn read(path: &Path) -> Result<(Contents, Option<Stamp>), AccessError> {
    let failed = |source| AccessError::File { path: path.to_owned(), source };
    let Some(stamp) = stamp_of(path).map_err(failed)? else { return Ok((Contents::default(), None)) };
    let text = fs::read(path).map_err(failed)?;
    let contents = Contents::read(&text).map_err(|reason| AccessError::Damaged { path: path.to_owned(), reason })?;
    Ok((contents, Some(stamp)))
}

/// Writes it beside the old one, with its hashes for no other eyes, and puts it in its place.
fn write(path: &Path, contents: &Contents) -> io::Result<Option<Stamp>> {
    let new = path.with_extension("json.new");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(MODE).open(&new)?;
    // Also where one was left over with another mode.
    file.set_permissions(Permissions::from_mode(MODE))?;
    // Root's command line must not take the file from the user whose it is.
    if let Ok(old) = fs::metadata(path.parent().unwrap_or(path))
        && rustix::process::geteuid().is_root()
    {
        std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()))?;
    }
    file.write_all(&serde_json::to_vec_pretty(contents)?)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    stamp_of(path)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::access::Role;

    fn add(access: &Access, name: &str) {
        access.change(|contents| contents.add_user(name, Role::Admin, String::new(), Timestamp::UNIX_EPOCH)).unwrap();
    }

    #[test]
    fn what_one_changes_the_other_sees_at_once_and_nobody_else_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let (one, other) = (Access::open(directory.path()).unwrap(), Access::open(directory.path()).unwrap());
        assert!(one.contents().users().is_empty());
        for name in ["a", "b", "c"] {
            add(&one, name);
            assert!(other.contents().user(name).is_some(), "{name}");
        }
        add(&other, "d");
        assert_eq!(one.contents().users().len(), 4);
        assert!(one.change(|contents| contents.remove_user("nobody")).is_err());
        assert_eq!(other.contents().users().len(), 4);
        let mode = fs::metadata(directory.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
    }

    #[test]
    fn many_who_change_it_at_once_lose_nothing() {
        let directory = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let access = Access::open(directory.path()).unwrap();
                scope.spawn(move || (0..10).for_each(|number| add(&access, &format!("u{thread}-{number}"))));
            }
        });
        assert_eq!(Access::open(directory.path()).unwrap().contents().users().len(), 40);
    }

    #[test]
    fn a_file_that_goes_away_or_is_damaged_opens_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let access = Access::open(directory.path()).unwrap();
        add(&access, "mika");
        let path = directory.path().join(FILE);
        fs::write(&path, "{").unwrap();
        assert!(access.contents().user("mika").is_some());
        assert!(matches!(Access::open(directory.path()), Err(AccessError::Damaged { .. })));
        assert!(matches!(access.change(|_| Ok(())), Err(AccessError::Damaged { .. })));
        fs::remove_file(&path).unwrap();
        assert!(access.contents().user("mika").is_some());
    }
}
