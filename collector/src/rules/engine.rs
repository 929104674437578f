//! All rules over all series, moment by moment: every value of the moment is held against every
//! rule of its metric, and each series under a rule has a [`State`] of its own. Live samples and
//! those of the history go through here alike.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::{Rule, Rules};
use crate::Labels;
use crate::alert::{Condition, State, Transition, shifted, step};

/// A series with its value at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    /// Name of the metric.
    pub metric: &'a str,
    /// Its labels.
    pub labels: &'a Labels,
    /// What it is.
    pub value: f64,
}

/// An alert is of a rule and a series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertKey {
    /// Name of the rule.
    pub rule: String,
    /// Labels of the series; of a rule that fires where there is none, none.
    pub labels: Labels,
}

/// An alert that is not inactive.
#[derive(Clone, Debug, PartialEq)]
pub struct Active {
    /// Since when, and whether it fires.
    pub state: State,
    /// The newest value; `None` where it is missing.
    pub value: Option<f64>,
    /// When there was a value, or it was known that there is none.
    pub seen: Timestamp,
}

/// What happened to an alert at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Which alert.
    pub key: AlertKey,
    /// What.
    pub transition: Transition,
    /// Its state: of one that is inactive now, the last.
    pub state: State,
    /// The value that made it so.
    pub value: Option<f64>,
}

/// A series of which nothing was heard for so long is missing, as in Prometheus.
const STALE: SignedDuration = SignedDuration::from_mins(5);

/// The rules and what is not inactive.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    rules: Rules,
    active: BTreeMap<AlertKey, Active>,
    /// When each metric had a value.
    heard: HashMap<String, Timestamp>,
    /// The newest value of each series of a metric that a rule is about.
    newest: HashMap<String, BTreeMap<Labels, (f64, Timestamp)>>,
    /// The first moment.
    began: Option<Timestamp>,
}

impl Engine {
    /// Goes on with what was active.
    #[must_use]
    pub fn new(rules: Rules, active: BTreeMap<AlertKey, Active>) -> Self {
        Self { rules, active, ..Self::default() }
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// All alerts that are not inactive.
    #[must_use]
    pub fn active(&self) -> &BTreeMap<AlertKey, Active> {
        &self.active
    }

    /// The newest value of each series of a metric that a rule is about, where it is not stale.
    pub fn newest(&self, metric: &str) -> impl Iterator<Item = (&Labels, f64)> {
        self.newest.get(metric).into_iter().flatten().map(|(labels, (value, _))| (labels, *value))
    }

    fn remember(&mut self, by_metric: &HashMap<&str, Vec<Value<'_>>>, now: Timestamp) {
        for (metric, series) in &mut self.newest {
            for value in by_metric.get(metric.as_str()).into_iter().flatten() {
                match series.get_mut(value.labels) {
                    Some(newest) => *newest = (value.value, now),
                    None => drop(series.insert(value.labels.clone(), (value.value, now))),
                }
            }
            series.retain(|_, (_, at)| now.duration_since(*at) <= STALE);
        }
    }

    /// Other rules from now on. An alert goes on under the rule of its name; that of a rule which
    /// is gone, or no longer means its series, is over.
    pub fn set_rules(&mut self, rules: Rules) -> Vec<Change> {
        self.rules = rules;
        let metrics = self.rules.iter().map(|rule| rule.expression.metric().to_owned());
        self.newest = metrics.map(|metric| (metric.clone(), self.newest.remove(&metric).unwrap_or_default())).collect();
        let mut changes = Vec::new();
        let Self { rules, active, .. } = self;
        active.retain(|key, alert| {
            let is_kept =
                rules.get(&key.rule).is_some_and(|rule| key.labels.is_empty() || rule.expression.selects(&key.labels));
            if !is_kept {
                let transition =
                    if alert.state.fired_at.is_some() { Transition::Resolved } else { Transition::Dropped };
                changes.push(Change { key: key.clone(), transition, state: alert.state, value: alert.value });
            }
            is_kept
        });
        changes
    }

    /// The clock was set by `by`: what has passed stays what it was.
    pub fn shift(&mut self, by: SignedDuration) {
        for alert in self.active.values_mut() {
            (alert.state, alert.seen) = (alert.state.shifted(by), shifted(alert.seen, by));
        }
        self.heard.values_mut().chain(&mut self.began).for_each(|at| *at = shifted(*at, by));
    }

    /// Holds the values of the moment `now` against the rules. `speaks_of` says of a metric and
    /// labels whether the moment would have that series if it were there: if so, it is missing,
    /// and so is one of which nothing was heard for five minutes. Answers what happened, rule by rule.
    pub fn evaluate<'a>(
        &mut self,
        values: impl IntoIterator<Item = Value<'a>>,
        speaks_of: impl Fn(&str, &Labels) -> bool,
        now: Timestamp,
    ) -> Vec<Change> {
        let began = *self.began.get_or_insert(now);
        let mut by_metric: HashMap<&str, Vec<Value<'_>>> = HashMap::new();
        for value in values {
            by_metric.entry(value.metric).or_default().push(value);
        }
        for metric in by_metric.keys() {
            match self.heard.get_mut(*metric) {
                Some(heard) => *heard = now,
                None => drop(self.heard.insert((*metric).to_owned(), now)),
            }
        }
        self.remember(&by_metric, now);
        let is_stale = |seen: Timestamp| now.duration_since(seen) > STALE;
        let mut changes = Vec::new();
        for rule in self.rules.iter() {
            let metric = rule.expression.metric();
            let values = by_metric.get(metric).map_or(&[][..], Vec::as_slice);
            let mut current: BTreeMap<AlertKey, Option<f64>> = BTreeMap::new();
            for value in values.iter().filter(|value| rule.expression.selects(value.labels)) {
                current.insert(AlertKey { rule: rule.name.clone(), labels: value.labels.clone() }, Some(value.value));
            }
            let nothing = AlertKey { rule: rule.name.clone(), labels: Labels::new() };
            let has_series = !current.is_empty();
            for (key, alert) in self.active.range(nothing.clone()..).take_while(|(key, _)| key.rule == rule.name) {
                let is_over = has_series && *key == nothing;
                if is_over || speaks_of(metric, &key.labels) || is_stale(alert.seen) {
                    current.entry(key.clone()).or_insert(None);
                }
            }
            let is_silent = || is_stale(self.heard.get(metric).copied().unwrap_or(began));
            if current.is_empty() && (speaks_of(metric, &nothing.labels) || is_silent()) {
                // One that fires for want of a series has nothing else to be of.
                current.insert(nothing.clone(), None);
            }
            for (key, value) in current {
                let is_over = has_series && value.is_none() && key == nothing;
                changes.extend(change(rule, &mut self.active, key, value, is_over, now));
            }
        }
        changes
    }
}

