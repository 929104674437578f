//! The data directory: whether the program can work there, what waits there, and who runs on it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};

use super::{Answer, Examination, Finding, advice, age, off_thread, set_urls, size};
use crate::buffer::Unsaved;
use crate::config::CollectorMode;
use crate::embedded;
use crate::shell;

/// A PostgreSQL with less than this stops soon.
const NEEDED: u64 = 128 << 20;
/// A month of one host's samples, with room for the log of writes.
const WANTED: u64 = 1 << 30;
/// Share of the disk that should be free, %.
const WANTED_SHARE: u64 = 5;
/// Files that can still be made.
const NEEDED_FILES: u64 = 1_000;
/// Share of `storage.spool_limit_mib` past which the oldest samples will soon be given up, %.
const SPOOL_SHARE: u64 = 80;
/// Where root's data is unless settings say otherwise.
const OF_ROOT: &str = "/var/lib/recipe-monitoring";

impl Examination {
    pub(super) async fn look_at_data_directory(&mut self) -> Answer {
        let Some(directory) = self.data_dir.clone() else {
            let remedy = "name one with --data-dir, or set HOME";
            return Finding::trouble("no_home", "there is no home directory to keep data in", remedy).into();
        };
        if self.is_wrong("storage") {
            return Answer::skipped("its setting is not valid");
        }
        let shown = directory.display().to_string();
        let looked_at = directory.clone();
        let meta = match off_thread(move || fs::metadata(looked_at)).await {
            Some(Ok(meta)) => meta,
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => return self.no_directory(&shown),
            Some(Err(error)) => {
                let remedy = "correct its permissions, or run this as the user that the program runs as";
                let place = format!("ls -ld {}", shell::word(&directory));
                return Finding::trouble("unreadable", format!("{shown} cannot be looked at: {error}"), remedy)
                    .with([place])
                    .into();
            }
            None => return Answer::skipped("it could not be looked at"),
        };
        if !meta.is_dir() {
            let remedy = "move it away, or name a directory with --data-dir";
            return Finding::trouble("no_directory", format!("{shown} is no directory"), remedy).into();
        }
        let (place, uid) = (directory.clone(), rustix::process::geteuid().as_raw());
        let closed = off_thread(move || closed_parts(&place)).await.unwrap_or_default();
        let is_read_only = statvfs(&directory).is_ok_and(|stat| stat.f_flag.contains(StatVfsMountFlags::RDONLY));
        if is_read_only {
            let remedy = "mount it for writing again, after a look at what the kernel says of its disk";
            let commands = [
                "dmesg | tail -50".to_owned(),
                format!("sudo mount -o remount,rw \"$(df --output=target {} | tail -1)\"", shell::word(&directory)),
            ];
            return Finding::trouble("read_only", format!("the file system of {shown} is read-only"), remedy)
                .with(commands)
                .into();
        }
        if meta.uid() != uid && uid != 0 && !closed.is_empty() {
            let cause = format!("{shown} is the user {}'s, and this runs as user {uid}", meta.uid());
            let remedy = "run this, and the program, as the user whose directory it is";
            let command = advice::collector(self, "doctor");
            let command = format!("sudo -u '#{}' {command}", meta.uid());
            return Finding::trouble("other_user", cause, remedy).with([command]).into();
        }
        if !closed.is_empty() {
            let parts: Vec<_> = closed.iter().map(|path| path.display().to_string()).collect();
            let cause = format!("the user {uid} may not read and write {}", parts.join(", "));
            let remedy = "give them back: they were made by another user, as when the program once ran as root";
            let words: Vec<_> = closed.iter().map(|path| shell::word(path)).collect();
            let words = words.join(" ");
            return Finding::trouble("not_writable", cause, remedy)
                .with([format!("sudo chown -R {uid} {words}"), format!("chmod -R u+rwX {words}")])
                .into();
        }
        // Only now: it is known by a lock in there.
        self.owner = embedded::owner(&self.settings.storage).unwrap_or_default();
        self.urls = self.known_urls();
        Answer::ok(shown)
    }

