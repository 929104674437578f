//! Whether samples arrive in PostgreSQL, and where they do not, why: nobody takes them, PostgreSQL does
//! not take them, or somebody else's transaction is in the way.

use std::pin::pin;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::postgresql::query_failed;
use super::{Answer, CHECKS, Check, Checked, Examination, Finding, Outcome, advice, age};
use crate::config::CollectorMode;
use crate::store::Store;
use crate::store::condition::{Blocker, Refused};

/// Pairs of samples that are too near each other; a collector that is started again leaves one.
const CLOSE: i64 = 4;
/// How often is looked who holds up what is tried.
const LOOK: Duration = Duration::from_millis(200);

impl Examination {
    pub(super) async fn look_at_samples(&self, done: &[Checked]) -> Answer {
        let Some(store) = &self.store else { return Answer::skipped("it is not connected") };
        let newest = match watched(store, store.newest(&self.host)).await {
            (Ok(newest), _) => newest,
            (Err(error), Some(blocker)) if error.is_held_up() => return locked(&blocker, str::to_owned).into(),
            (Err(error), _) => return query_failed(&error).into(),
        };
        let mut findings = Vec::new();
        match store.future().await {
            Ok(Some(future)) => {
                let ahead = age(future.at.duration_since(Timestamp::now()).as_secs());
                let cause = format!(
                    "the newest sample of {} is of {}, {ahead} from now: the clock there was wrong",
                    future.host, future.at
                );
                let remedy = "set the clock of that host right; then delete what was taken in the future";
                let line = "DELETE FROM system_metrics WHERE timestamp > now() + INTERVAL '1 minute';";
                findings.push(Finding::trouble("future", cause, remedy).with([line]));
            }
            Ok(None) => {}
            Err(error) => findings.push(query_failed(&error)),
        }
        let (now, schedule) = (Timestamp::now(), &self.settings.schedule);
        let snapshots = schedule.collect + schedule.save + schedule.save_limit;
        let mut seen = Vec::new();
        let mut late = Vec::new();
        for row in &newest {
            let (name, is_wanted, longest) = match row.kind {
                "system_metrics" => {
                    ("samples", true, self.settings.sampling.system + schedule.save + schedule.save_limit)
                }
                "application" => ("application", self.settings.application.enabled && row.at.is_some(), snapshots),
                "business" => ("business", self.settings.business.enabled && row.at.is_some(), snapshots),
                _ => ("system", true, snapshots),
            };
            let seconds = row.at.map(|at| now.duration_since(at).as_secs());
            let shown = seconds.map_or_else(|| "none".to_owned(), |seconds| format!("{} old", age(seconds.max(0))));
            if is_wanted || row.at.is_some() {
                seen.push(format!("{name} {shown}"));
            }
            let longest = i64::try_from(longest.as_secs()).unwrap_or(i64::MAX);
            if is_wanted && seconds.is_none_or(|seconds| seconds > longest) {
                late.push(format!("{name}: {shown}"));
            }
        }
        let seen = format!("newest of {}: {}", self.host, seen.join(", "));
        if !late.is_empty() && !self.has_just_started(snapshots) {
            findings.push(self.nothing_saved(store, &late.join(", "), done).await);
        }
        Answer::found(seen, findings)
    }

    /// Whether the program has not yet run for so long that anything had to be saved.
    fn has_just_started(&self, longest: Duration) -> bool {
        let lock = self.data_dir.as_deref().map(|directory| directory.join("lock"));
        let started = lock.and_then(|lock| lock.metadata().ok()?.modified().ok());
        let schedule = &self.settings.schedule;
        let first = (schedule.first_save + schedule.save_limit).min(longest);
        let runs = started.and_then(|started| SystemTime::now().duration_since(started).ok());
        self.owner.is_some() && runs.is_some_and(|runs| runs < first)
    }

