//! Does what the timetable says, as time goes by.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use crate::config::Schedule;
use crate::instruments::Instruments;
use crate::store::{Right, Store, StoreError};

use super::lease::Lease;
use super::{By, Collecting, Job, Saving, Timetable, Upkeep};

/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(1);
/// The first save, so that a wrong set-up shows soon.
const FIRST_SAVE: Duration = Duration::from_secs(15);

/// Does the work that every collector does, for ever.
pub(crate) async fn run_each(schedule: Schedule, collecting: Collecting, saving: Saving) {
    tokio::join!(
        collect_regularly(Timetable::new(&schedule, By::Each), collecting),
        save_regularly(Timetable::new(&schedule, By::Each), saving),
    );
}

async fn collect_regularly(mut timetable: Timetable, collecting: Collecting) {
    let mut ticks = ticks();
    // What was due before the start may have been done by an earlier run.
    for (job, due) in timetable.due(Timestamp::now()) {
        timetable.done(job, due);
    }
    loop {
        ticks.tick().await;
        for (_, due) in timetable.due(Timestamp::now()).into_iter().filter(|(job, _)| *job == Job::Collect) {
            collecting.perform(due);
            timetable.done(Job::Collect, due);
        }
    }
}

async fn save_regularly(mut timetable: Timetable, saving: Saving) {
    let mut ticks = ticks();
    let mut first = Box::pin(tokio::time::sleep(FIRST_SAVE));
    let mut first_done = false;
    loop {
        let asked = tokio::select! {
            () = saving.asked() => true,
            () = &mut first, if !first_done => {
                first_done = true;
                true
            }
            _ = ticks.tick() => false,
        };
        let now = Timestamp::now();
        let due = timetable.due(now).into_iter().find(|(job, _)| *job == Job::Save);
        let Some(due) = due.map(|(_, due)| due).or(asked.then_some(now)) else { continue };
        // A task of its own: when this loop is ended, the save that is under way is not.
        match tokio::spawn(saving.clone().perform()).await {
            Ok(Ok(())) => timetable.done(Job::Save, due),
            _ => timetable.failed(Job::Save, Timestamp::now()),
        }
    }
}

/// Does the work that one of all collectors does, for ever, whenever that is `holder`: this one.
pub(crate) async fn run_one(schedule: Schedule, store: Store, upkeep: Upkeep, holder: Uuid, instruments: Instruments) {
    let (right, rights) = watch::channel(None);
    let lease = Lease::new(store.clone(), holder, upkeep.host());
    tokio::join!(hold(lease, right), work(&schedule, &store, &upkeep, &instruments, rights));
}

/// Renews the lease also while long work is under way.
async fn hold(mut lease: Lease, right: watch::Sender<Option<Right>>) {
    let mut ticks = ticks();
    loop {
        ticks.tick().await;
        let held = lease.hold().await;
        right.send_if_modified(|right| std::mem::replace(right, held) != held);
    }
}

async fn work(
    schedule: &Schedule,
    store: &Store,
    upkeep: &Upkeep,
    instruments: &Instruments,
    rights: watch::Receiver<Option<Right>>,
) {
    let mut ticks = ticks();
    let mut known: Option<(Right, Timetable)> = None;
    loop {
        ticks.tick().await;
        let Some(right) = *rights.borrow() else {
            known = None;
            continue;
        };
        if known.as_ref().is_none_or(|(before, _)| *before != right) {
            known = resume(schedule, store).await.map(|timetable| (right, timetable));
        }
        let Some((_, timetable)) = &mut known else { continue };
        for (job, due) in timetable.due(Timestamp::now()) {
            let started = Instant::now();
            let outcome = upkeep.perform(job, due, Timestamp::now(), right).await;
            match log(job, started, &outcome, instruments) {
                true => timetable.done(job, due),
                false => timetable.failed(job, Timestamp::now()),
            }
        }
    }
}

/// The timetable as others left it.
async fn resume(schedule: &Schedule, store: &Store) -> Option<Timetable> {
    let runs = store.job_runs().await.inspect_err(|error| tracing::debug!(%error, "no job runs")).ok()?;
    let mut timetable = Timetable::new(schedule, By::One);
    for (job, _, _) in super::TIMETABLE {
        let last = runs.iter().filter(|run| run.job == job.name()).map(|run| run.scheduled_for).max();
        if let Some(last) = last {
            timetable.done(job, last);
        }
    }
    Some(timetable)
}

fn log(job: Job, started: Instant, outcome: &Result<String, StoreError>, instruments: &Instruments) -> bool {
    let (job, seconds) = (job.name(), started.elapsed().as_secs_f64());
    match outcome {
        Ok(did) => tracing::info!(job, seconds, did, "job done"),
        Err(StoreError::LostLease) => tracing::info!(job, seconds, "job left to the collector that took over"),
        Err(error) => tracing::error!(job, seconds, %error, "job failed; it is tried again"),
    }
    instruments.job_ran(job, outcome.is_ok());
    outcome.is_ok()
}

fn ticks() -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