    fn no_directory(&self, shown: &str) -> Answer {
        let elsewhere = Path::new(OF_ROOT);
        if self.settings.storage.data_dir.as_os_str().is_empty() && elsewhere.join("lock").exists() && shown != OF_ROOT
        {
            let cause = format!("{shown} is not there, and {OF_ROOT} is: the program has run as root");
            let remedy = "look at that one, as root";
            return Finding::trouble("elsewhere", cause, remedy)
                .with(["sudo recipe-monitoring-collector doctor"])
                .into();
        }
        let cause = format!("{shown} is not there: the program has never run on it");
        let remedy = "start the program, which makes it; or name the one it runs on with --data-dir";
        Finding::trouble("missing", cause, remedy).with([self.start_command()]).into()
    }

    /// URLs of the stores: as set, or else those of the running program.
    fn known_urls(&self) -> embedded::Connections {
        let running = embedded::running(&self.settings.storage).ok().flatten().unwrap_or_default();
        let set = set_urls(&self.settings);
        embedded::Connections {
            database_url: set.database_url.or(running.database_url),
            redis_url: set.redis_url.or(running.redis_url),
        }
    }

    /// What starts the one that takes the samples.
    pub(super) fn start_command(&self) -> String {
        match self.settings.server.collector {
            CollectorMode::InProcess => advice::own(self, "recipe-monitoring-dashboard"),
            CollectorMode::Separate => advice::collector(self, "run"),
        }
    }

    pub(super) async fn look_at_disk(&self) -> Answer {
        let Some(directory) = self.data_dir.clone() else { return Answer::skipped("there is no data directory") };
        disk(directory, "the collector and whatever else fills it").await
    }

    pub(super) async fn look_at_collector(&self) -> Answer {
        let directory = self.data_dir.as_deref().unwrap_or(Path::new("")).display();
        let Some(owner) = &self.owner else {
            let cause = format!("nothing runs on {directory}: no samples are taken");
            let remedy = "start it, and see to it that it is started at boot";
            let finding = Finding::trouble("not_running", cause, remedy).with([self.start_command()]);
            if self.settings.server.collector == CollectorMode::Separate && !self.has_private_postgresql() {
                let remedy = "start it, unless the collector runs on another host";
                let severity = super::Outcome::Warning;
                return Finding { severity, remedy: remedy.to_owned(), ..finding }.into();
            }
            return finding.into();
        };
        let Some(pid) = owner.pid else { return Answer::ok(format!("{} is starting", owner.name)) };
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        if status.lines().any(|line| line.starts_with("State:\tT")) {
            let cause = format!("{} stands still: somebody has stopped it by a signal", owner.name);
            let command = format!("kill -CONT {pid}");
            return Finding::trouble("stopped", cause, "let it go on").with([command]).into();
        }
        let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        if program.to_string_lossy().ends_with(" (deleted)") {
            let cause = format!("{} still runs as it was before its file was replaced", owner.name);
            let remedy = "start it again, as after every update; nothing is lost by it";
            return Finding::warning("outdated", cause, remedy)
                .with([format!("kill {pid}"), self.start_command()])
                .into();
        }
        Answer::ok(format!("{} runs on {directory}", owner.name))
    }

