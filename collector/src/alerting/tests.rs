//! Every rule under every fault, compared with a run that nothing disturbs.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use prometheus_client::registry::Registry;

use super::*;
use crate::alert::{Act, QuietBy};
use crate::instruments::Instruments;
use crate::notify::{About, Message, SendError};
use crate::{PartName, Sample, Sentence};

/// What goes wrong meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Nothing,
    Restarts,
    PostgresqlDown,
    RedisDown,
    BothDown,
    NotifierDown,
    ClockSet,
    All,
}

const FAULTS: [Fault; 7] = [
    Fault::Restarts,
    Fault::PostgresqlDown,
    Fault::RedisDown,
    Fault::BothDown,
    Fault::NotifierDown,
    Fault::ClockSet,
    Fault::All,
];

/// Seconds between two readings, and what a run has of each: all is well, it is bad for longer than
/// the longest `for`, and well again.
const STEP: i64 = 10;
const WELL: i64 = 120;
/// At least.
const BAD: i64 = 600;
const AFTER: i64 = 400;

/// A collector that can be killed, with its clocks.
struct Run {
    directory: tempfile::TempDir,
    settings: Settings,
    feed: Feed,
    alerting: Alerting,
    /// Since the first start of all.
    elapsed: Arc<AtomicI64>,
    /// What the wall's clock shows when that is 0.
    wall: Timestamp,
}

const NOTIFY: &str = "fire_drill = '0s'\nflap_count = 1000\n[receivers.team]\nkind = 'slack'\nurl = 'https://a'";

impl Run {
    /// Every rule tells the receiver, so that this is seen of each.
    fn new() -> Self {
        let rule = |rule: &Rule| format!("[[rule]]\nalert = '{}'\naction = 'notify'\ninhibited_by = []\n", rule.name);
        Self::with(NOTIFY, &Rules::default().iter().map(rule).collect::<String>())
    }

    fn with(notify: &str, rules: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let wall = Timestamp::from_second(1_764_000_000).unwrap();
        let settings = Settings { notify: toml::from_str(notify).unwrap(), ..Settings::default() };
        let path = directory.path().join("rules.toml");
        std::fs::write(&path, rules).unwrap();
        let settings = Settings { alerts: crate::config::Alerts { rules: path }, ..settings };
        let feed = Feed::new(Duration::from_secs(2), wall);
        let elapsed = Arc::new(AtomicI64::new(0));
        let alerting = start(directory.path(), &settings, &feed, &elapsed);
        Self { directory, settings, feed, alerting, elapsed, wall }
    }

    /// As after a kill: nothing was said or closed before.
    fn restart(&mut self) {
        self.alerting = start(self.directory.path(), &self.settings, &self.feed, &self.elapsed);
    }

    fn now(&self) -> Timestamp {
        self.wall.checked_add(SignedDuration::from_secs(self.elapsed.load(Ordering::Relaxed))).unwrap()
    }

    fn message(&self) -> Option<Message> {
        self.alerting.lock().dispatch.next("team", self.now())
    }

    /// A reading of the processors so many seconds later; what the receiver is told then, by the rules
    /// of it: `+` fires, `-` is over, `!` a silence ends soon.
    fn reads(&mut self, seconds: i64, cpu: f64) -> Vec<String> {
        self.elapsed.fetch_add(seconds, Ordering::Relaxed);
        let now = self.now();
        let point = Point { metric_name: "cpu_usage".into(), value: cpu, labels: Labels::new() };
        self.alerting.observe("web", [&point], true, now);
        self.alerting.see_time(now);
        let mut told = Vec::new();
        while let Some(message) = self.message() {
            let sign = |alert: &Alert| match (&message.about, alert.resolved_at) {
                (About::SilenceEnds { .. }, _) => '!',
                (_, Some(_)) => '-',
                (_, None) => '+',
            };
            told.extend(message.alerts.iter().map(|alert| format!("{}{}", sign(alert), alert.rule_name)));
            self.alerting.report_delivery_at("team", &message.key, Ok(()), now);
        }
        told
    }

    /// What keeps each alert that fires quiet.
    fn quiet(&self) -> Vec<(String, Option<QuietBy>)> {
        let state = self.alerting.lock();
        let alerts = state.told.values().filter_map(|(_, alert)| alert.as_ref());
        alerts.map(|alert| (alert.rule_name.clone(), alert.quiet.as_ref().map(|quiet| quiet.why))).collect()
    }

    fn silence(&self, minutes: Option<i64>) -> Result<String, ActError> {
        let ends_at = minutes.map(|minutes| self.now().checked_add(SignedDuration::from_mins(minutes)).unwrap());
        let [matchers, author, reason] = ["HighCPU{host=\"web\"}", "Mika", "known"].map(str::to_owned);
        let act = Act::Silence { matchers, author, reason, ends_at };
        self.alerting.act(act, self.now()).map(|(id, _)| id)
    }
}

