//! From scraped counters to events. Up to which value a counter has been counted is kept with what
//! it counted, so that a collector that was down goes on where it ended.
//!
//! | what is seen | what counts |
//! |---|---|
//! | a counter for the first time | nothing: it may have counted for long |
//! | one that its instance did not have when last looked at in whole | all of it |
//! | one of a process that began since it was last looked at, or since anything was | all of it |
//! | a greater value | the difference |
//! | a smaller value, or a later start | all of it: it was reset |
//! | an earlier start | nothing: another process answers under the same name |
//!
//! While PostgreSQL has not yet said where the last collector ended, what is seen waits.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::exposed::{Exposition, start_order};
use crate::sample::Increase;

use super::day::minute;
use super::selector::{Selector, series};

/// Counters that are followed; more are left out.
pub(crate) const MOST_COUNTERS: usize = 10_000;
/// Instances that were not looked at for so long make room for others.
const GONE: SignedDuration = SignedDuration::from_mins(15);
/// Looks that wait for PostgreSQL; of more only the last counts.
const MOST_WAITING: usize = 2_000;
/// Whole numbers up to this are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Which counter of whom, and as what it counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CounterKey {
    pub(crate) instance: String,
    pub(crate) event: String,
    pub(crate) series: String,
}

/// Up to where a counter has been counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) value: f64,
    pub(crate) started: Option<Timestamp>,
    pub(crate) at: Timestamp,
}

/// All counters that count as events.
#[derive(Debug)]
pub(super) struct Counters {
    host: String,
    /// Event and what counts as it.
    watched: Vec<(String, Selector)>,
    /// `None` until PostgreSQL has said.
    seen: Option<HashMap<CounterKey, Seen>>,
    /// When this process last looked at each instance.
    looked_at: HashMap<String, Timestamp>,
    /// What began later is known from its beginning, whoever it is.
    since: Timestamp,
    waiting: Vec<Look>,
    has_warned: bool,
}

/// The watched counters of an instance at one moment.
#[derive(Clone, Debug)]
struct Look {
    instance: String,
    at: Timestamp,
    started: Option<Timestamp>,
    is_partial: bool,
    values: Vec<(CounterKey, f64)>,
}

impl Counters {
    /// What begins after `now` is known from its beginning.
    pub(super) fn new(host: &str, watched: Vec<(String, Selector)>, now: Timestamp) -> Self {
        Self {
            host: host.to_owned(),
            watched,
            seen: None,
            looked_at: HashMap::new(),
            since: now,
            waiting: Vec::new(),
            has_warned: false,
        }
    }

    /// What was counted since the last look at this instance.
    pub(super) fn look(&mut self, instance: &str, exposition: &Exposition) -> Vec<Increase> {
        if self.watched.is_empty() {
            return Vec::new();
        }
        let look = self.read(instance, exposition);
        if self.seen.is_some() {
            return self.count(look);
        }
        self.wait(look);
        Vec::new()
    }

    /// Takes up where the last collector ended; answers what was counted by the looks that waited.
    pub(super) fn learn(&mut self, seen: HashMap<CounterKey, Seen>) -> Vec<Increase> {
        let last = seen.values().map(|seen| seen.at).max();
        self.since = last.map_or(self.since, |last| last.min(self.since));
        self.seen = Some(seen);
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().flat_map(|look| self.count(look)).collect()
    }

    fn read(&self, instance: &str, exposition: &Exposition) -> Look {
        let mut values = Vec::new();
        for exposed in &exposition.series {
            for (event, selector) in &self.watched {
                let value = selector.value(exposed).filter(|value| (0.0..EXACT).contains(value));
                let Some(value) = value else { continue };
                let key = CounterKey { instance: instance.to_owned(), event: event.clone(), series: series(exposed) };
                values.push((key, value));
            }
        }
        values.truncate(MOST_COUNTERS);
        let &Exposition { at, started, is_partial, .. } = exposition;
        Look { instance: instance.to_owned(), at, started, is_partial, values }
    }

