//! The state of one series under one rule, as Prometheus has it
//! (<https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/>; `AlertingRule.Eval`
//! in its `rules/alerting.go`).
//!
//! ```text
//!             holds              held for `for`            does not hold any more,
//! inactive -----------> pending -----------------> firing ------------------------> inactive
//!     ^                    |                                 and for `keep_firing_for`
//!     '--------------------'  does not hold any more                (resolved)
//! ```

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long what takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// The condition has to hold for so long before the alert fires.
    pub hold: SignedDuration,
    /// The alert goes on firing for so long after it held last.
    pub keep_firing: SignedDuration,
}

/// What a value says of the condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It holds.
    Holds,
    /// It does not.
    Ended,
    /// There is no telling, and all stays as it is.
    Unknown,
}

/// Whether an alert that is not inactive fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not yet.
    Pending,
    /// It does.
    Firing,
}

/// An alert that is not inactive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Pending or firing.
    pub phase: Phase,
    /// When the condition began to hold.
    #[serde(with = "crate::rfc3339")]
    pub active_at: Timestamp,
    /// When it began to fire.
    #[serde(default, with = "crate::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub fired_at: Option<Timestamp>,
    /// Since when it fires only because it is kept firing.
    #[serde(default, with = "crate::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub keep_firing_since: Option<Timestamp>,
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// It was inactive and is pending.
    Pending,
    /// It fires from now on.
    Firing,
    /// It was pending and is inactive.
    Dropped,
    /// It was firing and is inactive.
    Resolved,
}

/// The state after `now`, and what happened; `None` is inactive.
#[must_use]
pub fn step(
    timing: Timing,
    state: Option<State>,
    condition: Condition,
    now: Timestamp,
) -> (Option<State>, Option<Transition>) {
    let (mut next, begins) = match (state, condition) {
        (state, Condition::Unknown) => return (state, None),
        (None, Condition::Ended) => return (None, None),
        (None, Condition::Holds) => {
            (State { phase: Phase::Pending, active_at: now, fired_at: None, keep_firing_since: None }, true)
        }
        (Some(State { phase: Phase::Pending, .. }), Condition::Ended) => return (None, Some(Transition::Dropped)),
        (Some(state), Condition::Ended) => {
            let since = state.keep_firing_since.unwrap_or(now);
            if timing.keep_firing <= SignedDuration::ZERO || now.duration_since(since) >= timing.keep_firing {
                return (None, Some(Transition::Resolved));
            }
            return (Some(State { keep_firing_since: Some(since), ..state }), None);
        }
        (Some(state), Condition::Holds) => (State { keep_firing_since: None, ..state }, false),
    };
    if next.phase == Phase::Pending && now.duration_since(next.active_at) >= timing.hold {
        (next.phase, next.fired_at) = (Phase::Firing, Some(now));
        return (Some(next), Some(Transition::Firing));
    }
    (Some(next), begins.then_some(Transition::Pending))
}

impl State {
    /// The same after the clock was set by `by`, so that what has passed stays what it was.
    #[must_use]
    pub fn shifted(self, by: SignedDuration) -> Self {
        let shift = |at| shifted(at, by);
        Self {
            active_at: shift(self.active_at),
            fired_at: self.fired_at.map(shift),
            keep_firing_since: self.keep_firing_since.map(shift),
            ..self
        }
    }
}

/// A time as the clock would have shown it that was set by `by` since.
pub(crate) fn shifted(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn timing(hold: i64, keep_firing: i64) -> Timing {
        Timing { hold: SignedDuration::from_secs(hold), keep_firing: SignedDuration::from_secs(keep_firing) }
    }

    /// The letters of the transitions of what a condition says every ten seconds.
    fn transitions(timing: Timing, conditions: &str) -> String {
        let mut state = None;
        let mut letters = String::new();
        for (second, condition) in (0..).step_by(10).zip(conditions.chars()) {
            let condition = match condition {
                '+' => Condition::Holds,
                '-' => Condition::Ended,
                _ => Condition::Unknown,
            };
            let transition;
            (state, transition) = step(timing, state, condition, at(second));
            letters.push(match transition {
                None => '.',
                Some(Transition::Pending) => 'P',
                Some(Transition::Firing) => 'F',
                Some(Transition::Dropped) => 'D',
                Some(Transition::Resolved) => 'R',
            });
        }
        letters
    }

    #[test]
    fn without_a_time_to_hold_it_fires_at_once_and_resolves_at_once() {
        assert_eq!(transitions(timing(0, 0), "-++-+"), ".F.RF");
    }

    #[test]
    fn it_fires_when_it_has_held_for_as_long_as_it_has_to_and_not_before() {
        assert_eq!(transitions(timing(30, 0), "-+++++-"), ".P..F.R");
        assert_eq!(transitions(timing(30, 0), "+++-+++-"), "P..DP..D");
    }

    #[test]
    fn it_is_kept_firing_for_a_while_after_it_held_last() {
        assert_eq!(transitions(timing(0, 20), "+--+---+"), "F.....RF");
    }

    #[test]
    fn what_is_not_known_changes_nothing_and_time_goes_on() {
        assert_eq!(transitions(timing(30, 0), "+ ? +"), "P...F");
        assert_eq!(transitions(timing(0, 0), "+??-"), "F..R");
    }

    #[test]
    fn a_clock_that_is_set_changes_no_time_that_has_passed() {
        let (state, _) = step(timing(60, 0), None, Condition::Holds, at(100));
        let set = state.unwrap().shifted(SignedDuration::from_hours(-1));
        let (state, transition) = step(timing(60, 0), Some(set), Condition::Holds, at(160 - 3_600));
        assert_eq!((state.unwrap().phase, transition), (Phase::Firing, Some(Transition::Firing)));
    }

    proptest! {
        #[test]
        fn transitions_follow_each_other_as_they_can(
            hold in 0_i64..60, keep in 0_i64..60, conditions in "[+?-]{0,100}",
        ) {
            let letters = transitions(timing(hold, keep), &conditions).replace('.', "");
            let mut last = 'R';
            for letter in letters.chars() {
                let follows = match last {
                    'P' => "FD",
                    'F' => "R",
                    _ => if hold > 0 { "P" } else { "F" },
                };
                prop_assert!(follows.contains(letter), "{letters}");
                last = letter;
            }
        }

        #[test]
        fn a_state_survives_its_json(active in 0_i64..2_000_000_000, fired in proptest::option::of(0_i64..2_000_000_000)) {
            let phase = if fired.is_some() { Phase::Firing } else { Phase::Pending };
            let state = State { phase, active_at: at(active), fired_at: fired.map(at), keep_firing_since: None };
            let json = serde_json::to_string(&state).unwrap();
            prop_assert_eq!(serde_json::from_str::<State>(&json).unwrap(), state);
        }
    }
}
