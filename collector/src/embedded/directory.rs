//! The data directory: its lock, who owns what in it, and where the running servers are reached.
//!
//! ```text
//! lock          held by the program that runs on the directory; its name and process id
//! password      of the private servers, made once
//! connections   URLs of the running servers, only while they run
//! database      which PostgreSQL was used here last, without its password
//! postgres/     the private PostgreSQL's cluster
//! redis/        the private Redis' snapshot and configuration
//! run/          PostgreSQL's Unix socket
//! log/          what the servers print
//! spool/        samples that are not yet in PostgreSQL
//! access.json   users, sessions and API tokens, as hashes
//! audit.jsonl   entries of the audit log that are not yet in PostgreSQL
//! backups/      backups, where the settings name no other place
//! ```

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::config::Settings;
use crate::hex;

use super::EmbeddedError;

/// A Unix socket's path may have 107 bytes, of which PostgreSQL's file name takes these.
const LONGEST_SOCKET_DIRECTORY: usize = 107 - "/.s.PGSQL.65535.lock".len();

/// How often, and after which pause, a lock that is held is tried again.
const LOOKS: u32 = 5;
const LOOK: Duration = Duration::from_millis(20);

/// Where the stores are reached. The URLs hold passwords.
#[derive(Clone, Default)]
pub struct Connections {
    /// `postgres://...`
    pub database_url: Option<String>,
    /// `redis://...`; `None` where it runs without Redis.
    pub redis_url: Option<String>,
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connections")
            .field("database_url", &self.database_url.is_some())
            .field("redis_url", &self.redis_url.is_some())
            .finish()
    }
}

/// The user that the servers run as, where that is not the user of this program.
#[derive(Clone, Debug)]
pub(super) struct ServiceUser {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// A locked data directory.
#[derive(Debug)]
pub(super) struct DataDir {
    pub(super) path: PathBuf,
    pub(super) user: Option<ServiceUser>,
    pub(super) password: String,
    is_new: bool,
    _lock: File,
}

impl DataDir {
    /// Locks the directory at `path`, made where it is missing, for private servers that run as
    /// `service_user` where this program is root; `None` where there are to be none.
    pub(super) fn open(path: &Path, service_user: Option<&str>) -> Result<Self, EmbeddedError> {
        let failed = |source| EmbeddedError::Directory { directory: path.to_owned(), source };
        let user = service_user.filter(|_| rustix::process::geteuid().is_root()).map(find_user).transpose()?;
        let is_new = make(path).map_err(failed)?;
        // As the kernel names it: the servers are known by it.
        let path = &path.canonicalize().map_err(failed)?;
        let open = || -> Result<Self, EmbeddedError> {
            if let Some(user) = &user {
                check_path_of(user, path)?;
            }
            let lock = lock(path)?;
            let password = match service_user {
                Some(_) => password(path).map_err(failed)?,
                None => String::new(),
            };
            Ok(Self { path: path.to_owned(), user: user.clone(), password, is_new, _lock: lock })
        };
        let opened = open();
        // Whose it is by now it may be of another program that was started at the same time.
        if is_new && opened.as_ref().is_err_and(|error| !matches!(error, EmbeddedError::InUse { .. })) {
            let _ = fs::remove_dir_all(path);
        }
        opened
    }

    /// Makes a directory that only the servers' user may enter.
    pub(super) fn private_dir(&self, path: &Path) -> Result<(), EmbeddedError> {
        let make = || {
            DirBuilder::new().recursive(true).mode(0o700).create(path)?;
            // In the temporary directory somebody else may have been first.
            let meta = fs::symlink_metadata(path)?;
            let owner = self.user.as_ref().map_or(rustix::process::geteuid().as_raw(), |user| user.uid);
            if !meta.is_dir() || ![owner, rustix::process::geteuid().as_raw()].contains(&meta.uid()) {
                return Err(io::Error::other(format!("{} belongs to somebody else", path.display())));
            }
            fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
            self.give(path)
        };
        make().map_err(|source| EmbeddedError::Directory { directory: path.to_owned(), source })
    }

    /// Makes `path` the servers' own.
    pub(super) fn give(&self, path: &Path) -> io::Result<()> {
        match &self.user {
            Some(user) => std::os::unix::fs::lchown(path, Some(user.uid), Some(user.gid)),
            None => Ok(()),
        }
    }

