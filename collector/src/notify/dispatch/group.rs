//! Alerts that one receiver is told of together.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::routing::Way;
use super::super::{About, Message, Pace};
use crate::Labels;
use crate::alert::{Alert, QuietBy, shifted};
use crate::rfc3339;
use crate::rules::FIRE_DRILL;

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) receiver: String,
    /// The place of the route, whose pace it has; `None`: it goes to everybody.
    #[serde(default)]
    route: Option<usize>,
    pub(super) labels: Labels,
    #[serde(skip)]
    pub(super) pace: Pace,
    /// By series.
    pub(super) members: BTreeMap<String, Member>,
    pub(super) outgoing: Option<Message>,
    /// When the last message was made.
    #[serde(default, with = "rfc3339::option")]
    pub(super) told_at: Option<Timestamp>,
    /// When the last message was given up.
    #[serde(default, with = "rfc3339::option")]
    given_up_at: Option<Timestamp>,
}

/// An alert of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) alert: Alert,
    told: Told,
    /// Since when there is something to tell of it.
    #[serde(with = "rfc3339")]
    since: Timestamp,
    /// Nobody was to be told of it while it fired.
    was_quiet: bool,
    #[serde(default)]
    claim: Claim,
}

/// Whose it is to tell of an alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Claim {
    /// This collector's.
    #[default]
    Own,
    /// Another's, which sees the same.
    Foreign,
    /// Not known yet.
    Open,
}

/// Whose an alert is counts as known after this time.
const CLAIM_PATIENCE: SignedDuration = SignedDuration::from_secs(1);
/// After a message was given up there is none for so long, at least.
const GIVEN_UP_PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// What the receiver knows of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Nothing,
    Firing,
    Flapping,
}

impl Member {
    fn is_over(&self) -> bool {
        self.alert.resolved_at.is_some()
    }

    fn is(&self, quiet: QuietBy) -> bool {
        self.alert.quiet.as_ref().is_some_and(|known| known.why == quiet)
    }

    fn is_muted(&self) -> bool {
        self.is(QuietBy::Silenced) || self.is(QuietBy::Inhibited) || self.claim == Claim::Foreign
    }

    fn is_news(&self, pace: &Pace) -> bool {
        if self.claim != Claim::Own {
            return false;
        }
        if self.is(QuietBy::Flapping) && !pace.mirrors {
            return self.told != Told::Flapping;
        }
        // Whoever was told that it fires is told that it is over.
        if self.is_over() { true } else { !self.is_muted() && self.told != Told::Firing }
    }
}