    /// A look that only goes on where the last one of its instance was takes its place, unless
    /// that is the first, or would move what was counted into another minute.
    fn wait(&mut self, look: Look) {
        let full = self.waiting.len() >= MOST_WAITING;
        if self.waiting.iter().filter(|other| other.instance == look.instance).nth(1).is_none() && !full {
            self.waiting.push(look);
            return;
        }
        let last = self.waiting.iter_mut().rfind(|last| last.instance == look.instance);
        match last {
            Some(last) if full || (minute(last.at) == minute(look.at) && last.goes_on_as(&look)) => *last = look,
            None if full => {}
            _ => self.waiting.push(look),
        }
    }

    fn count(&mut self, look: Look) -> Vec<Increase> {
        let has_looked = self.looked_at.insert(look.instance.clone(), look.at).is_some();
        self.make_room(look.at);
        let Some(seen) = &mut self.seen else { return Vec::new() };
        // When each event was last counted, as it was before this look.
        let mut last: HashMap<String, Timestamp> = HashMap::new();
        for (key, seen) in seen.iter().filter(|(key, _)| !has_looked && key.instance == look.instance) {
            let last = last.entry(key.event.clone()).or_insert(seen.at);
            *last = seen.at.max(*last);
        }
        let began_since = |event: &str| {
            let last = last.get(event).copied().unwrap_or(self.since);
            look.started.is_some_and(|started| started > last && started <= look.at)
        };
        let (mut increases, mut left_out) = (Vec::new(), 0_u32);
        for (key, value) in look.values {
            let count = match seen.get(&key) {
                None if seen.len() >= MOST_COUNTERS => {
                    left_out += 1;
                    continue;
                }
                None if (has_looked && !look.is_partial) || began_since(&key.event) => whole(value),
                None => 0,
                Some(last) => match start_order(last.started, look.started) {
                    std::cmp::Ordering::Less => continue,
                    std::cmp::Ordering::Greater => whole(value),
                    std::cmp::Ordering::Equal if value < last.value => whole(value),
                    std::cmp::Ordering::Equal if value == last.value => continue,
                    // Of whole numbers, so that nothing of a half is lost or comes twice.
                    std::cmp::Ordering::Equal => whole(value) - whole(last.value),
                },
            };
            seen.insert(key.clone(), Seen { value, started: look.started, at: look.at });
            let CounterKey { instance, event, series } = key;
            let (host, at, started) = (self.host.clone(), look.at, look.started);
            increases.push(Increase { at, event, count, host, instance, series, value, started });
        }
        if left_out > 0 && !std::mem::replace(&mut self.has_warned, true) {
            let instance = look.instance;
            tracing::warn!(instance, left_out, "more than {MOST_COUNTERS} counters of events: the rest is not counted");
        }
        increases
    }

    /// Forgets instances that are gone, when there is no room for others.
    fn make_room(&mut self, now: Timestamp) {
        let Some(seen) = self.seen.as_mut().filter(|seen| seen.len() >= MOST_COUNTERS) else { return };
        let is_gone = |last: Timestamp| now.duration_since(last) > GONE;
        let mut since = self.since;
        seen.retain(|key, seen| {
            let last = self.looked_at.get(&key.instance).copied().unwrap_or(seen.at);
            // Else it would count all over again if it came back.
            since = if is_gone(last) { since.max(last) } else { since };
            !is_gone(last)
        });
        self.looked_at.retain(|_, last| !is_gone(*last));
        self.since = since;
    }
}