    pub(super) async fn look_at_spool(&self) -> Answer {
        let Ok(directory) = embedded::spool_dir(&self.settings.storage) else {
            return Answer::skipped("there is no data directory");
        };
        let place = directory.clone();
        let Some((bytes, oldest)) = off_thread(move || waiting_files(&place)).await else {
            return Answer::skipped("it could not be looked at");
        };
        let limit = self.settings.storage.spool_limit_bytes();
        let records = match Unsaved::of_others(&directory).numbers().await {
            Ok(numbers) => numbers.len(),
            Err(error) => {
                let cause = format!("{} cannot be read: {error}", directory.display());
                let remedy = "see to its disk and permissions";
                return Finding::trouble("unreadable", cause, remedy)
                    .with([format!("ls -l {}", shell::word(&directory))])
                    .into();
            }
        };
        let since = oldest.filter(|_| records > 0).and_then(|oldest| Timestamp::try_from(oldest).ok());
        let since = since.map(|since| age(Timestamp::now().duration_since(since).as_secs().max(0)));
        let since = since.map(|since| format!(", the oldest for up to {since}")).unwrap_or_default();
        let seen = format!("{records} samples wait{since}; {} of {}", size(bytes), size(limit));
        if bytes > limit / 100 * SPOOL_SHARE {
            let cause = format!("{} of the {} that the spool may have are used", size(bytes), size(limit));
            let remedy = "see why they are not saved (the check samples), and meanwhile raise storage.spool_limit_mib: past \
                          it the oldest are given up";
            let more = self.settings.storage.spool_limit_mib.saturating_mul(2);
            return Answer::found(
                seen,
                [Finding::trouble("nearly_full", cause, remedy)
                    .with([format!("RECIPE_MONITORING_STORAGE__SPOOL_LIMIT_MIB={more}")])],
            );
        }
        Answer::ok(seen)
    }
}

/// Parts of the data directory that this user may not work with.
fn closed_parts(directory: &Path) -> Vec<PathBuf> {
    let own = ["lock", "connections", "password", "spool"].map(|name| directory.join(name));
    let parts = own.into_iter().filter(|path| fs::symlink_metadata(path).is_ok());
    let closed = |path: &PathBuf| {
        let wanted = if path.is_dir() {
            Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK
        } else {
            Access::READ_OK | Access::WRITE_OK
        };
        access(path, wanted).is_err_and(|error| error != rustix::io::Errno::ROFS)
    };
    std::iter::once(directory.to_owned()).chain(parts).filter(closed).collect()
}

/// Bytes of the files in which samples wait, and since when the oldest of them is there.
fn waiting_files(directory: &Path) -> (u64, Option<std::time::SystemTime>) {
    let files = fs::read_dir(directory).into_iter().flatten().flatten();
    let files: Vec<_> = files.filter_map(|file| file.metadata().ok()).filter(|meta| meta.len() > 0).collect();
    let oldest = files.iter().filter_map(|meta| meta.created().or_else(|_| meta.modified()).ok()).min();
    (files.iter().map(fs::Metadata::len).sum(), oldest)
}

/// Whether there is room where `path` is.
pub(super) async fn disk(path: PathBuf, what: &str) -> Answer {
    let shown = path.display().to_string();
    let word = shell::word(&path);
    let stat = match off_thread(move || statvfs(&path)).await {
        Some(Ok(stat)) => stat,
        Some(Err(error)) => return Answer::skipped(format!("the file system of {shown} does not say: {error}")),
        None => return Answer::skipped("it could not be looked at"),
    };
    let (free, total) =
        (stat.f_bavail.saturating_mul(stat.f_frsize), stat.f_blocks.saturating_mul(stat.f_frsize).max(1));
    let seen = format!("{} of {} are free at {shown}", size(free), size(total));
    let commands = [
        format!("df -h {word}"),
        format!("sudo du -xh --max-depth=3 \"$(df --output=target {word} | tail -1)\" | sort -h | tail -20"),
    ];
    let remedy = format!(
        "make room there: logs and old files first, then fewer days of samples (schedule.retention_days, then \
         recipe-monitoring-collector cleanup); see {what}"
    );
    if stat.f_files > 0 && stat.f_favail < NEEDED_FILES {
        let cause = format!("no more than {} files can be made at {shown}: its inodes are used up", stat.f_favail);
        return Answer::found(seen, [Finding::trouble("no_inodes", cause, remedy).with([format!("df -i {word}")])]);
    }
    let cause = format!("only {} of {} are free at {shown}", size(free), size(total));
    if free < NEEDED {
        return Answer::found(seen, [Finding::trouble("disk_full", cause, remedy).with(commands)]);
    }
    if free < WANTED.min(total / 2) || free / 100 < total / 100 / 100 * WANTED_SHARE {
        return Answer::found(seen, [Finding::warning("disk_nearly_full", cause, remedy).with(commands)]);
    }
    Answer::ok(seen)
}
