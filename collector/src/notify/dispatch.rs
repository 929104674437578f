//! What each receiver knows, and what it is to be told next: alerts in groups, and the outbox. No
//! clock and no network; all of it is kept in the journal.
//!
//! A group has at most one message on its way. What happens meanwhile is told in the next one, so an
//! outage of a receiver makes no pile.

mod group;
mod record;

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::routing::{Router, Way};
use super::{About, Message};
use crate::Sentence;
use crate::alert::{Alert, Silence, shifted};
use crate::rules::FIRE_DRILL;

use group::Group;
pub(crate) use record::Record;

/// The second attempt comes after about so long, each further one after twice the time.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(1);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// Why a message was not delivered, by what is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It may be delivered later; not before this time has passed, where the receiver says so.
    Later(Option<SignedDuration>),
    /// It will never be.
    Never,
}

/// Groups, outbox, and what became of the messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Dispatch {
    groups: Vec<Group>,
    /// Messages that are of no group, with their receivers.
    notes: Vec<(String, Message)>,
    records: BTreeMap<String, Record>,
}

impl Dispatch {
    /// Goes on under the routes of now: alerts are of the groups in which these put them, and what was on
    /// its way to a receiver that is gone is given up. No time is later than `now`, whatever the clock was.
    pub(crate) fn go_on(&mut self, router: &Router, receivers: &[String], now: Timestamp) {
        let is_known = |name: &String| receivers.contains(name);
        self.notes.retain(|(receiver, _)| is_known(receiver));
        self.records.retain(|receiver, _| is_known(receiver));
        for name in receivers {
            self.records.entry(name.clone()).or_default();
        }
        let groups = std::mem::take(&mut self.groups);
        for mut old in groups.into_iter().filter(|group| is_known(&group.receiver)) {
            old.clamp(now);
            for (series, member) in std::mem::take(&mut old.members) {
                let way = ways(router, &member.alert).into_iter().find(|way| way.receiver == old.receiver);
                if let Some(way) = way {
                    let group = self.group(way);
                    group.told_at = group.told_at.max(old.told_at);
                    group.members.insert(series, member);
                }
            }
            // What is on its way arrives.
            if let Some(message) = old.outgoing.take() {
                match self.groups.iter_mut().find(|group| group.is_same(&old) && group.outgoing.is_none()) {
                    Some(group) => group.outgoing = Some(message),
                    None => self.notes.push((old.receiver, message)),
                }
            }
        }
        self.notes.iter_mut().for_each(|(_, message)| clamp(message, now));
        self.records.values_mut().for_each(|record| record.clamp(now));
    }

    /// An alert that fires already goes the ways that it has not gone yet.
    pub(crate) fn goes_on(&mut self, alert: &Alert, router: &Router, now: Timestamp, is_claimed: bool) {
        let series = alert.series();
        let mut ways = router.ways(alert);
        ways.retain(|way| {
            let mut groups = self.groups.iter().filter(|group| group.receiver == way.receiver);
            !groups.any(|group| group.members.contains_key(&series))
        });
        self.fires(alert, ways, now, is_claimed);
    }

    /// An alert fires; it goes these ways, unless it is for another collector to tell, which is not
    /// known yet where it is not `is_claimed`.
    pub(crate) fn fires(&mut self, alert: &Alert, ways: Vec<Way>, now: Timestamp, is_claimed: bool) {
        let series = alert.series();
        for way in ways {
            self.group(way).fires(&series, alert, now, is_claimed);
        }
    }

    /// The group at the end of a way.
    fn group(&mut self, way: Way) -> &mut Group {
        let new = Group::new(way);
        let place = self.groups.iter().position(|group| group.is_same(&new)).unwrap_or_else(|| {
            self.groups.push(new.clone());
            self.groups.len() - 1
        });
        let group = &mut self.groups[place];
        group.pace = new.pace;
        group
    }

    /// Whether it is not known of an alert whose it is to tell.
    pub(crate) fn has_unclaimed(&self) -> bool {
        self.groups.iter().any(Group::has_unclaimed)
    }

