//! What keeps alerts quiet: silences, worse alerts, and that they come and go.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Alerting, State};
use crate::Sentence;
use crate::alert::{Alert, Quiet, QuietBy, Silence};
use crate::matchers::{Matchers, metric_name};
use crate::notify::facts;
use crate::rules::{AlertKey, FIRE_DRILL, Rules};

/// How long before its end a silence is said to end.
const WARNING: SignedDuration = SignedDuration::from_mins(10);

/// The silences, with what they mean.
#[derive(Debug, Default)]
pub(super) struct Hush(Vec<(Silence, Selector)>);

/// Which alerts a silence is about.
#[derive(Debug)]
pub(super) struct Selector {
    rule: Option<String>,
    matchers: Matchers,
}

impl Selector {
    /// The name of a rule, labels in braces, or both.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and how it would be right.
    pub(super) fn parse(text: &str) -> Result<Self, Sentence> {
        let (rule, rest) = metric_name(text).map_or((None, text), |(name, rest)| (Some(name.to_owned()), rest));
        let (matchers, rest) = Matchers::parse(rest).map_err(|error| Sentence::of(&error))?;
        if !rest.is_empty() || (rule.is_none() && matchers.is_empty()) {
            return Err(Sentence::new(
                "name a rule, labels or both, as in HighDisk{mount=\"/\"}",
                "ルール名・ラベル、または両方を HighDisk{mount=\"/\"} のように指定してください",
            ));
        }
        Ok(Self { rule, matchers })
    }

    pub(super) fn selects(&self, alert: &Alert) -> bool {
        let is_rule = self.rule.as_ref().is_none_or(|rule| *rule == alert.rule_name);
        is_rule && (self.matchers.is_empty() || self.matchers.select(&facts(alert)))
    }
}

impl Hush {
    /// Those that can be read; they could when they were made.
    pub(super) fn new(silences: Vec<Silence>) -> Self {
        let read = |silence: Silence| Some((Selector::parse(&silence.matchers).ok()?, silence));
        Self(silences.into_iter().filter_map(read).map(|(selector, silence)| (silence, selector)).collect())
    }

    pub(super) fn silences(&self) -> Vec<Silence> {
        self.0.iter().map(|(silence, _)| silence.clone()).collect()
    }

    pub(super) fn add(&mut self, silence: Silence, selector: Selector) {
        self.0.push((silence, selector));
    }

    /// Ends a silence; `None` where there is none of this id.
    pub(super) fn remove(&mut self, id: &str) -> Option<Silence> {
        let place = self.0.iter().position(|(silence, _)| silence.id == id)?;
        Some(self.0.remove(place).0)
    }

    /// The silence that holds longest of those about an alert.
    fn of(&self, alert: &Alert) -> Option<&Silence> {
        let silences = self.0.iter().filter(|(_, selector)| selector.selects(alert)).map(|(silence, _)| silence);
        silences.max_by_key(|silence| (silence.ends_at.is_none(), silence.ends_at))
    }
}

/// Alerts that fire, by their rules.
type ByRule<'a> = BTreeMap<&'a str, Vec<&'a Alert>>;

/// The rule whose alert inhibits this one: one that is worse, fires, and has no label with another value.
fn inhibitor(alert: &Alert, rules: &Rules, firing: &ByRule<'_>) -> Option<String> {
    let value = |alert: &Alert, label: &str| {
        alert.labels.iter().find(|(name, _)| name == label).map(|(_, value)| value.clone())
    };
    let agrees =
        |worse: &&&Alert| alert.labels.iter().all(|(name, own)| value(worse, name).is_none_or(|other| other == *own));
    let worse = rules.get(&alert.rule_name)?.inhibited_by.iter();
    worse.filter_map(|name| firing.get(name.as_str())).flatten().find(agrees).map(|worse| worse.rule_name.clone())
}

/// The alerts that fire.
fn firing(told: &BTreeMap<AlertKey, (String, Option<Alert>)>) -> impl Iterator<Item = &Alert> {
    told.values().filter_map(|(_, alert)| alert.as_ref())
}