fn change(
    rule: &Rule,
    active: &mut BTreeMap<AlertKey, Active>,
    key: AlertKey,
    value: Option<f64>,
    is_over: bool,
    now: Timestamp,
) -> Option<Change> {
    let before = active.get(&key).map(|alert| alert.state);
    let condition = match is_over {
        true => Condition::Ended,
        false => rule.condition(value, before.map(|state| state.phase)),
    };
    let (after, transition) = step(rule.timing, before, condition, now);
    match after {
        Some(state) => drop(active.insert(key.clone(), Active { state, value, seen: now })),
        None if before.is_some() => drop(active.remove(&key)),
        None => {}
    }
    Some(Change { key, transition: transition?, state: after.or(before)?, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn labels(mount: &str) -> Labels {
        Labels::from([("mount".to_owned(), mount.to_owned())])
    }

    fn rules(text: &str) -> Rules {
        Rules::read(text).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Rule, mount and transition of what happens when the disks are so full.
    fn disks(engine: &mut Engine, second: i64, disks: &[(&str, f64)]) -> Vec<(String, String, Transition)> {
        let all: Vec<(Labels, f64)> = disks.iter().map(|(mount, value)| (labels(mount), *value)).collect();
        let values = all.iter().map(|(labels, value)| Value { metric: "disk_usage", labels, value: *value });
        let changes = engine.evaluate(values, |metric, _| metric == "disk_usage", at(second));
        let shown = |change: Change| {
            let mount = change.key.labels.get("mount").cloned().unwrap_or_default();
            (change.key.rule, mount, change.transition)
        };
        changes.into_iter().map(shown).collect()
    }

    fn change(rule: &str, mount: &str, transition: Transition) -> (String, String, Transition) {
        (rule.to_owned(), mount.to_owned(), transition)
    }

    #[test]
    fn every_series_under_every_rule_has_a_state_of_its_own() {
        let mut engine = Engine::default();
        assert_eq!(
            disks(&mut engine, 0, &[("/", 50.0), ("/var", 91.0)]),
            [change("HighDisk", "/var", Transition::Firing)]
        );
        assert_eq!(
            disks(&mut engine, 10, &[("/", 96.0), ("/var", 91.0)]),
            [change("HighDisk", "/", Transition::Firing), change("CriticalDisk", "/", Transition::Firing)]
        );
        assert_eq!(engine.active().len(), 3);
        // A series that is gone is no longer full, as in Prometheus.
        assert_eq!(
            disks(&mut engine, 20, &[("/", 92.0)]),
            [change("HighDisk", "/var", Transition::Resolved), change("CriticalDisk", "/", Transition::Resolved)]
        );
    }

    #[test]
    fn a_rule_may_fire_because_there_is_nothing() {
        let mut engine = Engine::default();
        engine.set_rules(rules("[[rule]]\nalert = 'NoDisks'\nexpr = 'disk_usage > 100'\nmissing = 'fire'"));
        assert_eq!(disks(&mut engine, 0, &[]), [change("NoDisks", "", Transition::Firing)]);
        assert_eq!(disks(&mut engine, 10, &[]), []);
        assert_eq!(disks(&mut engine, 20, &[("/", 1.0)]), [change("NoDisks", "", Transition::Resolved)]);
    }

    #[test]
    fn other_rules_go_on_with_what_is_active_and_end_what_they_do_not_mean() {
        let mut engine = Engine::default();
        disks(&mut engine, 0, &[("/", 96.0), ("/var", 91.0)]);
        let changes = engine.set_rules(rules(
            "[[rule]]\nalert = 'HighDisk'\nexpr = 'disk_usage{mount=\"/\"} > 80'\n\
             [[rule]]\nalert = 'CriticalDisk'\nenabled = false",
        ));
        let ended: Vec<_> = changes.iter().map(|change| (change.key.rule.as_str(), change.transition)).collect();
        assert_eq!(ended, [("CriticalDisk", Transition::Resolved), ("HighDisk", Transition::Resolved)]);
        assert_eq!(disks(&mut engine, 10, &[("/", 85.0), ("/var", 91.0)]), []);
        assert_eq!(engine.active().values().next().unwrap().state.fired_at, Some(at(0)));
    }
    #[test]
    fn a_moment_that_does_not_speak_of_a_series_says_nothing_of_it_until_it_is_stale() {
        let mut engine = Engine::default();
        disks(&mut engine, 0, &[("/", 91.0)]);
        let mut other = |second| engine.evaluate([], |metric, _| metric == "cpu_usage", at(second));
        assert_eq!((other(60), other(300)), (Vec::new(), Vec::new()));
        assert_eq!(other(301)[0].transition, Transition::Resolved);
    }
}