    /// Writes a file that only the servers' user may read, whole or not at all, also where that
    /// user owns the directory and has put a link there.
    pub(super) fn write_for_servers(&self, path: &Path, text: &str) -> io::Result<()> {
        let file = create_private(path, text)?;
        if let Some(user) = &self.user {
            std::os::unix::fs::fchown(&file, Some(user.uid), Some(user.gid))?;
        }
        fs::rename(path.with_extension("new"), path)
    }

    /// Directory for Unix sockets: inside, or where that path is too long for a socket, one in
    /// the temporary directory that is always the same for the same data directory.
    pub(super) fn socket_dir(&self) -> PathBuf {
        let inside = self.path.join("run");
        if inside.as_os_str().len() <= LONGEST_SOCKET_DIRECTORY {
            return inside;
        }
        let id = fs::metadata(&self.path).map(|meta| (meta.dev(), meta.ino())).unwrap_or_default();
        PathBuf::from(format!("/tmp/recipe-monitoring-{:x}-{:x}", id.0, id.1))
    }

    /// Removes the directory for sockets where that is not inside.
    pub(super) fn remove_outer_sockets(&self) {
        let sockets = self.socket_dir();
        if !sockets.starts_with(&self.path) {
            let _ = fs::remove_dir_all(sockets);
        }
    }

    pub(super) fn log_file(&self, name: &str) -> PathBuf {
        self.path.join("log").join(format!("{name}.log"))
    }

    pub(super) fn launcher(&self) -> Launcher {
        Launcher { user: self.user.clone(), directory: self.path.clone() }
    }

    pub(super) fn connections(&self, settings: &Settings) -> Connections {
        Connections {
            database_url: settings.database.url.expose().map(str::to_owned),
            redis_url: settings.redis.url.expose().filter(|_| settings.redis.enabled).map(str::to_owned),
        }
    }

    pub(super) fn write_connections(&self, connections: &Connections) -> Result<(), EmbeddedError> {
        let mut text = String::new();
        for (name, url) in [("DATABASE_URL", &connections.database_url), ("REDIS_URL", &connections.redis_url)] {
            if let Some(url) = url {
                let _ = writeln!(text, "{name}={url}");
            }
        }
        let path = self.path.join("connections");
        write_private(&path, &text).map_err(|source| EmbeddedError::Directory { directory: path, source })
    }

    pub(super) fn forget_connections(&self) {
        let _ = fs::remove_file(self.path.join("connections"));
    }

    /// From now on it is not removed.
    pub(super) fn keep(&mut self) {
        self.is_new = false;
    }

