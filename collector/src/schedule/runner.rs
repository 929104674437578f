//! Does what the timetable says, as time goes by.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

use crate::backup::BackupError;
use crate::config::Schedule;
use crate::instruments::Instruments;
use crate::store::{Right, Store, StoreError};

use super::lease::Lease;
use super::{By, Clock, Collecting, Job, Saving, Timetable, Upkeep};

/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(1);

/// Does the work that every collector does, for ever.
pub async fn run_each(clock: Arc<dyn Clock>, schedule: Schedule, collecting: Collecting, saving: Saving) {
    tokio::join!(collect_regularly(&*clock, &schedule, collecting), save_regularly(&*clock, &schedule, saving));
}

async fn collect_regularly(clock: &dyn Clock, schedule: &Schedule, collecting: Collecting) {
    let mut timetable = Timetable::new(schedule, By::Each);
    // What was due before the start may have been done by an earlier run.
    for (job, due) in timetable.due(clock.now()) {
        timetable.done(job, due);
    }
    loop {
        clock.sleep(TICK).await;
        for (_, due) in timetable.due(clock.now()).into_iter().filter(|(job, _)| *job == Job::Collect) {
            collecting.perform(due);
            timetable.done(Job::Collect, due);
        }
    }
}

async fn save_regularly(clock: &dyn Clock, schedule: &Schedule, saving: Saving) {
    let mut timetable = Timetable::new(schedule, By::Each);
    let started = clock.elapsed();
    let (mut waits, mut first_done) = (false, false);
    loop {
        // At the start what an earlier run has left is saved, before there is anything new.
        let mut asked = waits
            && tokio::select! {
                () = saving.asked() => true,
                () = clock.sleep(TICK) => false,
            };
        waits = true;
        if !first_done && clock.elapsed().saturating_sub(started) >= schedule.first_save {
            (first_done, asked) = (true, true);
        }
        let now = clock.now();
        let due = timetable.due(now).into_iter().find(|(job, _)| *job == Job::Save);
        let Some(due) = due.map(|(_, due)| due).or(asked.then_some(now)) else { continue };
        // A task of its own: when this loop is ended, the save that is under way is not.
        match tokio::spawn(saving.clone().perform()).await {
            Ok(Ok(())) => timetable.done(Job::Save, due),
            _ => timetable.failed(Job::Save, clock.now()),
        }
    }
}

/// Does the work that one of all collectors does, for ever, whenever that is `holder`: this one.
pub async fn run_one(
    clock: Arc<dyn Clock>,
    schedule: Schedule,
    store: Store,
    upkeep: Upkeep,
    holder: Uuid,
    instruments: Instruments,
) {
    let (right, rights) = watch::channel(None);
    let stuck = AtomicBool::new(false);
    let lease = Lease::new(store.clone(), holder, upkeep.host(), schedule.lease);
    let working = Working { clock: &*clock, schedule: &schedule, store: &store, upkeep: &upkeep, instruments };
    let beside = async {
        if upkeep.makes_backups() {
            working.work(By::OneBeside, rights.clone(), &stuck).await;
        }
    };
    let upkeep = working.work(By::One, rights.clone(), &stuck);
    tokio::join!(hold(&*clock, schedule.retry, lease, right, &stuck), upkeep, beside);
}

/// Renews the lease also while long work is under way. One under which work has got stuck is left
/// to the others for a while.
async fn hold(
    clock: &dyn Clock,
    rest: Duration,
    mut lease: Lease,
    right: watch::Sender<Option<Right>>,
    stuck: &AtomicBool,
) {
    let mut rests_until = Duration::ZERO;
    loop {
        if stuck.swap(false, Ordering::Relaxed) {
            lease.give_up().await;
            rests_until = clock.elapsed() + rest;
        }
        let held = if clock.elapsed() < rests_until { None } else { lease.hold().await };
        right.send_if_modified(|right| std::mem::replace(right, held) != held);
        clock.sleep(TICK).await;
    }
}

/// What the holder of the lease needs.
struct Working<'a> {
    clock: &'a dyn Clock,
    schedule: &'a Schedule,
    store: &'a Store,
    upkeep: &'a Upkeep,
    instruments: Instruments,
}

impl Working<'_> {
    async fn work(&self, by: By, rights: watch::Receiver<Option<Right>>, stuck: &AtomicBool) {
        let mut known: Option<(Right, Timetable)> = None;
        loop {
            self.clock.sleep(TICK).await;
            let Some(right) = *rights.borrow() else {
                known = None;
                continue;
            };
            if known.as_ref().is_none_or(|(before, _)| *before != right) {
                known = resume(self.schedule, by, self.store).await.map(|timetable| (right, timetable));
            }
            let Some((_, timetable)) = &mut known else { continue };
            if self.do_due(timetable, right).await.is_err() {
                stuck.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Does what is due, until something gets stuck.
    async fn do_due(&self, timetable: &mut Timetable, right: Right) -> Result<(), Stuck> {
        for (job, due) in timetable.due(self.clock.now()) {
            let started = Instant::now();
            let outcome = match job {
                Job::Backup => self.upkeep.back_up(due, right).await.map_err(Failure::Backup),
                _ => self.upkeep.perform(job, due, self.clock.now(), right).await.map_err(Failure::Store),
            };
            match log(job, due, started, &outcome, &self.instruments) {
                true => timetable.done(job, due),
                false => timetable.failed(job, self.clock.now()),
            }
            if matches!(outcome, Err(Failure::Store(StoreError::TooLong(_)))) {
                return Err(Stuck);
            }
        }
        Ok(())
    }
}

/// Why work is not done.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(StoreError),
    #[error(transparent)]
    Backup(BackupError),
}

/// Work that another collector may have better luck with.
struct Stuck;

/// The timetable as others left it.
async fn resume(schedule: &Schedule, by: By, store: &Store) -> Option<Timetable> {
    let runs = store.job_runs().await.inspect_err(|error| tracing::debug!(%error, "no job runs")).ok()?;
    let mut timetable = Timetable::new(schedule, by);
    let set_up_at = store.set_up_at().await.ok().flatten();
    for (job, ..) in super::TIMETABLE {
        let last = runs.iter().filter(|run| run.job == job.name()).map(|run| run.scheduled_for).max();
        // The first backup is made in the first night, and not of nothing in the first second.
        let last = last.or(set_up_at.filter(|_| job == Job::Backup));
        if let Some(last) = last {
            timetable.done(job, last);
        }
    }
    Some(timetable)
}

fn log(
    job: Job,
    due: Timestamp,
    started: Instant,
    outcome: &Result<String, Failure>,
    instruments: &Instruments,
) -> bool {
    let (job, seconds) = (job.name(), started.elapsed().as_secs_f64());
    match outcome {
        Ok(did) => tracing::info!(job, %due, seconds, did, "job done"),
        Err(Failure::Store(StoreError::LostLease)) => {
            tracing::info!(job, %due, seconds, "job left to the collector that took over")
        }
        Err(error) => tracing::error!(job, %due, seconds, %error, "job failed; it is tried again"),
    }
    instruments.job_ran(job, outcome.is_ok());
    outcome.is_ok()
}