fn start(directory: &Path, settings: &Settings, feed: &Feed, elapsed: &Arc<AtomicI64>) -> Alerting {
    let instruments = Instruments::register(&mut Registry::default());
    let spool = directory.join("spool");
    let buffer = Buffer::open(&spool, 1 << 24, 1_000, instruments).unwrap();
    let (started, elapsed) = (elapsed.load(Ordering::Relaxed), Arc::clone(elapsed));
    let steady = Steady(Box::new(move || SignedDuration::from_secs(elapsed.load(Ordering::Relaxed) - started)));
    Alerting::open_by(steady, settings, directory, buffer, (feed.clone(), Top::default())).unwrap()
}

/// How long it is bad: so long that the rule fires.
fn bad_for(rule: &Rule) -> i64 {
    BAD.max(rule.timing.hold.as_secs() + BAD / 2)
}

/// What was seen of a rule: transitions by the second of the run, and what the receiver was told.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    transitions: Vec<(i64, &'static str)>,
    told: BTreeSet<&'static str>,
    ids: BTreeSet<String>,
}

fn play(rule: &Rule, fault: Fault) -> Seen {
    let mut run = Run::new();
    let mut seen = Seen::default();
    let values = [0.0, 1.0, 50.0, 100.0, 5_000.0, 1e6];
    let bad = values.into_iter().find(|value| rule.expression.holds(*value)).unwrap();
    let well = values.into_iter().find(|value| !rule.expression.holds(*value)).unwrap();
    let part = match rule.name.as_str() {
        "DatabaseConnectionLost" => Some(PartName::Postgresql),
        "RedisConnectionLost" => Some(PartName::Redis),
        _ => None,
    };
    let is = |wanted| fault == wanted || fault == Fault::All;
    for second in (0..WELL + bad_for(rule) + AFTER).step_by(usize::try_from(STEP).unwrap()) {
        run.elapsed.store(second, Ordering::Relaxed);
        if is(Fault::Restarts) && second % 30 == 20 {
            run.restart();
        }
        // While it is bad, before and after; never between a start and the first reading.
        if is(Fault::ClockSet) && second % 90 == 40 {
            let hours = if second % 180 == 40 { 1 } else { -1 };
            run.wall = run.wall.checked_add(SignedDuration::from_hours(hours)).unwrap();
        }
        let is_bad = (WELL..WELL + bad_for(rule)).contains(&second);
        let state = |is_down| if is_down { PartState::Down } else { PartState::Up };
        let now = run.now();
        for (name, faults) in [
            (PartName::Postgresql, [Fault::PostgresqlDown, Fault::BothDown]),
            (PartName::Redis, [Fault::RedisDown, Fault::BothDown]),
        ] {
            // Its own rule is about just that.
            let is_down = if part == Some(name) { is_bad } else { faults.into_iter().any(is) && second % 200 > 60 };
            run.feed.report(name, state(is_down), now);
        }
        let value = if is_bad { bad } else { well };
        let metric = rule.expression.metric().to_owned().into();
        let point = Point { metric_name: metric, labels: Labels::new(), value };
        let points = if part.is_some() { Vec::new() } else { vec![point] };
        let sample = Sample { at: now, host: "web".to_owned(), points };
        for event in run.alerting.observe(&sample.host, &sample.points, true, now) {
            let (transition, alert) = match event {
                Payload::AlertNew(alert) => ("firing", alert),
                Payload::AlertResolved(alert) => ("resolved", alert),
                _ => continue,
            };
            if alert.rule_name == rule.name {
                seen.transitions.push((second, transition));
                seen.ids.insert(alert.id.clone());
                let lasted = now.duration_since(alert.active_at).as_secs();
                assert_eq!(lasted, second - WELL, "{} {fault:?}: its times follow the clock", rule.name);
            }
        }
        // What time brings besides readings, with a receiver that takes nothing in the first half.
        run.alerting.lock().dispatch.flush(now, TimeZone::UTC.to_datetime(now));
        while let Some(message) = run.message() {
            if is(Fault::NotifierDown) && second < WELL + bad_for(rule) / 2 + 100 {
                run.alerting.report_delivery_at(
                    "team",
                    &message.key,
                    Err(SendError::Unreachable(Sentence::quote("gone"))),
                    now,
                );
                continue;
            }
            let of_rule = message.alerts.iter().filter(|alert| alert.rule_name == rule.name);
            seen.told.extend(of_rule.map(|alert| if alert.resolved_at.is_some() { "resolved" } else { "firing" }));
            run.alerting.report_delivery_at("team", &message.key, Ok(()), now);
        }
    }
    seen
}

