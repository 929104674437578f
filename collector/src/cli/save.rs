//! `save`: what waits in the spool, to PostgreSQL. Where a collector runs on the data directory
//! it is asked to do it, for it alone may touch its spool; elsewhere this program does it.

use std::collections::BTreeSet;
use std::error::Error;
use std::time::{Duration, Instant};

use prometheus_client::registry::Registry;
use uuid::Uuid;

use super::progress::Progress;
use super::{print, stores};
use crate::embedded::{self, Owner};
use crate::schedule::Saving;
use crate::{Buffer, Instruments, Settings, Unsaved, host_name, request};

/// A collector that saves nothing for so long cannot.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked how much is left.
const LOOK: Duration = Duration::from_millis(100);

pub(super) async fn run(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let unsaved = Unsaved::of_others(&embedded::spool_dir(&settings.storage)?);
    let wanted = unsaved.numbers().await?;
    let saved = match embedded::owner(&settings.storage)? {
        _ if wanted.is_empty() => 0,
        Some(owner) => ask(&owner, &unsaved, &wanted).await?,
        None => save(settings).await?,
    };
    print(&format!("save: {saved} records"))?;
    Ok(())
}

/// Has the collector save, and waits until all that is unsaved now is saved.
async fn ask(owner: &Owner, unsaved: &Unsaved, wanted: &BTreeSet<(Uuid, u64)>) -> Result<u64, Box<dyn Error>> {
    let pid = owner.pid.ok_or_else(|| format!("{} is starting; try again", owner.name))?;
    request::ask_to_save(pid)?;
    let total = wanted.len() as u64;
    let mut progress = Progress::start("save", Some(total));
    let (mut left, mut last) = (total, Instant::now());
    while left > 0 {
        tokio::time::sleep(LOOK).await;
        let now = wanted.intersection(&unsaved.numbers().await?).count() as u64;
        if now < left {
            (left, last) = (now, Instant::now());
            progress.at(total - left);
        } else if last.elapsed() > PATIENCE {
            return Err(format!(
                "{} has saved nothing for {PATIENCE:?}, and {left} records wait on: see its log for what PostgreSQL answers",
                owner.name
            )
            .into());
        }
    }
    Ok(total)
}

/// Saves what collectors that no longer run have left.
async fn save(settings: &Settings) -> Result<u64, Box<dyn Error>> {
    let store = stores::open(settings).await?;
    let _hold = embedded::hold(&settings.storage)?;
    let instruments = Instruments::register(&mut Registry::default());
    let (limit, in_memory) = (settings.storage.spool_limit_bytes(), settings.storage.memory_records);
    let directory = embedded::spool_dir(&settings.storage)?;
    let buffer = Buffer::open(&directory, limit, in_memory, instruments.clone()).map_err(|error| {
        format!("the spool {} cannot be used: {error}; correct its permissions", directory.display())
    })?;
    let total = buffer.len();
    let saving = Saving::new(store.clone(), buffer.clone(), &host_name(&settings.system.host), instruments);
    let outcome = tokio::select! {
        outcome = saving.perform() => outcome,
        never = watch(&buffer, total) => match never {},
    };
    buffer.close().await;
    store.close().await;
    outcome?;
    Ok(total)
}

/// Shows how much is saved, for ever.
async fn watch(buffer: &Buffer, total: u64) -> std::convert::Infallible {
    let mut progress = Progress::start("save", Some(total));
    loop {
        tokio::time::sleep(LOOK).await;
        progress.at(total.saturating_sub(buffer.len()));
    }
}
