//! `backup`: makes one, lists them, or sees that one can be restored.

use std::error::Error;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::json;

use super::progress::Progress;
use super::{print, stores};
use crate::backup::{BackupResult, Backups, Manifest, Place, Restoring};
use crate::embedded::{self, Connections, Embedded};
use crate::schedule::Job;
use crate::{Cache, Right, Settings, Store, Turn, host_name};

/// Flags of `backup`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// The directory that it goes to [default: the setting backup.directory]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the backups, the newest first, with age, size and result
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// See that every checksum is right and that pg_restore can read it
    Verify {
        /// Name or path of the backup
        #[arg(default_value = "latest")]
        backup: String,
    },
}

pub(super) async fn run(settings: &Settings, arguments: Arguments) -> Result<(), Box<dyn Error>> {
    match arguments.action {
        None => make(settings, arguments.to, arguments.json).await,
        Some(Action::List { json }) => list(settings, json),
        Some(Action::Verify { backup }) => verify(settings, &backup).await,
    }
}

async fn make(settings: &Settings, to: Option<PathBuf>, json: bool) -> Result<(), Box<dyn Error>> {
    let (private, urls) = running(settings, false).await?;
    let made = make_of(settings, &urls, to).await;
    if let Some(private) = private {
        private.stop().await;
    }
    let made = made?;
    let manifest = &made.manifest;
    if json {
        let answer = json!({ "name": made.name, "path": made.path, "removed": made.removed, "manifest": manifest });
        return Ok(print(&answer.to_string())?);
    }
    let rows: u64 = manifest.postgresql.tables.values().sum();
    print(&format!("backup: {}", made.path.display()))?;
    print(&format!("PostgreSQL: {rows} rows in {} tables", manifest.postgresql.tables.len()))?;
    print(&redis_line(manifest))?;
    print(&format!("{}, in {:.1} s", size(manifest.bytes()), manifest.seconds))?;
    made.removed.iter().try_for_each(|name| print(&format!("removed by backup.keep_*: {name}")))?;
    Ok(())
}

async fn make_of(
    settings: &Settings,
    urls: &Connections,
    to: Option<PathBuf>,
) -> Result<crate::backup::Made, Box<dyn Error>> {
    let host = host_name(&settings.system.host);
    let store = Store::connect(urls.database_url.as_deref().unwrap_or_default(), &stores::few(settings)).await?;
    let cache = match urls.redis_url.as_deref().filter(|_| settings.redis.enabled) {
        Some(url) => Some(Cache::connect(url, settings.redis.password.expose())?),
        None => None,
    };
    if let Some(cache) = &cache {
        cache.connected().await;
    }
    let backups = Backups::new(store.clone(), cache.clone(), settings, &host)?;
    let backups = match to {
        Some(directory) => backups.to(std::path::absolute(&directory).unwrap_or(directory)),
        None => backups,
    };
    let turn = Turn::new(Job::Backup, Timestamp::now(), &host, Right::Command);
    let made = tokio::select! {
        biased;
        never = Progress::start("backup", None).goes_on() => match never {},
        made = backups.perform(&turn) => made,
    };
    if let Some(cache) = cache {
        cache.close().await;
    }
    store.close().await;
    Ok(made?)
}

/// The stores of the running installation, or where none runs, the private servers, started for
/// as long as they are needed. Ones that do not exist are made where they `may_be_new`.
pub(super) async fn running(
    settings: &Settings,
    may_be_new: bool,
) -> Result<(Option<Embedded>, Connections), Box<dyn Error>> {
    let urls = stores::urls(settings)?;
    if urls.database_url.is_some() {
        return Ok((None, urls));
    }
    let directory = embedded::data_dir(&settings.storage)?;
    if !may_be_new && !directory.join("postgres/PG_VERSION").exists() {
        return Err(format!(
            "there is no database: nothing was ever kept in {}, and DATABASE_URL is not set: set it, or name the data \
             directory with --data-dir",
            directory.display()
        )
        .into());
    }
    let private = Embedded::start(settings).await?;
    let urls = private.connections().clone();
    Ok((Some(private), urls))
}

fn list(settings: &Settings, json: bool) -> Result<(), Box<dyn Error>> {
    let (place, now) = (Place::of(settings)?, Timestamp::now());
    let mut found = place.list()?;
    found.reverse();
    if json {
        let backups = found.iter().map(|found| match &found.manifest {
            Ok(manifest) => json!({ "name": found.name, "path": found.path, "manifest": manifest }),
            Err(error) => json!({ "name": found.name, "path": found.path, "error": error.to_string() }),
        });
        return Ok(print(&json!({ "backups": backups.collect::<Vec<_>>() }).to_string())?);
    }
    if found.is_empty() {
        print(&format!("there is no backup in {}", place.path().display()))?;
    }
    for found in &found {
        print(&match &found.manifest {
            Ok(manifest) => {
                let result = match manifest.result {
                    BackupResult::Complete => "complete",
                    BackupResult::Partial => "partial",
                };
                let age = age(now.duration_since(manifest.finished_at).as_secs());
                format!("{}  {age:>10} ago  {:>9}  {result}", found.name, size(manifest.bytes()))
            }
            Err(error) => format!("{}  {error}", found.name),
        })?;
    }
    Ok(())
}

async fn verify(settings: &Settings, backup: &str) -> Result<(), Box<dyn Error>> {
    let restoring = tokio::select! {
        biased;
        never = Progress::start("verify", None).goes_on() => match never {},
        restoring = Restoring::open(backup, settings) => restoring?,
    };
    print(&format!("{} can be restored", restoring.path().display()))?;
    Ok(())
}

/// What a backup has of Redis.
pub(super) fn redis_line(manifest: &Manifest) -> String {
    match (&manifest.redis.keys, &manifest.redis.missing) {
        (Some(keys), _) => format!("Redis: {keys} keys"),
        (None, Some(reason)) => format!("Redis: not in it, for it could not be read: {reason}"),
        (None, None) => "Redis: not in it, for it is not used".to_owned(),
    }
}

fn age(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 172_800.. => format!("{} days", seconds / 86_400),
        seconds @ 7_200.. => format!("{} h", seconds / 3_600),
        seconds @ 120.. => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes_are_for_people() {
        assert_eq!([0, 119, 120, 7_200, 172_800].map(age), ["0 s", "119 s", "2 min", "2 h", "2 days"]);
        assert_eq!([5, 1_536, 12 << 20, 3 << 30].map(size), ["5 B", "1.5 KiB", "12.0 MiB", "3.0 GiB"]);
    }
}
