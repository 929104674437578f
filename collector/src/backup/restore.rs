//! How a backup is restored: checked to the last byte first, and then in one transaction, which takes
//! away what is there, has `pg_restore`'s script, compares the rows of every table, and is committed
//! by its last line. Whatever ends it before that leaves the database as it was.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use jiff::Timestamp;
use tokio::io::AsyncWriteExt;

use super::make::list;
use super::manifest::{ACCESS, DUMP, KEYS, Manifest};
use super::programs::{Programs, end};
use super::{BackupError, Backups, Place};
use crate::access::{Access, Contents};
use crate::cache::{Cache, Copy};
use crate::config::Settings;
use crate::store::{LAST_WORDS, STATE_SCHEMA, Store, Target, comparison, is_ours, newest_migration};

/// Whoever holds our tables is not waited for any longer.
const BEGIN: &str = "BEGIN;\nSET LOCAL lock_timeout = '30s';\nSET LOCAL client_min_messages = warning;\n";

/// A backup that was looked at and can be restored.
#[derive(Debug)]
pub struct Restoring {
    path: PathBuf,
    manifest: Manifest,
    programs: Programs,
    /// What `pg_restore` lists.
    contents: String,
}

/// What was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Tables.
    pub tables: usize,
    /// Rows of all of them.
    pub rows: u64,
}