#[test]
fn no_fault_changes_when_a_rule_fires_and_is_over_and_its_receiver_hears_of_both() {
    for rule in Rules::default().iter() {
        let undisturbed = play(rule, Fault::Nothing);
        let hold = rule.timing.hold.as_secs();
        let expected = [(WELL + hold, "firing"), (WELL + bad_for(rule), "resolved")];
        assert_eq!(undisturbed.transitions, expected, "{}", rule.name);
        assert_eq!(undisturbed.ids.len(), 1);
        for fault in FAULTS {
            let disturbed = play(rule, fault);
            assert_eq!(disturbed.transitions, undisturbed.transitions, "{} {fault:?}", rule.name);
            assert_eq!(disturbed.told, undisturbed.told, "{} {fault:?}", rule.name);
            assert_eq!(disturbed.ids.len(), 1, "{} {fault:?}", rule.name);
        }
    }
}

const NOTHING: [&str; 0] = [];
/// Nothing but the processors, without waiting.
const CPU: &str =
    "[[rule]]\nalert = 'HighCPU'\naction = 'notify'\nfor = '0s'\n[[rule]]\nalert = 'CriticalCPU'\nfor = '0s'\n";

#[test]
fn a_worse_alert_keeps_the_lesser_one_quiet_also_over_a_restart_and_it_is_told_when_that_is_over() {
    let mut run = Run::with(NOTIFY, CPU);
    let [high, critical] = ["HighCPU", "CriticalCPU"].map(str::to_owned);
    assert_eq!(run.reads(10, 99.0), ["+CriticalCPU"]);
    let quiet = [(critical, None), (high.clone(), Some(QuietBy::Inhibited))];
    assert_eq!(run.quiet(), quiet);
    run.restart();
    assert_eq!(run.reads(600, 99.0), NOTHING);
    assert_eq!(run.quiet(), quiet);
    // It fires still, but no longer so badly.
    assert_eq!(run.reads(600, 90.0), ["+HighCPU", "-CriticalCPU"].map(str::to_owned));
    assert_eq!(run.quiet(), [(high, None)]);
    assert_eq!(run.reads(600, 10.0), ["-HighCPU"]);
}

#[test]
fn a_silence_holds_for_its_time_over_a_restart_with_a_warning_before_its_end() {
    let mut run = Run::with(NOTIFY, CPU);
    assert!(matches!(run.silence(Some(-1)), Err(ActError::Invalid { field: "ends_at", .. })));
    assert!(matches!(run.silence(None), Err(ActError::Invalid { field: "ends_at", .. })), "nothing fires");
    run.silence(Some(60)).unwrap();
    assert_eq!(run.reads(10, 90.0), NOTHING);
    assert_eq!(run.quiet(), [("HighCPU".to_owned(), Some(QuietBy::Silenced))]);
    run.restart();
    assert_eq!(run.reads(49 * 60, 90.0), NOTHING);
    assert_eq!(run.reads(60, 90.0), ["!HighCPU"]);
    run.restart();
    assert_eq!(run.reads(60, 90.0), NOTHING, "said once");
    assert_eq!(run.reads(9 * 60, 90.0), ["+HighCPU"]);
    assert!(run.alerting.desk().silences.is_empty());
}

#[test]
fn a_silence_until_it_is_resolved_ends_with_the_alert() {
    let mut run = Run::with(NOTIFY, CPU);
    assert_eq!(run.reads(10, 90.0), ["+HighCPU"]);
    let silence = run.silence(None).unwrap();
    assert_eq!(run.reads(86_400, 90.0), NOTHING, "no repeats");
    assert_eq!(run.reads(10, 10.0), ["-HighCPU"], "who was told that it fires");
    assert!(run.alerting.desk().silences.is_empty());
    let ended = run.alerting.act(Act::EndSilence { silence }, run.now());
    assert!(matches!(ended, Err(ActError::Unknown { field: "silence", .. })));
    assert_eq!(run.reads(600, 90.0), ["+HighCPU"]);
}

#[test]
fn an_alert_that_comes_and_goes_is_one_message_until_it_has_calmed_down() {
    let settings =
        "fire_drill = '0s'\ngroup_interval = '0s'\nflap_count = 3\n[receivers.team]\nkind = 'slack'\nurl = 'https://a'";
    let mut run = Run::with(settings, CPU);
    let mut told = Vec::new();
    for _ in 0..8 {
        told.extend(run.reads(60, 90.0));
        told.extend(run.reads(60, 10.0));
    }
    assert_eq!(told, ["+HighCPU", "-HighCPU", "+HighCPU", "-HighCPU", "+HighCPU"]);
    run.restart();
    assert_eq!(run.reads(20 * 60, 10.0), NOTHING);
    assert_eq!(run.reads(10 * 60, 10.0), ["-HighCPU"], "it has calmed down");
}
