//! PostgreSQL's own `pg_dump`, `pg_restore` and `psql`: which ones, and how they are run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, setpriority_process};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};

use super::BackupError;
use crate::embedded::{major_version, places_of};

/// Those who wait for nobody: the saves go first.
const NICENESS: i32 = 10;
/// Of what a program says when it fails, in bytes.
const LONGEST_WORDS: u64 = 16 << 10;

/// A directory with the programs of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Programs {
    directory: PathBuf,
    /// Their major version.
    pub(super) major: u32,
}

impl Programs {
    /// The programs in the directory that is set, or else of all that are installed those that fit
    /// best what is of major version `wanted`: none is older, for an older one refuses it, and none is
    /// newer than it has to be. `program` is the one that is looked for.
    pub(super) fn find(set: &Path, program: &'static str, wanted: u32) -> Result<Self, BackupError> {
        let is_set = !set.as_os_str().is_empty();
        let directories = if is_set { vec![set.to_owned()] } else { places_of(program) };
        let found = directories.into_iter().filter_map(|directory| {
            let major = major_version(&directory.join(program))?;
            Some(Self { directory, major })
        });
        choose(found.collect(), wanted).map_err(|found| BackupError::NoPrograms {
            program,
            wanted,
            found: match found {
                Some(major) => format!("the newest here is {major}"),
                None => "there is none".to_owned(),
            },
            searched: match is_set {
                true => set.display().to_string(),
                false => "/usr/lib/postgresql, /usr/pgsql-*, /usr/local/pgsql and on the PATH".to_owned(),
            },
        })
    }

    /// A command that ends when this program loses interest in it, and is told where the database is.
    pub(super) fn command(&self, program: &str, environment: &[(&'static str, OsString)]) -> Command {
        let mut command = Command::new(self.directory.join(program));
        // What is set for other uses of these programs must not lead elsewhere.
        for name in ["PGSERVICE", "PGSERVICEFILE", "PGHOSTADDR", "PGTARGETSESSIONATTRS"] {
            command.env_remove(name);
        }
        command.envs(environment.iter().map(|(name, value)| (name, value))).env("LC_ALL", "C");
        command.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }
}

/// The oldest that is not older than `wanted`, or the newest major version that there is.
fn choose(found: Vec<Programs>, wanted: u32) -> Result<Programs, Option<u32>> {
    let newest = found.iter().map(|programs| programs.major).max();
    // Of several of one version the first.
    found.into_iter().filter(|programs| programs.major >= wanted).min_by_key(|programs| programs.major).ok_or(newest)
}

/// Has a program wait for others.
pub(super) fn be_nice(child: &Child) {
    let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    if let Some(pid) = pid {
        let _ = setpriority_process(Some(pid), NICENESS);
    }
}

/// Waits for the end of a program; an error in its own words where it is not a good one.
pub(super) async fn end(program: &'static str, mut child: Child) -> Result<(), BackupError> {
    let failed = |reason| BackupError::Program { program, reason };
    let words = words(child.stderr.take()).await;
    let status = child.wait().await.map_err(|error| failed(error.to_string()))?;
    if status.success() {
        return Ok(());
    }
    let lines: Vec<_> = words.lines().map(str::trim).filter(|line| !line.is_empty()).take(4).collect();
    let said = lines.join(" / ");
    let said = said.strip_prefix(program).and_then(|said| said.strip_prefix(": ")).unwrap_or(&said);
    Err(failed(if said.is_empty() { status.to_string() } else { said.to_owned() }))
}

/// What it says, until it is silent.
async fn words(stderr: Option<ChildStderr>) -> String {
    let Some(mut stderr) = stderr else { return String::new() };
    let mut bytes = Vec::new();
    let _ = (&mut stderr).take(LONGEST_WORDS).read_to_end(&mut bytes).await;
    // The rest is let go by, or it would wait for us.
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(majors: &[u32]) -> Vec<Programs> {
        let of = |(place, major): (usize, &u32)| Programs { directory: format!("/{place}").into(), major: *major };
        majors.iter().enumerate().map(of).collect()
    }

    #[test]
    fn the_programs_are_as_old_as_the_server_or_little_younger_and_never_older() {
        for (found, wanted, expected) in [
            (&[15][..], 15, Ok(0)),
            (&[17, 15, 16], 15, Ok(1)),
            (&[17, 18], 15, Ok(0)),
            (&[15, 15], 14, Ok(0)),
            (&[14, 15], 16, Err(Some(15))),
            (&[], 16, Err(None)),
        ] {
            let chosen = choose(programs(found), wanted);
            assert_eq!(chosen, expected.map(|place: usize| programs(found)[place].clone()), "{found:?} {wanted}");
        }
    }

    #[test]
    fn where_there_is_none_it_is_said_which_and_where_it_was_looked_for() {
        let error = Programs::find(Path::new("/nowhere"), "pg_dump", 15).unwrap_err().to_string();
        for part in ["pg_dump of PostgreSQL 15", "there is none", "/nowhere", "postgresql-client-15", "backup.programs"]
        {
            assert!(error.contains(part), "{error}");
        }
    }
}