    /// Removes the directory if this program made it, after a start that failed.
    pub(super) fn remove_if_new(&self) {
        if self.is_new {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Makes the directory where it is missing; answers whether it was. Everybody may pass, whatever
/// the umask says, since the servers may run as another user; each part inside is closed.
fn make(path: &Path) -> io::Result<bool> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
    }
    match DirBuilder::new().create(path) {
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens a log that the program writes in a directory of the servers' user, who may have put a
/// link there: it is not followed.
pub(super) fn open_log(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new().create(true).append(true).mode(0o600).custom_flags(flags).open(path)
}

/// Makes commands for the servers.
#[derive(Clone, Debug)]
pub(super) struct Launcher {
    user: Option<ServiceUser>,
    directory: PathBuf,
}

impl Launcher {
    /// A command that runs as the servers' user, is told by the kernel to stop when this program
    /// is gone (where util-linux' `setpriv` is there to ask for it), and does not get the
    /// terminal's Ctrl-C: the servers are stopped last, after the final save.
    pub(super) fn command(&self, program: &Path, stop_signal: &str) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = match find_program("setpriv", &[]) {
            Some(setpriv) if cfg!(target_os = "linux") => {
                let mut command = Command::new(setpriv);
                command.arg("--pdeathsig").arg(stop_signal);
                if let Some(user) = &self.user {
                    command
                        .arg(format!("--reuid={}", user.uid))
                        .arg(format!("--regid={}", user.gid))
                        .arg("--init-groups");
                }
                command.arg("--").arg(program);
                command
            }
            _ => {
                let mut command = Command::new(program);
                if let Some(user) = &self.user {
                    command.uid(user.uid).gid(user.gid);
                }
                command
            }
        };
        for variable in crate::service_manager::VARIABLES {
            command.env_remove(variable);
        }
        command.process_group(0).current_dir(&self.directory);
        command
    }
}

pub(super) fn read_connections(path: &Path) -> Result<Option<Connections>, EmbeddedError> {
    let failed = |source| EmbeddedError::Directory { directory: path.to_owned(), source };
    match File::open(path.join("lock")).map(|file| file.try_lock()) {
        Ok(Err(TryLockError::WouldBlock)) => {}
        // Nobody holds the lock: what the file says is from a program that was killed.
        Ok(Ok(())) => return Ok(None),
        Ok(Err(TryLockError::Error(error))) => return Err(failed(error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    let text = match fs::read_to_string(path.join("connections")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.map(str::to_owned)
    };
    Ok(Some(Connections { database_url: of("DATABASE_URL"), redis_url: of("REDIS_URL") }))
}

/// The program that has a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its name and process id, for people.
    pub name: String,
    /// Its process id; `None` in the moment between taking the lock and writing it down.
    pub pid: Option<i32>,
}

pub(super) fn read_owner(path: &Path) -> Result<Option<Owner>, EmbeddedError> {
    let failed = |source| EmbeddedError::Directory { directory: path.to_owned(), source };
    let mut file = match File::open(path.join("lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {}
        Ok(()) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    let name = text.trim().to_owned();
    let pid = name.rsplit_once("(process ").and_then(|(_, pid)| pid.strip_suffix(')')?.parse().ok());
    Ok(Some(Owner { name, pid }))
}

/// Finds a program in `directories` and then on the PATH.
pub(super) fn find_program(name: &str, directories: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = std::env::split_paths(&path).collect();
    // A user's PATH may lack the administrator's programs.
    let usual = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    directories.iter().chain(&on_path).chain(&usual).map(|directory| directory.join(name)).find(|path| path.is_file())
}

fn lock(path: &Path) -> Result<File, EmbeddedError> {
    let failed = |source| EmbeddedError::Directory { directory: path.to_owned(), source };
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path.join("lock"));
    let mut file = file.map_err(failed)?;
    let mut locked = file.try_lock();
    // Whoever only looks whether a program runs here holds it for a moment.
    for _ in 0..LOOKS {
        if !matches!(locked, Err(TryLockError::WouldBlock)) {
            break;
        }
        std::thread::sleep(LOOK);
        locked = file.try_lock();
    }
    match locked {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            let _ = file.read_to_string(&mut owner);
            let owner = if owner.trim().is_empty() { "another program".to_owned() } else { owner.trim().to_owned() };
            return Err(EmbeddedError::InUse { directory: path.to_owned(), owner });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    let program = std::env::args_os().next().map(PathBuf::from);
    let name = program.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let owner = format!("{} (process {})\n", name.unwrap_or_default(), std::process::id());
    file.set_len(0).and_then(|()| file.write_all(owner.as_bytes())).map_err(failed)?;
    Ok(file)
}

/// The password of the private servers; made at the first start.
fn password(path: &Path) -> io::Result<String> {
    let file = path.join("password");
    match fs::read_to_string(&file) {
        Ok(password) if !password.trim().is_empty() => return Ok(password.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut random = [0_u8; 24];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    let password = hex(&random);
    write_private(&file, &password)?;
    Ok(password)
}

/// Writes a file that only this user may read, whole or not at all.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    create_private(path, text)?;
    fs::rename(path.with_extension("new"), path)
}

/// What is to become `path`, beside it.
fn create_private(path: &Path, text: &str) -> io::Result<File> {
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(file)
}

fn find_user(name: &str) -> Result<ServiceUser, EmbeddedError> {
    let id = |flag| {
        let output = Command::new("id").arg(flag).arg("--").arg(name).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    match (id("-u"), id("-g")) {
        (Some(uid), Some(gid)) if uid != 0 => Ok(ServiceUser { name: name.to_owned(), uid, gid }),
        _ => Err(EmbeddedError::NoUser { user: name.to_owned() }),
    }
}

/// Every directory above must let the servers' user through.
fn check_path_of(user: &ServiceUser, path: &Path) -> Result<(), EmbeddedError> {
    for parent in path.ancestors() {
        let Ok(meta) = fs::metadata(parent) else { continue };
        let mode = meta.mode();
        let may_enter = if meta.uid() == user.uid {
            mode & 0o100 != 0
        } else if meta.gid() == user.gid {
            mode & 0o010 != 0
        } else {
            mode & 0o001 != 0
        };
        if !may_enter {
            return Err(EmbeddedError::Untraversable { user: user.name.clone(), blocked: parent.to_owned() });
        }
    }
    Ok(())
}
