//! The busiest processes of the host and statements of PostgreSQL, read every ten seconds.

use std::time::Duration;

use jiff::Timestamp;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate};
use tokio::time::{Instant, MissedTickBehavior};

use super::whole_milliseconds;
use crate::store::Store;
use crate::top::{Top, TopProcess};
use crate::{Feed, PartName};

const INTERVAL: Duration = Duration::from_secs(10);
/// CPU is what was used since the reading before; of the first one, after so long.
const FIRST: Duration = Duration::from_secs(1);
/// How often it is read what ran most. It changes slowly, and makes PostgreSQL read a file.
const STATEMENTS: Duration = Duration::from_secs(60);
/// An answer that takes longer is not waited for.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Reads processes. Keeps sysinfo's handle between two readings.
#[derive(Debug)]
struct ProcessReader(sysinfo::System);

impl ProcessReader {
    /// A reader whose first reading covers the time since this call; `None` where processes cannot
    /// be read.
    fn new() -> Option<Self> {
        let system =
            sysinfo::System::new().inspect_err(|error| tracing::warn!(%error, "processes cannot be read")).ok()?;
        let mut reader = Self(system);
        reader.refresh();
        Some(reader)
    }

    /// Reads again; answers how many there are. Takes about 40 microseconds for each.
    fn refresh(&mut self) -> usize {
        // Neither threads nor command lines, users and directories.
        let kind = ProcessRefreshKind::nothing().without_tasks().with_cpu().with_memory();
        self.0.refresh_processes_specifics(ProcessesToUpdate::All, true, kind)
    }

    fn processes(&self) -> Vec<TopProcess> {
        let process = |process: &sysinfo::Process| TopProcess {
            pid: process.pid().as_u32(),
            name: process.name().to_string_lossy().into_owned(),
            cpu_percent: (f64::from(process.cpu_usage()) * 10.0).round() / 10.0,
            memory_bytes: process.memory(),
        };
        self.0.processes().values().map(process).collect()
    }
}

/// Reads processes for ever.
pub(crate) async fn watch_processes(top: Top) {
    let Ok(Some(mut reader)) = tokio::task::spawn_blocking(ProcessReader::new).await else { return };
    let mut ticks = tokio::time::interval_at(Instant::now() + FIRST, INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let read = tokio::task::spawn_blocking(move || {
            reader.refresh();
            let processes = reader.processes();
            (reader, processes)
        });
        let Ok((back, processes)) = read.await else { return };
        reader = back;
        top.note_processes(processes, whole_milliseconds(Timestamp::now()));
    }
}

/// Asks PostgreSQL, while it answers, for ever.
pub(crate) async fn watch_queries(top: Top, feed: Feed, store: Store) {
    store.opened().await;
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last: Option<Instant> = None;
    loop {
        ticks.tick().await;
        if !feed.health().is_up(PartName::Postgresql) {
            continue;
        }
        match tokio::time::timeout(TIMEOUT, store.top_queries()).await {
            Ok(Ok(queries)) => top.note_queries(queries, whole_milliseconds(Timestamp::now())),
            Ok(Err(error)) => tracing::debug!(%error, "what PostgreSQL is doing was not read"),
            Err(_) => tracing::debug!("what PostgreSQL is doing was not read in time"),
        }
        if last.is_some_and(|last| last.elapsed() < STATEMENTS) {
            continue;
        }
        last = Some(Instant::now());
        match tokio::time::timeout(TIMEOUT, store.top_statements()).await {
            Ok(Ok(statements)) => top.note_statements(statements, whole_milliseconds(Timestamp::now())),
            Ok(Err(error)) => tracing::debug!(%error, "what PostgreSQL did most was not read"),
            Err(_) => tracing::debug!("what PostgreSQL did most was not read in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_is_there_with_its_memory_and_not_with_its_threads() {
        let thread = std::thread::Builder::new().name("a-thread".to_owned()).spawn(std::thread::park).unwrap();
        let mut reader = ProcessReader::new().unwrap();
        assert!(reader.refresh() > 0);
        let processes = reader.processes();
        let this = processes.iter().find(|process| process.pid == std::process::id()).unwrap();
        assert!(this.memory_bytes > 1 << 20 && !this.name.is_empty(), "{this:?}");
        assert!(processes.iter().all(|process| process.name != "a-thread"));
        thread.thread().unpark();
        thread.join().unwrap();
    }
}