    /// Each series of which one of several collectors is to tell.
    pub(crate) fn series(&self) -> Vec<String> {
        let series: std::collections::BTreeSet<_> = self.groups.iter().flat_map(Group::series).collect();
        series.into_iter().cloned().collect()
    }

    /// Nobody says whose the alerts are: this collector tells of those of which it is not known, and
    /// `all`: also of others'.
    pub(crate) fn claim_alone(&mut self, all: bool) -> bool {
        let mut has_changed = false;
        for group in &mut self.groups {
            has_changed |= group.claim_alone(all);
        }
        has_changed
    }

    /// Notes of each series that `is_own` knows of whether this collector tells of it; answers whether
    /// anything is another than before.
    pub(crate) fn claimed(&mut self, is_own: impl Fn(&str) -> Option<bool>) -> bool {
        let mut has_changed = false;
        for group in &mut self.groups {
            has_changed |= group.claimed(&is_own);
        }
        has_changed
    }

    /// An alert is over.
    pub(crate) fn is_over(&mut self, alert: &Alert, now: Timestamp) {
        let series = alert.series();
        self.groups.iter_mut().for_each(|group| group.is_over(&series, alert, now));
    }

    /// An alert has become quiet or loud, or somebody looks after it.
    pub(crate) fn change(&mut self, alert: &Alert) {
        let series = alert.series();
        self.groups.iter_mut().for_each(|group| group.change(&series, alert));
    }

    /// Those that came and went no longer do, where `is_calm` says so of their series.
    pub(crate) fn calm(&mut self, is_calm: impl Fn(&str) -> bool) {
        self.groups.iter_mut().for_each(|group| group.calm(&is_calm));
    }

    /// Makes the messages that are due at `now`, which is `local` where quiet hours are; answers
    /// whether anything is another than before.
    pub(crate) fn flush(&mut self, now: Timestamp, local: DateTime) -> bool {
        let mut has_changed = false;
        for group in &mut self.groups {
            has_changed |= group.flush(now, local);
        }
        self.groups.retain(|group| !group.is_done());
        has_changed
    }

    /// Tells those who would be told of what a silence keeps quiet that it ends soon.
    pub(crate) fn warn(
        &mut self,
        (silence, ends_at): (&Silence, Timestamp),
        alerts: &[Alert],
        router: &Router,
        (now, local): (Timestamp, DateTime),
    ) {
        let mut told: BTreeMap<String, Vec<Alert>> = BTreeMap::new();
        for alert in alerts {
            // Alertmanager would take it for alerts.
            let is_told = |way: &Way| !way.pace.mirrors && !way.pace.is_quiet(local);
            for way in router.ways(alert).into_iter().filter(is_told) {
                told.entry(way.receiver).or_default().push(alert.clone());
            }
        }
        let about = About::SilenceEnds { author: silence.author.clone(), ends_at };
        self.notes.extend(told.into_iter().map(|(receiver, alerts)| (receiver, message(about.clone(), alerts, now))));
    }

    /// The message that a receiver is to be sent now.
    pub(crate) fn next(&self, receiver: &str, now: Timestamp) -> Option<Message> {
        let of_groups = self.groups.iter().filter(|group| group.receiver == receiver);
        let of_groups = of_groups.filter_map(|group| group.outgoing.as_ref());
        let notes = self.notes.iter().filter(|(name, _)| name == receiver).map(|(_, message)| message);
        let due = of_groups.chain(notes).filter(|message| message.next_attempt <= now);
        due.min_by_key(|message| (message.next_attempt, message.at)).cloned()
    }

    /// Messages on their way to a receiver.
    pub(crate) fn waiting(&self, receiver: &str) -> usize {
        let groups = self.groups.iter().filter(|group| group.receiver == receiver && group.outgoing.is_some());
        groups.count() + self.notes.iter().filter(|(name, _)| name == receiver).count()
    }

    /// What became of the messages to each receiver.
    pub(crate) fn records(&self) -> &BTreeMap<String, Record> {
        &self.records
    }

    /// A message has arrived.
    pub(crate) fn delivered(&mut self, receiver: &str, key: &str, now: Timestamp) {
        let Some(message) = self.take(receiver, key) else { return };
        self.records.entry(receiver.to_owned()).or_default().delivered(&message, now);
    }