impl Restoring {
    /// Looks at the backup of this name, path, or `latest`: every checksum, and whether `pg_restore`
    /// can read it.
    ///
    /// # Errors
    ///
    /// See [`BackupError`]: it cannot be restored.
    pub async fn open(wanted: &str, settings: &Settings) -> Result<Self, BackupError> {
        let path = Place::of(settings)?.find(wanted)?;
        let manifest = Manifest::read(&path)?;
        let known = newest_migration();
        if manifest.postgresql.migration > known {
            let what = format!(
                "its tables are of migration {}, and the last one here is {known}",
                manifest.postgresql.migration
            );
            return Err(BackupError::Newer { backup: path, what });
        }
        let (manifest, verified) = {
            let path = path.clone();
            let verify = move || {
                let verified = manifest.verify(&path);
                (manifest, verified)
            };
            let failed = |error| BackupError::Directory { directory: PathBuf::new(), source: io::Error::other(error) };
            tokio::task::spawn_blocking(verify).await.map_err(failed)?
        };
        verified?;
        let programs = Programs::find(&settings.backup.programs, "pg_restore", manifest.postgresql.pg_dump)?;
        let contents = list(&programs, &path.join(DUMP)).await?;
        Ok(Self { path, manifest, programs, contents })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Restores the history into the database of `store`, whose tables need not be there; with `replace` in the place of
    /// all that the monitoring has there. Then brings the tables up to date.
    ///
    /// # Errors
    ///
    /// See [`BackupError`]; the database is as it was then, but for [`BackupError::Store`] from the
    /// migrations: each of these is whole or not there.
    pub async fn restore(&self, store: &Store, replace: bool) -> Result<Restored, BackupError> {
        let target = store.before_restore().await?;
        self.check_target(&target, store, replace)?;
        let wanted = self.manifest.postgresql.pg_dump;
        // `psql` sends what it is given: it may be of any version, and is of the same.
        tracing::debug!(server = target.version, pg_dump = wanted, "restoring");
        self.run(store, &target).await?;
        store.migrate().await?;
        let tables = &self.manifest.postgresql.tables;
        Ok(Restored { tables: tables.len(), rows: tables.values().sum() })
    }

    /// Puts the keys that still have a time to live into Redis; answers how many, or `None` where the backup
    /// has none.
    ///
    /// # Errors
    ///
    /// [`BackupError::Damaged`], or the sentence of Redis' in [`BackupError::Program`].
    pub async fn restore_keys(&self, cache: &Cache) -> Result<Option<usize>, BackupError> {
        if self.manifest.redis.keys.is_none() {
            return Ok(None);
        }
        let damaged = |reason: String| BackupError::Damaged { backup: self.path.clone(), reason };
        let text = std::fs::read(self.path.join(KEYS)).map_err(|error| damaged(format!("{KEYS}: {error}")))?;
        let copy: Copy = serde_json::from_slice(&text).map_err(|error| damaged(format!("{KEYS}: {error}")))?;
        let put = cache.put_back(&copy, Timestamp::now()).await;
        put.map(Some).map_err(|error| BackupError::Program { program: "RESTORE", reason: error.to_string() })
    }

    /// Restores users and API tokens, without the sessions of that time; answers whether. Where there are users, only
    /// with `replace` in their place.
    ///
    /// # Errors
    ///
    /// [`BackupError::Damaged`], also for what cannot be written.
    pub fn restore_access(&self, data_dir: &Path, replace: bool) -> Result<bool, BackupError> {
        if !self.manifest.files.contains_key(ACCESS) {
            return Ok(false);
        }
        let damaged = |reason: String| BackupError::Damaged { backup: self.path.clone(), reason };
        let text = std::fs::read(self.path.join(ACCESS)).map_err(|error| damaged(format!("{ACCESS}: {error}")))?;
        let kept = Contents::without_sessions(&text).map_err(|reason| damaged(format!("{ACCESS}: {reason}")))?;
        let restored = Access::open(data_dir).and_then(|access| {
            access.change(|contents| {
                let is_free = replace || contents.users().is_empty();
                if is_free {
                    *contents = kept;
                }
                Ok(is_free)
            })
        });
        restored.map_err(|error| damaged(error.to_string()))
    }

    fn check_target(&self, target: &Target, store: &Store, replace: bool) -> Result<(), BackupError> {
        if let Some(host) = &target.worked_on_by {
            return Err(BackupError::InUse { host: host.clone() });
        }
        let wanted = &self.manifest.postgresql.schema;
        if *wanted != target.home {
            return Err(BackupError::OtherSchema { wanted: wanted.clone(), found: target.home.clone() });
        }
        match &target.filled {
            Some(table) if !replace => Err(BackupError::Filled { target: store.target(), table: table.clone() }),
            _ => Ok(()),
        }
    }

    async fn run(&self, store: &Store, target: &Target) -> Result<(), BackupError> {
        let of =
            |program: &'static str| move |error: io::Error| BackupError::Program { program, reason: error.to_string() };
        let mut psql = self.programs.command("psql", &store.client_environment());
        psql.args(["--no-psqlrc", "--no-password", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]);
        let mut psql = psql.stdin(Stdio::piped()).spawn().map_err(of("psql"))?;
        let mut script = self.programs.command("pg_restore", &[]);
        script.args([
            "--no-owner",
            "--no-privileges",
            "--no-publications",
            "--no-subscriptions",
            "--no-security-labels",
        ]);
        script
            .args(["--no-tablespaces", "--exit-on-error", "--use-list=/dev/stdin", "--file=-"])
            .arg(self.path.join(DUMP));
        let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(of("pg_restore"))?;
        let wanted = chosen(&self.contents, &self.manifest.postgresql.schema);
        let (Some(mut input), Some(mut list), Some(mut output)) =
            (psql.stdin.take(), script.stdin.take(), script.stdout.take())
        else {
            return Err(of("psql")(io::ErrorKind::BrokenPipe.into()));
        };
        let give = async move {
            list.write_all(wanted.as_bytes()).await?;
            list.shutdown().await?;
            drop(list);
            input.write_all(BEGIN.as_bytes()).await?;
            input.write_all(target.drops.join("\n").as_bytes()).await?;
            input.write_all(b"\n").await?;
            tokio::io::copy(&mut output, &mut input).await?;
            Ok::<_, io::Error>(input)
        };
        let script = async {
            let given = give.await;
            let scripted = end("pg_restore", script).await;
            let given = match (given, &scripted) {
                (Ok(mut input), Ok(())) => {
                    let last = comparison(&self.manifest.postgresql.tables) + LAST_WORDS;
                    input.write_all(last.as_bytes()).await
                }
                // Without its last line nothing is committed.
                (given, _) => given.map(drop),
            };
            (given, scripted)
        };
        let ((given, scripted), done) = tokio::join!(script, end("psql", psql));
        // What psql says goes before what others say of a pipe that psql has closed.
        done?;
        scripted?;
        given.map_err(of("psql"))
    }
}

impl Backups {
    /// Where they are.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }
}

/// Of what `pg_restore` lists, what is ours: the database may have been shared, and others' functions
/// and types come along with a schema.
fn chosen(contents: &str, home: &str) -> String {
    contents.lines().filter(|line| is_wanted(line, home)).map(|line| format!("{line}\n")).collect()
}

/// Kinds that hang on a relation; those of others were not dumped.
const OF_RELATIONS: [&str; 16] = [
    "TABLE",
    "TABLE DATA",
    "TABLE ATTACH",
    "SEQUENCE",
    "SEQUENCE OWNED BY",
    "SEQUENCE SET",
    "DEFAULT",
    "CONSTRAINT",
    "CHECK CONSTRAINT",
    "FK CONSTRAINT",
    "INDEX",
    "INDEX ATTACH",
    "TRIGGER",
    "VIEW",
    "MATERIALIZED VIEW",
    "MATERIALIZED VIEW DATA",
];

/// `3369; 1259 16402 TABLE public system_metrics recipe_user`
fn is_wanted(line: &str, home: &str) -> bool {
    let Some(entry) = line.split_once("; ").and_then(|(_, rest)| rest.splitn(3, ' ').nth(2)) else { return false };
    if entry.contains(&format!(" {STATE_SCHEMA} ")) {
        return true;
    }
    let named = |kind: &str| entry.strip_prefix(kind)?.strip_prefix(' ')?.strip_prefix(home)?.strip_prefix(' ');
    let is_function = |name: &str| name.split_once('(').is_some_and(|(name, _)| is_ours(name));
    OF_RELATIONS.iter().any(|kind| named(kind).is_some())
        || named("FUNCTION").is_some_and(is_function)
        || named("COMMENT").is_some_and(|about| {
            let of_relation = OF_RELATIONS.iter().chain(&["COLUMN"]);
            about.strip_prefix("FUNCTION ").is_some_and(is_function)
                || of_relation
                    .into_iter()
                    .any(|kind| about.strip_prefix(kind).is_some_and(|rest| rest.starts_with(' ')))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_shared_schema_only_what_is_ours_is_restored() {
        for (entry, wanted) in [
            (";     dbname: recipe_db", false),
            ("8; 2615 16390 SCHEMA - recipe_monitoring_state recipe_user", true),
            ("5; 2615 2200 SCHEMA - public pg_database_owner", false),
            ("3369; 1259 16402 TABLE public system_metrics recipe_user", true),
            ("3370; 0 16402 TABLE DATA public system_metrics_2026_11 recipe_user", true),
            ("3371; 0 0 TABLE ATTACH public system_metrics_2026_11 recipe_user", true),
            ("3372; 0 0 SEQUENCE SET public system_metrics_id_seq recipe_user", true),
            ("240; 1255 16500 FUNCTION public get_metric_stats(character varying, integer) recipe_user", true),
            ("241; 1255 16501 FUNCTION public get_recipe(integer) cook", false),
            ("242; 1255 16502 FUNCTION recipe_monitoring_state note_samples() recipe_user", true),
            ("900; 1247 17000 TYPE public course cook", false),
            ("901; 1247 17000 DOMAIN public email cook", false),
            ("3500; 0 0 COMMENT public FUNCTION get_metric_stats(character varying, integer) recipe_user", true),
            ("3501; 0 0 COMMENT public FUNCTION get_recipe(integer) cook", false),
            ("3502; 0 0 COMMENT public TABLE metrics_raw recipe_user", true),
            ("3503; 0 0 COMMENT public COLUMN annotations.id recipe_user", true),
            ("3504; 0 0 COMMENT public TYPE course cook", false),
            ("3505; 0 0 COMMENT - SCHEMA recipe_monitoring_state recipe_user", true),
            ("3506; 0 0 MATERIALIZED VIEW DATA public metrics_last_24h recipe_user", true),
        ] {
            assert_eq!(is_wanted(entry, "public"), wanted, "{entry}");
        }
        assert!(!is_wanted("3369; 1259 16402 TABLE public system_metrics recipe_user", "monitoring"));
    }
}