impl Look {
    /// Whether `next` has all of these counters and none was reset.
    fn goes_on_as(&self, next: &Self) -> bool {
        start_order(self.started, next.started).is_eq()
            && self.values.len() == next.values.len()
            && self.values.iter().zip(&next.values).all(|(a, b)| a.0 == b.0 && a.1 <= b.1)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 2^53")]
fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exposed::{Exposed, ExposedValue};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn exposition(second: i64, started: Option<i64>, values: &[(&str, f64)]) -> Exposition {
        let series = values.iter().map(|(state, value)| Exposed {
            name: "orders_total".to_owned(),
            labels: [("state".to_owned(), (*state).to_owned())].into(),
            value: ExposedValue::Counter(*value),
        });
        Exposition { at: at(second), started: started.map(at), is_partial: false, series: series.collect() }
    }

    fn counters() -> Counters {
        Counters::new("web", vec![("order".to_owned(), Selector::parse("orders_total").unwrap())], at(0))
    }

    fn total(increases: &[Increase]) -> u64 {
        increases.iter().map(|increase| increase.count).sum()
    }

    fn look(counters: &mut Counters, second: i64, started: Option<i64>, values: &[(&str, f64)]) -> u64 {
        total(&counters.look("a", &exposition(second, started, values)))
    }

    #[test]
    fn the_first_sight_counts_nothing_and_then_every_increase_counts_once() {
        let mut counters = counters();
        counters.learn(HashMap::new());
        assert_eq!(look(&mut counters, 0, None, &[("paid", 100.0)]), 0);
        assert_eq!(look(&mut counters, 5, None, &[("paid", 103.0)]), 3);
        assert_eq!(counters.look("a", &exposition(10, None, &[("paid", 103.0)])), []);
        // Reset.
        assert_eq!(look(&mut counters, 15, None, &[("paid", 2.0)]), 2);
        // It was not there 5 seconds ago.
        assert_eq!(look(&mut counters, 20, None, &[("paid", 2.0), ("open", 4.0)]), 4);
        // Gone for a while, and not counted anew.
        assert_eq!(look(&mut counters, 25, None, &[("paid", 2.0)]), 0);
        assert_eq!(look(&mut counters, 30, None, &[("paid", 2.0), ("open", 5.0)]), 1);
        // Another instance is seen for the first time.
        assert_eq!(total(&counters.look("b", &exposition(30, None, &[("paid", 50.0)]))), 0);
    }

    #[test]
    fn a_later_start_is_a_restart_and_an_earlier_one_another_process() {
        let mut counters = counters();
        counters.learn(HashMap::new());
        assert_eq!(look(&mut counters, 100, Some(-50), &[("paid", 10.0)]), 0);
        assert_eq!(look(&mut counters, 105, Some(-49), &[("paid", 11.0)]), 1);
        assert_eq!(look(&mut counters, 200, Some(150), &[("paid", 30.0)]), 30);
        assert_eq!(look(&mut counters, 205, Some(-50), &[("paid", 12.0)]), 0);
        assert_eq!(look(&mut counters, 210, Some(150), &[("paid", 31.0)]), 1);
    }

    #[test]
    fn halves_add_up() {
        let mut counters = counters();
        counters.learn(HashMap::new());
        let counted: u64 =
            (0..=10).map(|n: i32| look(&mut counters, n.into(), None, &[("paid", 0.5 * f64::from(n))])).sum();
        assert_eq!(counted, 5);
    }

    #[test]
    fn what_was_counted_while_nobody_looked_counts_when_it_is_known_from_where() {
        let key = |state: &str| CounterKey {
            instance: "a".to_owned(),
            event: "order".to_owned(),
            series: format!("orders_total{{state=\"{state}\"}}"),
        };
        let known = || HashMap::from([(key("paid"), Seen { value: 10.0, started: Some(at(0)), at: at(50) })]);
        let mut counters = counters();
        for (second, started, value) in [(100, 0, 12.0), (105, 0, 14.0), (110, 108, 1.0), (115, 108, 3.0)] {
            assert_eq!(look(&mut counters, second, Some(started), &[("paid", value)]), 0);
        }
        assert_eq!(counters.waiting.len(), 3);
        assert_eq!(total(&counters.learn(known())), 4 + 3);
        assert_eq!(look(&mut counters, 120, Some(108), &[("paid", 4.0)]), 1);
        // A process that began since has counters that nobody has seen yet.
        let mut counters = self::counters();
        counters.learn(known());
        assert_eq!(look(&mut counters, 100, Some(90), &[("paid", 1.0), ("open", 2.0)]), 3);
    }

    #[test]
    fn a_process_that_began_since_anything_was_looked_at_counts_from_its_beginning() {
        let mut counters = counters();
        counters.learn(HashMap::new());
        let of = |instance, second, started, value| (instance, exposition(second, Some(started), &[("paid", value)]));
        for (instance, exposition) in [of("old", 5, -100, 70.0), of("old", 10, -100, 71.0)] {
            counters.look(instance, &exposition);
        }
        // A deployment: what the new process counted before its first push is not lost.
        let (instance, first) = of("new", 70, 20, 9.0);
        assert_eq!(total(&counters.look(instance, &first)), 9);
        // Its clock is ahead, or it is none.
        let (instance, ahead) = of("ahead", 70, 80, 5.0);
        assert_eq!(total(&counters.look(instance, &ahead)), 0);
    }

    #[test]
    fn what_comes_in_parts_is_not_new_when_it_comes() {
        let part = |second, values| Exposition { is_partial: true, ..exposition(second, None, values) };
        let mut counters = counters();
        counters.learn(HashMap::new());
        counters.look("a", &part(5, &[("paid", 70.0)]));
        assert_eq!(total(&counters.look("a", &part(6, &[("paid", 70.0), ("open", 50.0)]))), 0);
        assert_eq!(look(&mut counters, 100, None, &[("paid", 71.0), ("open", 51.0), ("late", 1.0)]), 3);
    }

    #[test]
    fn instances_that_are_gone_make_room_and_do_not_count_again_when_they_come_back() {
        let many = |from: usize| -> Vec<(String, f64)> {
            (from..from + MOST_COUNTERS / 2).map(|n| (n.to_string(), 2.0)).collect()
        };
        let seen_at = |second, started, values: &[(String, f64)]| {
            let values: Vec<(&str, f64)> = values.iter().map(|(state, value)| (state.as_str(), *value)).collect();
            exposition(second, Some(started), &values)
        };
        let mut counters = counters();
        counters.learn(HashMap::new());
        for (instance, from) in [("a", 0), ("b", 5_000)] {
            assert_eq!(total(&counters.look(instance, &seen_at(10, 5, &many(from)))), 10_000);
        }
        assert_eq!(total(&counters.look("c", &seen_at(20, 15, &many(0)))), 0, "there is no room");
        let later = 20 + GONE.as_secs() + 1;
        assert_eq!(total(&counters.look("b", &seen_at(later, 5, &many(5_000)))), 0);
        assert_eq!(total(&counters.look("c", &seen_at(later, 15, &many(0)))), 10_000);
        // It had been counted to here.
        assert_eq!(total(&counters.look("a", &seen_at(2 * later, 5, &many(0)))), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn every_count_counts_once_whenever_the_application_and_the_collector_restart(
            steps in prop::collection::vec((0_u32..5, 0_u8..10), 1..60),
        ) {
            let mut counters = counters();
            counters.learn(HashMap::new());
            look(&mut counters, 0, Some(0), &[("paid", 7.0)]);
            let (mut value, mut started, mut happened, mut counted) = (7, 0, 0, 0);
            for (second, (count, what)) in (1..).zip(steps) {
                let second = second * 10;
                match what {
                    0 => (value, started) = (0, second - 1),
                    // The collector restarts and learns what was kept, at once or after a look.
                    1 | 2 => {
                        let seen = counters.seen.take().unwrap();
                        counters = self::counters();
                        if what == 2 {
                            look(&mut counters, second - 1, Some(started), &[("paid", f64::from(value))]);
                        }
                        counted += total(&counters.learn(seen));
                    }
                    _ => {}
                }
                value += count;
                happened += u64::from(count);
                counted += look(&mut counters, second, Some(started), &[("paid", f64::from(value))]);
            }
            prop_assert_eq!(counted, happened);
        }
    }
}