    /// An attempt has failed; `jitter` is random, from 0 to 1. Answers whether the message was given up.
    pub(crate) fn failed(
        &mut self,
        receiver: &str,
        key: &str,
        (error, failure): (Sentence, Failure),
        (now, jitter): (Timestamp, f64),
        give_up_after: SignedDuration,
    ) -> bool {
        let record = self.records.entry(receiver.to_owned()).or_default();
        record.failed(error, now);
        let of_groups = self.groups.iter_mut().filter(|group| group.receiver == receiver);
        let notes = self.notes.iter_mut().filter(|(name, _)| name == receiver).map(|(_, message)| message);
        let mut messages = of_groups.filter_map(|group| group.outgoing.as_mut()).chain(notes);
        let Some(message) = messages.find(|message| message.key == key) else { return false };
        if failure == Failure::Never || now.duration_since(message.at) >= give_up_after {
            if let Some(message) = self.give_up(receiver, key, now, give_up_after) {
                self.records.entry(receiver.to_owned()).or_default().given_up(&message, now);
            }
            return true;
        }
        let asked = if let Failure::Later(asked) = failure { asked.unwrap_or_default() } else { SignedDuration::ZERO };
        let pause = pause(message.attempts, jitter).max(asked.min(give_up_after));
        message.attempts = message.attempts.saturating_add(1);
        message.next_attempt = now.checked_add(pause).unwrap_or(now);
        false
    }

    /// Takes a message off its way that will not arrive. What it says is told again in a while.
    fn give_up(&mut self, receiver: &str, key: &str, now: Timestamp, give_up_after: SignedDuration) -> Option<Message> {
        let mut groups = self.groups.iter_mut().filter(|group| group.receiver == receiver);
        let given_up = groups.find_map(|group| group.give_up(key, now, give_up_after));
        self.groups.retain(|group| !group.is_done());
        given_up.or_else(|| self.take(receiver, key))
    }

    /// Takes a message off its way; what it says is known then.
    fn take(&mut self, receiver: &str, key: &str) -> Option<Message> {
        let group = self.groups.iter_mut().filter(|group| group.receiver == receiver);
        let taken = group.into_iter().find_map(|group| group.take(key));
        self.groups.retain(|group| !group.is_done());
        taken.or_else(|| {
            let place = self.notes.iter().position(|(name, message)| name == receiver && message.key == key)?;
            Some(self.notes.remove(place).1)
        })
    }

    /// A test has arrived at a receiver.
    pub(crate) fn tested(&mut self, receiver: &str, now: Timestamp) {
        self.records.entry(receiver.to_owned()).or_default().arrived(now);
    }

    /// The clock was set by `by`.
    pub(crate) fn shift(&mut self, by: SignedDuration) {
        self.groups.iter_mut().for_each(|group| group.shift(by));
        self.notes.iter_mut().for_each(|(_, message)| shift(message, by));
        self.records.values_mut().for_each(|record| record.shift(by));
    }
}

pub(super) fn message(about: About, alerts: Vec<Alert>, now: Timestamp) -> Message {
    let key = Uuid::now_v7().to_string();
    Message { key, about, group: crate::Labels::new(), at: now, alerts, attempts: 0, next_attempt: now }
}

/// Where an alert goes.
fn ways(router: &Router, alert: &Alert) -> Vec<Way> {
    if alert.rule_name == FIRE_DRILL { router.every_way(alert) } else { router.ways(alert) }
}

fn clamp(message: &mut Message, now: Timestamp) {
    (message.at, message.next_attempt) = (message.at.min(now), message.next_attempt.min(now));
}

fn shift(message: &mut Message, by: SignedDuration) {
    (message.at, message.next_attempt) = (shifted(message.at, by), shifted(message.next_attempt, by));
}

/// Exponential, half of it random, so that many do not come at once.
fn pause(attempts: u32, jitter: f64) -> SignedDuration {
    let whole = FIRST_PAUSE.saturating_mul(1 << attempts.min(10)).min(LONGEST_PAUSE);
    whole.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests;