    /// Why nothing is saved.
    async fn nothing_saved(&self, store: &Store, late: &str, done: &[Checked]) -> Finding {
        let result = |wanted: Check| {
            let place = CHECKS.iter().position(|(check, ..)| *check == wanted)?;
            done.get(place)
        };
        let waiting = result(Check::Spool).map(|checked| checked.seen.clone()).unwrap_or_default();
        let cause = |why: &str| {
            let waiting = if waiting.is_empty() { String::new() } else { format!("; on disk {waiting}") };
            format!("too long nothing was saved of {} ({late}), for {why}{waiting}", self.host)
        };
        if self.owner.is_none() {
            let is_elsewhere = self.settings.server.collector == CollectorMode::Separate;
            let remedy = if is_elsewhere { "start it here, or on the host of that name" } else { "start it" };
            return Finding::trouble("not_running", cause("no collector runs here"), remedy)
                .with([self.start_command()]);
        }
        if let Some(stopped) = result(Check::Collector).and_then(|checked| checked.findings.first())
            && stopped.severity == Outcome::Trouble
        {
            let cause = cause("the collector is in trouble itself");
            return Finding::trouble("collector_stopped", cause, stopped.remedy.clone()).with(stopped.commands.clone());
        }
        if let Some(blocker) = blocker(store).await {
            return locked(&blocker, cause);
        }
        match watched(store, store.try_save(&self.host)).await {
            (Err(refused), Some(blocker)) if refused.is_held_up() => locked(&blocker, cause),
            (Err(refused), _) => self.save_refused(
                &refused,
                cause(&format!("PostgreSQL refuses it: {}", refused.message)),
                result(Check::Grants),
            ),
            (Ok(()), _) => {
                let remedy = "see the log of the program for what it says of saving, and ask for a save";
                let commands = [advice::collector(self, "save"), advice::collector(self, "check")];
                let why = "a reason that the collector's log has: PostgreSQL would take it from here";
                Finding::trouble("not_saved", cause(why), remedy).with(commands)
            }
        }
    }

    fn save_refused(&self, refused: &Refused, cause: String, grants: Option<&Checked>) -> Finding {
        let finding = |fault, remedy: &str| Finding::trouble(fault, cause.clone(), remedy);
        match &*refused.code {
            "42501" => {
                let lines = grants.and_then(|checked| checked.findings.first()).map(|finding| finding.commands.clone());
                finding(
                    "missing_grant",
                    "give the role its rights, as an administrator of the database; what waits is \
                                          saved by itself then",
                )
                .with(lines.unwrap_or_default())
            }
            "53100" => finding("disk_full", "make room on the disk of PostgreSQL; then delete old samples")
                .with([advice::collector(self, "cleanup")]),
            "25006" => finding("read_only", "let the server take writes again (postgresql_writes)"),
            "42P01" | "42883" | "3F000" | "42703" => {
                finding("missing", "bring the tables up to date").with([advice::collector(self, "migrate")])
            }
            _ if refused.is_held_up() => {
                let who = "SELECT pid, usename, state, xact_start, query FROM pg_stat_activity WHERE state <> 'idle' ORDER BY xact_start;";
                finding("locked", "see whose transaction holds it up, and end that").with([who])
            }
            _ => finding(
                "refused",
                "see the log of the server; what somebody has added to the tables, such as a trigger \
                                     or a constraint, may be the reason",
            )
            .with(["\\d+ system_metrics"]),
        }
    }

    pub(super) async fn look_at_hosts(&self) -> Answer {
        let Some(store) = &self.store else { return Answer::skipped("it is not connected") };
        match store.close_samples(&self.host, self.settings.sampling.system).await {
            Ok(close) if close < CLOSE => Answer::ok(self.host.clone()),
            Ok(_) => {
                let cause = format!(
                    "samples of {} come more often than every {:?}: two collectors call their host so",
                    self.host, self.settings.sampling.system
                );
                let remedy = "stop one of them where both are on this host; else give each host its own name";
                Finding::warning("same_host", cause, remedy)
                    .with(["ps -ef | grep '[r]ecipe-monitoring-'", "RECIPE_MONITORING_SYSTEM__HOST=…"])
                    .into()
            }
            Err(error) => query_failed(&error).into(),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "whole seconds of a transaction's age")]
fn whole(seconds: f64) -> i64 {
    seconds as i64
}

/// Whose transaction holds up a connection of ours now.
async fn blocker(store: &Store) -> Option<Blocker> {
    store.blockers().await.ok()?.into_iter().next()
}

/// What came of `work`, and who held it up meanwhile: afterwards nobody waits any more, and that cannot be seen.
async fn watched<T>(store: &Store, work: impl Future<Output = T>) -> (T, Option<Blocker>) {
    let (mut work, mut seen) = (pin!(work), None);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return (done, seen),
            () = tokio::time::sleep(LOOK) => seen = blocker(store).await.or(seen),
        }
    }
}

fn locked(blocker: &Blocker, cause: impl Fn(&str) -> String) -> Finding {
    let more = match (&blocker.state, blocker.seconds) {
        (Some(state), Some(seconds)) => format!(", {state}, begun {} ago", age(whole(seconds))),
        _ => String::new(),
    };
    let why = format!("a transaction of {} (process {}{more}) holds it up", blocker.user, blocker.pid);
    let line = format!("SELECT pg_terminate_backend({});", blocker.pid);
    Finding::trouble("locked", cause(&why), "have it ended, or end it, as the same role or an administrator")
        .with([line])
}
