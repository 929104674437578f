//! `restore`: a backup, into a database and Redis.

use std::error::Error;
use std::io::{BufRead, IsTerminal, Write};

use super::backup::{redis_line, running};
use super::progress::Progress;
use super::{print, stores};
use crate::backup::Restoring;
use crate::embedded::{self, Connections};
use crate::{Cache, Settings, Store};

/// Flags of `restore`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Name or path of the backup, or latest
    backup: String,
    /// The database that it goes to; a password is better in DATABASE_URL [default: that of the installation]
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// The Redis that it goes to [default: with --to none, else that of the installation]
    #[arg(long, value_name = "URL")]
    redis_to: Option<String>,
    /// Have it in the place of all that the monitoring has there now
    #[arg(long)]
    replace: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Only see that it can be restored
    #[arg(long, conflicts_with_all = ["to", "redis_to", "replace", "yes"])]
    verify: bool,
}

pub(super) async fn run(settings: &Settings, arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let restoring = tokio::select! {
        biased;
        never = Progress::start("verify", None).goes_on() => match never {},
        restoring = Restoring::open(&arguments.backup, settings) => restoring?,
    };
    if arguments.verify {
        return Ok(print(&format!("{} can be restored", restoring.path().display()))?);
    }
    if arguments.replace && !arguments.yes && !confirm()? {
        return Err("nothing was restored".into());
    }
    let (private, urls) = match &arguments.to {
        Some(url) => (None, Connections { database_url: Some(url.clone()), redis_url: None }),
        None => running(settings, true).await?,
    };
    let outcome = restore(settings, &restoring, &urls, &arguments).await;
    match private {
        // One that was made for it and got nothing is not left behind.
        Some(private) if outcome.is_err() => private.abandon().await,
        Some(private) => private.stop().await,
        None => {}
    }
    outcome
}

async fn restore(
    settings: &Settings,
    restoring: &Restoring,
    urls: &Connections,
    arguments: &Arguments,
) -> Result<(), Box<dyn Error>> {
    let store = Store::connect(urls.database_url.as_deref().unwrap_or_default(), &stores::few(settings)).await?;
    let restored = tokio::select! {
        biased;
        never = Progress::start("restore", None).goes_on() => match never {},
        restored = restoring.restore(&store, arguments.replace) => restored,
    };
    store.close().await;
    let restored = restored?;
    let manifest = restoring.manifest();
    print(&format!("restored: {}, as of {}", restoring.path().display(), manifest.started_at))?;
    print(&format!("PostgreSQL: {} rows in {} tables, each counted", restored.rows, restored.tables))?;
    let redis = arguments.redis_to.as_ref().or(urls.redis_url.as_ref()).filter(|_| settings.redis.enabled);
    match redis.filter(|_| manifest.redis.keys.is_some()) {
        Some(url) => print(&restore_keys(settings, restoring, url).await?)?,
        None if manifest.redis.keys.is_none() => print(&redis_line(manifest))?,
        None => print("Redis: left as it is")?,
    }
    // Another database is no other installation.
    if arguments.to.is_none() && restoring.restore_access(&embedded::data_dir(&settings.storage)?, arguments.replace)? {
        print("users and API tokens: restored; everybody has to log in again")?;
    }
    Ok(())
}

/// Redis is a cache: the history is restored, and what is missing there comes with the next samples.
async fn restore_keys(settings: &Settings, restoring: &Restoring, url: &str) -> Result<String, Box<dyn Error>> {
    let cache = Cache::connect(url, settings.redis.password.expose())?;
    cache.connected().await;
    let put = restoring.restore_keys(&cache).await;
    cache.close().await;
    Ok(match put {
        Ok(put) => {
            let (put, all) = (put.unwrap_or(0), restoring.manifest().redis.keys.unwrap_or(0));
            format!("Redis: {put} keys, and {} whose time is over", all.saturating_sub(put))
        }
        Err(error) => format!("Redis: left as it is: {error}"),
    })
}

/// Whether what is there may go; where nobody can be asked, it may not.
fn confirm() -> Result<bool, Box<dyn Error>> {
    if !std::io::stdin().is_terminal() {
        return Err(
            "--replace takes away what the monitoring has there now, and nobody can be asked here: add --yes".into()
        );
    }
    let mut stdout = std::io::stdout();
    write!(stdout, "All that the monitoring has there now goes. Go on? [y/N]: ")?;
    stdout.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