impl Group {
    pub(super) fn new(way: Way) -> Self {
        Self {
            receiver: way.receiver,
            route: way.route,
            labels: way.group,
            pace: way.pace,
            members: BTreeMap::new(),
            outgoing: None,
            told_at: None,
            given_up_at: None,
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        (&self.receiver, self.route, &self.labels) == (&other.receiver, other.route, &other.labels)
    }

    /// No time is later than `now`.
    pub(super) fn clamp(&mut self, now: Timestamp) {
        self.told_at = self.told_at.min(Some(now));
        self.given_up_at = self.given_up_at.min(Some(now));
        self.outgoing.iter_mut().for_each(|message| super::clamp(message, now));
        self.members.values_mut().for_each(|member| member.since = member.since.min(now));
    }

    pub(super) fn is_done(&self) -> bool {
        self.members.is_empty() && self.outgoing.is_none()
    }

    pub(super) fn fires(&mut self, series: &str, alert: &Alert, now: Timestamp, is_claimed: bool) {
        let claim = if is_claimed { Claim::Own } else { Claim::Open };
        let new = Member { alert: alert.clone(), told: Told::Nothing, since: now, was_quiet: false, claim };
        let member = self.members.entry(series.to_owned()).or_insert(new);
        (member.alert, member.since, member.was_quiet) = (alert.clone(), now, false);
    }

    pub(super) fn has_unclaimed(&self) -> bool {
        self.members.values().any(|member| member.claim == Claim::Open)
    }

    /// Each series but that of a fire drill, which is each collector's own.
    pub(super) fn series(&self) -> impl Iterator<Item = &String> {
        let is_no_drill = |(_, member): &(_, &Member)| member.alert.rule_name != FIRE_DRILL;
        self.members.iter().filter(is_no_drill).map(|(series, _)| series)
    }

    pub(super) fn claim_alone(&mut self, all: bool) -> bool {
        let mut has_changed = false;
        for member in self.members.values_mut().filter(|member| member.claim == Claim::Open || all) {
            has_changed |= std::mem::replace(&mut member.claim, Claim::Own) != Claim::Own;
        }
        has_changed
    }

    pub(super) fn claimed(&mut self, is_own: impl Fn(&str) -> Option<bool>) -> bool {
        let mut has_changed = false;
        for (series, member) in &mut self.members {
            let claim = match is_own(series) {
                Some(true) => Claim::Own,
                Some(false) => Claim::Foreign,
                None => continue,
            };
            has_changed |= std::mem::replace(&mut member.claim, claim) != claim;
        }
        has_changed
    }

    pub(super) fn is_over(&mut self, series: &str, alert: &Alert, now: Timestamp) {
        if let Some(member) = self.members.get_mut(series) {
            (member.alert, member.since) = (alert.clone(), now);
        }
    }

    pub(super) fn change(&mut self, series: &str, alert: &Alert) {
        if let Some(member) = self.members.get_mut(series).filter(|member| member.alert.id == alert.id) {
            let resolved_at = member.alert.resolved_at;
            member.alert = Alert { resolved_at, ..alert.clone() };
        }
    }

    pub(super) fn calm(&mut self, is_calm: impl Fn(&str) -> bool) {
        for (series, member) in self.members.iter_mut().filter(|(_, member)| member.is(QuietBy::Flapping)) {
            if is_calm(series) {
                member.alert.quiet = None;
            }
        }
    }

    /// Makes the message that is due; answers whether anything is another than before.
    pub(super) fn flush(&mut self, at: Timestamp, local: DateTime) -> bool {
        let is_quiet = self.pace.is_quiet(local);
        let before = self.members.len();
        for member in self.members.values_mut() {
            if member.claim == Claim::Open && at.duration_since(member.since) >= CLAIM_PATIENCE {
                member.claim = Claim::Own;
            }
        }
        for member in self.members.values_mut().filter(|member| !member.is_over()) {
            member.was_quiet = is_quiet || member.is_muted();
        }
        let tells_end = self.pace.send_resolved;
        self.members.retain(|_, member| {
            if member.is_over() && member.claim == Claim::Foreign {
                return false;
            }
            let is_known = member.told != Told::Nothing || member.is(QuietBy::Flapping);
            !member.is_over() || (tells_end && (is_known || !member.was_quiet))
        });
        let has_changed = self.members.len() != before;
        let pause = self.pace.interval.max(GIVEN_UP_PAUSE);
        let is_given_up = self.given_up_at.is_some_and(|given_up| at.duration_since(given_up) < pause);
        if self.outgoing.is_some() || is_quiet || is_given_up || !(self.has_news_due(at) || self.is_repeat_due(at)) {
            return has_changed;
        }
        let mut alerts: Vec<Alert> = self
            .members
            .values()
            .filter(|member| member.claim == Claim::Own)
            .filter(|member| if member.is_over() { member.is_news(&self.pace) } else { !member.is_muted() })
            .map(|member| member.alert.clone())
            .collect();
        alerts.sort_by_cached_key(|alert| (alert.resolved_at.is_some(), alert.rank()));
        let message = super::message(About::Alerts, alerts, at);
        self.outgoing = Some(Message { group: self.labels.clone(), ..message });
        self.told_at = Some(at);
        true
    }

    fn has_news_due(&self, now: Timestamp) -> bool {
        let news = self.members.values().filter(|member| member.is_news(&self.pace));
        let Some(since) = news.map(|member| member.since).min() else { return false };
        match self.told_at {
            None => now.duration_since(since) >= self.pace.wait,
            Some(told) => now.duration_since(told) >= self.pace.interval,
        }
    }

    fn is_repeat_due(&self, now: Timestamp) -> bool {
        let is_open = |member: &Member| {
            let is_tended = member.alert.acknowledged.is_some() || member.is(QuietBy::Flapping);
            !member.is_over() && !member.is_muted() && (self.pace.mirrors || !is_tended)
        };
        self.members.values().any(is_open)
            && self.told_at.is_some_and(|told| now.duration_since(told) >= self.pace.repeat)
    }

    /// Takes the message with this key off its way, which will not arrive. What it says is still to be
    /// told, but not what has been over for too long.
    pub(super) fn give_up(&mut self, key: &str, now: Timestamp, give_up_after: SignedDuration) -> Option<Message> {
        let message = self.outgoing.take_if(|message| message.key == key)?;
        self.given_up_at = Some(now);
        self.members.retain(|_, member| {
            let is_old = member.is_over() && now.duration_since(member.since) >= give_up_after;
            !is_old && member.alert.rule_name != FIRE_DRILL
        });
        Some(message)
    }

    /// Takes the message with this key off its way; what it says is known then.
    pub(super) fn take(&mut self, key: &str) -> Option<Message> {
        let message = self.outgoing.take_if(|message| message.key == key)?;
        for alert in &message.alerts {
            let series = alert.series();
            let Some(member) = self.members.get_mut(&series) else { continue };
            let is_flapping = alert.quiet.as_ref().is_some_and(|quiet| quiet.why == QuietBy::Flapping);
            if alert.rule_name == FIRE_DRILL {
                // It has done what it is for.
                self.members.remove(&series);
                continue;
            }
            member.told = match alert.resolved_at {
                _ if is_flapping && !self.pace.mirrors => Told::Flapping,
                None => Told::Firing,
                Some(_) if member.is_over() && member.alert.id == alert.id => {
                    self.members.remove(&series);
                    continue;
                }
                // It fires again since.
                Some(_) => Told::Nothing,
            };
        }
        Some(message)
    }

    pub(super) fn shift(&mut self, by: SignedDuration) {
        self.told_at = self.told_at.map(|at| shifted(at, by));
        self.given_up_at = self.given_up_at.map(|at| shifted(at, by));
        self.outgoing.iter_mut().for_each(|message| super::shift(message, by));
        for member in self.members.values_mut() {
            member.since = shifted(member.since, by);
        }
    }
}
