//! How alerting stands.

use std::collections::BTreeMap;

use super::{Alerting, State};
use crate::alert::{Desk, Heartbeat, Phase, ReceiverState, RuleState, SeriesState};
use crate::rules::{Active, Rule};
use crate::{Labels, Sentence};

impl Alerting {
    /// How it all stands.
    pub(crate) fn desk(&self) -> Desk {
        let health = self.0.feed.health();
        let state = self.lock();
        let mut active = ByRule::new();
        for (key, alert) in state.engine.active() {
            active.entry(&key.rule).or_default().push((&key.labels, alert));
        }
        let paging_error = self.paging_error(&state).map(|Sentence { en, ja }| (en, ja));
        let (paging_error, paging_error_ja) = paging_error.unzip();
        let rules = state.engine.rules().iter().filter(|rule| rule.name != super::FIRE_DRILL);
        Desk {
            alerts: self.0.feed.alerts(),
            rules: rules.map(|rule| rule_state(rule, &state, &active)).collect(),
            silences: state.hush.silences(),
            receivers: self.receivers(&state),
            heartbeat: state.heartbeat.clone(),
            fire_drill_seconds: self.0.notify.fire_drill.as_secs(),
            rules_error: health.rules_error,
            rules_error_ja: health.rules_error_ja,
            paging_error,
            paging_error_ja,
        }
    }

    fn receivers(&self, state: &State) -> Vec<ReceiverState> {
        let receiver = |(name, record): (&String, &crate::notify::Record)| {
            let kind = self.0.notify.receivers.get(name)?.kind.name().to_owned();
            Some(ReceiverState {
                name: name.clone(),
                kind,
                waiting: state.dispatch.waiting(name),
                delivered_at: record.delivered_at,
                failing_since: record.failing_since,
                error: record.error.clone(),
                error_ja: record.error_ja.clone(),
                given_up: record.given_up,
                proven_at: record.proven_at,
                drill_failed_at: record.drill_failed_at,
            })
        };
        state.dispatch.records().iter().filter_map(receiver).collect()
    }

    /// Why alerts may reach nobody, in one sentence.
    pub(super) fn paging_error(&self, state: &State) -> Option<Sentence> {
        let failing = self
            .receivers(state)
            .into_iter()
            .find(|receiver| receiver.failing_since.is_some() || receiver.drill_failed_at.is_some());
        let failing = failing.map(|ReceiverState { name, error, error_ja, .. }| {
            let Sentence { en, ja } = Sentence::kept(error, error_ja);
            Sentence::new(format!("{name}: {en}"), format!("{name}: {ja}"))
        });
        let heartbeat = state.heartbeat.as_ref().filter(|heartbeat| !heartbeat.error.is_empty());
        failing.or_else(|| {
            let Heartbeat { error, error_ja, .. } = heartbeat?;
            Some(Sentence::new(format!("heartbeat: {error}"), format!("ハートビート: {error_ja}")))
        })
    }
}

/// What is not inactive, by the rules.
type ByRule<'a> = BTreeMap<&'a str, Vec<(&'a Labels, &'a Active)>>;

fn rule_state(rule: &Rule, state: &State, active: &ByRule<'_>) -> RuleState {
    let metric = rule.expression.metric();
    let mut values: Vec<SeriesState> = state
        .engine
        .newest(metric)
        .filter(|(labels, _)| rule.expression.selects(labels))
        .map(|(labels, value)| SeriesState { labels: labels.clone(), value: Some(value), phase: None })
        .collect();
    for (labels, active) in active.get(rule.name.as_str()).into_iter().flatten() {
        match values.iter_mut().find(|series| series.labels == **labels) {
            Some(series) => series.phase = Some(active.state.phase),
            None => values.push(SeriesState {
                labels: (*labels).clone(),
                value: active.value,
                phase: Some(active.state.phase),
            }),
        }
    }
    let rank = |series: &SeriesState| (series.phase != Some(Phase::Firing), series.phase.is_none());
    values.sort_by(|a, b| {
        let by_value = rule.expression.worse_first(a.value.unwrap_or_default(), b.value.unwrap_or_default());
        rank(a).cmp(&rank(b)).then(by_value)
    });
    values.truncate(RuleState::VALUES);
    RuleState {
        name: rule.name.clone(),
        expr: rule.expression.to_string(),
        metric: metric.to_owned(),
        threshold: rule.expression.threshold(),
        for_seconds: rule.timing.hold.as_secs_f64(),
        severity: rule.severity,
        category: rule.category.clone(),
        notifies: rule.action == crate::alert::Action::Notify,
        runbook_url: rule.runbook_url.clone(),
        values,
    }
}
