//! Clocks: this host's, and how far those of the servers are from it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use jiff::SignedDuration;

use super::postgresql::query_failed;
use super::{Answer, Examination, Finding, advice, age, off_thread};

/// Time of a file's system may be a little ahead.
const GONE_BACK: Duration = Duration::from_secs(60);
/// Beyond this, samples of a minute are another minute's.
const FAR: SignedDuration = SignedDuration::from_secs(30);
/// NTP keeps clocks a hundred times nearer.
const NEAR: SignedDuration = SignedDuration::from_secs(2);

impl Examination {
    pub(super) async fn look_at_clock(&self) -> Answer {
        let directory = self.data_dir.clone();
        let Some((written, synchronized)) =
            off_thread(move || (directory.and_then(|directory| newest_file(&directory)), is_synchronized())).await
        else {
            return Answer::skipped("it could not be looked at");
        };
        let ahead = written.and_then(|(path, at)| Some((path, at.duration_since(SystemTime::now()).ok()?)));
        if let Some((path, ahead)) = ahead.filter(|(_, ahead)| *ahead > GONE_BACK) {
            let ahead = age(i64::try_from(ahead.as_secs()).unwrap_or(i64::MAX));
            let cause = format!("the clock has gone back: {} was written {ahead} later than now", path.display());
            let remedy = "set it right by the network (NTP), then start the collector again";
            return Finding::trouble("gone_back", cause, remedy).with(advice::set_clock()).into();
        }
        match synchronized {
            Some(true) => Answer::ok("it is kept right by the network (NTP)"),
            Some(false) => Finding::warning(
                "not_synchronized",
                "nothing keeps it right: it is not synchronized by the network (NTP)",
                "switch NTP on",
            )
            .with(advice::set_clock())
            .into(),
            None => Answer::ok("it has not gone back; whether the network keeps it right is not known here"),
        }
    }

    pub(super) async fn look_at_postgresql_clock(&self) -> Answer {
        let Some(store) = &self.store else { return Answer::skipped("it is not connected") };
        match store.clock_ahead().await {
            Ok((ahead, error)) => compared("PostgreSQL", ahead, error),
            Err(error) => query_failed(&error).into(),
        }
    }

    pub(super) async fn look_at_redis_clock(&self) -> Answer {
        let Some(redis) = &self.redis else { return Answer::skipped("it is not connected") };
        match redis.clock_ahead().await {
            Ok(Some((ahead, error))) => compared("Redis", ahead, error),
            Ok(None) => Answer::skipped(format!("the user {} may not ask for TIME", redis.user())),
            Err(error) => Finding::trouble("query_failed", format!("it answers: {error}"), "see its log").into(),
        }
    }
}

fn compared(server: &str, ahead: SignedDuration, error: Duration) -> Answer {
    let error = SignedDuration::try_from(error).unwrap_or_default();
    let off = ahead.abs() - error;
    let (way, milliseconds) = (if ahead.is_negative() { "behind" } else { "ahead of" }, ahead.abs().as_millis());
    if off <= NEAR {
        return Answer::ok(format!("{milliseconds} ms {way} this host's"));
    }
    let shown = if ahead.abs() < SignedDuration::from_secs(10) {
        format!("{milliseconds} ms")
    } else {
        age(ahead.abs().as_secs())
    };
    let cause = format!("the clock of {server} is {shown} {way} this host's: one of the two is wrong");
    let remedy = "keep both hosts' clocks right by the network (NTP); see which is wrong with: date -u";
    let finding = Finding::trouble("clock_differs", cause, remedy).with(advice::set_clock());
    if off > FAR {
        return finding.into();
    }
    Finding { severity: super::Outcome::Warning, ..finding }.into()
}

/// The file of the running, or the last, program that was written last.
fn newest_file(directory: &Path) -> Option<(PathBuf, SystemTime)> {
    let spool = std::fs::read_dir(directory.join("spool")).into_iter().flatten().flatten().map(|entry| entry.path());
    let own = ["lock", "connections", "database"].map(|name| directory.join(name));
    let written = |path: PathBuf| Some((path.clone(), path.metadata().ok()?.modified().ok()?));
    own.into_iter().chain(spool).filter_map(written).max_by_key(|(_, at)| *at)
}

/// Whether the kernel believes that its clock is kept right; `None` where nobody says.
fn is_synchronized() -> Option<bool> {
    if !advice::has_systemd() {
        return None;
    }
    let mut command = Command::new("timedatectl");
    command.args(["show", "--property=NTPSynchronized", "--value"]).stdin(Stdio::null()).stderr(Stdio::null());
    match String::from_utf8_lossy(&command.output().ok()?.stdout).trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Outcome;

    #[test]
    fn how_far_a_clock_may_be_off_depends_on_how_exactly_that_is_known() {
        for (ahead_ms, error_ms, severity) in [
            (1_500, 10, None),
            (-2_500, 10, Some(Outcome::Warning)),
            (2_500, 1_000, None),
            (-40_000, 10, Some(Outcome::Trouble)),
        ] {
            let answer = compared("X", SignedDuration::from_millis(ahead_ms), Duration::from_millis(error_ms));
            assert_eq!(answer.findings.first().map(|finding| finding.severity), severity, "{ahead_ms} {answer:?}");
        }
    }
}
