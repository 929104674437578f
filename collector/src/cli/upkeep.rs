//! `aggregate`, `refresh`, `summarize`, `cleanup` and `partitions`: the timetable's work by hand,
//! beside any collector.

use std::error::Error;
use std::time::Duration;

use jiff::Timestamp;

use super::progress::Progress;
use super::{print, stores};
use crate::schedule::{Job, Upkeep};
use crate::{Right, Settings, Store, host_name};

/// How often it is asked how far the work has come.
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn run(settings: &Settings, job: Job) -> Result<(), Box<dyn Error>> {
    let store = stores::open(settings).await?;
    // Of these only an aggregation has something for Redis.
    let cache = match job {
        Job::Aggregate => stores::cache(settings).await?,
        _ => None,
    };
    let now = Timestamp::now();
    let upkeep = Upkeep::new(store.clone(), cache.clone(), &settings.schedule, &host_name(&settings.system.host));
    let did = {
        let work = upkeep.perform(job, now, now, Right::Command);
        tokio::select! {
            biased;
            never = watch(&store, job, now) => match never {},
            did = work => did,
        }
    };
    if let Some(cache) = cache {
        cache.close().await;
    }
    store.close().await;
    print(&format!("{}: {}", job.name(), did?))?;
    Ok(())
}

/// Shows how far the job has come, for ever.
async fn watch(store: &Store, job: Job, now: Timestamp) -> std::convert::Infallible {
    let waiting = async || match job {
        Job::Aggregate => store.hours_waiting(now).await.ok(),
        _ => None,
    };
    let Some(total) = waiting().await else { return Progress::start(job.name(), None).goes_on().await };
    let mut progress = Progress::start(job.name(), Some(total));
    loop {
        tokio::time::sleep(LOOK).await;
        if let Some(rest) = waiting().await {
            progress.at(total.saturating_sub(rest));
        }
    }
}