fn silenced(silence: &Silence) -> Quiet {
    Quiet {
        why: QuietBy::Silenced,
        by: silence.author.clone(),
        reason: silence.reason.clone(),
        until: silence.ends_at,
        silence: silence.id.clone(),
        times: None,
    }
}

impl Alerting {
    pub(super) fn flap_window(&self) -> SignedDuration {
        SignedDuration::try_from(self.0.notify.flap_window).unwrap_or(SignedDuration::MAX)
    }

    /// Sees which alerts are quiet now; answers those that were not before, or are no longer.
    pub(super) fn hush(&self, state: &mut State, now: Timestamp) -> Vec<Alert> {
        self.end_silences(state, now);
        let State { told, engine, hush, flaps, dispatch, .. } = state;
        let (window, count) = (self.flap_window(), self.0.notify.flap_count);
        let may_flap = flaps.has(count);
        let flapping = |series: &str| Some(flaps.count(series, now, window)).filter(|times| *times >= count);
        let rules = engine.rules();
        let inhibitors: BTreeSet<&str> = rules.iter().flat_map(|rule| &rule.inhibited_by).map(String::as_str).collect();
        let mut worse = ByRule::new();
        for alert in firing(told).filter(|alert| inhibitors.contains(alert.rule_name.as_str())) {
            worse.entry(&alert.rule_name).or_default().push(alert);
        }
        let quiet = |alert: &Alert| {
            let by =
                |why, by, times| Quiet { why, by, times, reason: String::new(), until: None, silence: String::new() };
            if alert.rule_name == FIRE_DRILL {
                return None;
            }
            if let Some(silence) = hush.of(alert) {
                return Some(silenced(silence));
            }
            if let Some(worse) = inhibitor(alert, rules, &worse) {
                return Some(by(QuietBy::Inhibited, worse, None));
            }
            let times = may_flap.then(|| flapping(&alert.series())).flatten()?;
            Some(by(QuietBy::Flapping, String::new(), Some(times)))
        };
        let changes: Vec<(AlertKey, Option<Quiet>)> = told
            .iter()
            .filter_map(|(key, (_, alert))| {
                let alert = alert.as_ref()?;
                Some(quiet(alert)).filter(|quiet| *quiet != alert.quiet).map(|quiet| (key.clone(), quiet))
            })
            .collect();
        let mut changed = Vec::new();
        for (key, quiet) in changes {
            if let Some((_, Some(alert))) = told.get_mut(&key) {
                alert.quiet = quiet;
                dispatch.change(alert);
                changed.push(alert.clone());
            }
        }
        dispatch.calm(|series| !may_flap || flapping(series).is_none());
        changed
    }

    /// Ends the silences whose time has come, and says of those whose time will come soon that it will.
    fn end_silences(&self, state: &mut State, now: Timestamp) {
        let State { told, hush, dispatch, .. } = state;
        hush.0.retain(|(silence, selector)| {
            let holds = match silence.ends_at {
                Some(ends_at) => now < ends_at,
                None => firing(told).any(|alert| selector.selects(alert)),
            };
            if !holds {
                tracing::info!(id = silence.id, matchers = silence.matchers, "a silence ends");
            }
            holds
        });
        for (silence, selector) in &mut hush.0 {
            let Some(ends_at) = silence.ends_at.filter(|_| !silence.ends_soon) else { continue };
            // One that was short from the beginning ends soon all the time.
            let warning = WARNING.min(ends_at.duration_since(silence.starts_at) / 2);
            if ends_at.duration_since(now) > warning {
                continue;
            }
            let kept: Vec<Alert> = firing(told).filter(|alert| selector.selects(alert)).cloned().collect();
            if !kept.is_empty() {
                silence.ends_soon = true;
                tracing::warn!(
                    id = silence.id,
                    matchers = silence.matchers,
                    author = silence.author,
                    "a silence ends soon"
                );
                let local = self.0.zone.to_datetime(now);
                dispatch.warn((silence, ends_at), &kept, &self.0.router, (now, local));
            }
        }
    }
}
