//! Every rule under every fault, compared with a run that nothing disturbs.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use prometheus_client::registry::Registry;

use super::*;
use crate::instruments::Instruments;
use crate::notify::{Message, SendError};
use crate::{PartName, Sample};

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
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let wall = Timestamp::from_second(1_764_000_000).unwrap();
        let settings = Settings { notify: toml::from_str(NOTIFY).unwrap(), ..Settings::default() };
        // Every rule tells the receiver, so that this is seen of each.
        let rules: String = Rules::default()
            .iter()
            .map(|rule| format!("[[rule]]\nalert = '{}'\naction = 'notify'\ninhibited_by = []\n", rule.name))
            .collect();
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
}

fn start(directory: &Path, settings: &Settings, feed: &Feed, elapsed: &Arc<AtomicI64>) -> Alerting {
    let instruments = Instruments::register(&mut Registry::default());
    let spool = directory.join("spool");
    let buffer = Buffer::open(&spool, 1 << 24, 1_000, instruments).unwrap();
    let (started, elapsed) = (elapsed.load(Ordering::Relaxed), Arc::clone(elapsed));
    let steady = Steady(Box::new(move || SignedDuration::from_secs(elapsed.load(Ordering::Relaxed) - started)));
    Alerting::open_by(steady, settings, directory, buffer, (feed.clone(), Top::default())).unwrap()
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
    let values = [0.0, 1.0, 50.0, 100.0, 5_000.0];
    let bad = values.into_iter().find(|value| rule.expression.holds(*value)).unwrap();
    let well = values.into_iter().find(|value| !rule.expression.holds(*value)).unwrap();
    let part = match rule.name.as_str() {
        "DatabaseConnectionLost" => Some(PartName::Postgresql),
        "RedisConnectionLost" => Some(PartName::Redis),
        _ => None,
    };
    let is = |wanted| fault == wanted || fault == Fault::All;
    for second in (0..WELL + BAD + AFTER).step_by(usize::try_from(STEP).unwrap()) {
        run.elapsed.store(second, Ordering::Relaxed);
        if is(Fault::Restarts) && second % 30 == 20 {
            run.restart();
        }
        // While it is bad, before and after; never between a start and the first reading.
        if is(Fault::ClockSet) && second % 90 == 40 {
            let hours = if second % 180 == 40 { 1 } else { -1 };
            run.wall = run.wall.checked_add(SignedDuration::from_hours(hours)).unwrap();
        }
        let is_bad = (WELL..WELL + BAD).contains(&second);
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
            if is(Fault::NotifierDown) && second < WELL + BAD / 2 + 100 {
                run.alerting.report_delivery_at(
                    "team",
                    &message.key,
                    Err(SendError::Unreachable("gone".to_owned())),
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
        assert_eq!(undisturbed.transitions, [(WELL + hold, "firing"), (WELL + BAD, "resolved")], "{}", rule.name);
        assert_eq!(undisturbed.ids.len(), 1);
        for fault in FAULTS {
            let disturbed = play(rule, fault);
            assert_eq!(disturbed.transitions, undisturbed.transitions, "{} {fault:?}", rule.name);
            assert_eq!(disturbed.told, undisturbed.told, "{} {fault:?}", rule.name);
            assert_eq!(disturbed.ids.len(), 1, "{} {fault:?}", rule.name);
        }
    }
}
