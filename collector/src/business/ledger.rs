//! How often each event happened in each minute: what PostgreSQL had when it was last asked, and
//! what came to this collector since and is not saved.
//!
//! PostgreSQL answers with how far it has taken each stream over at that very moment; records up
//! to there are in its counts, and the later ones are added. So counts are right at any moment
//! without asking, also long after PostgreSQL has gone away.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

/// Unsaved records of a stream that are known one by one; older ones are folded.
const MOST_LOOSE: usize = 50_000;
const FOLDED_AT_ONCE: usize = 10_000;

/// Counts by event and by second of the beginning of the minute.
type Counts = HashMap<Arc<str>, BTreeMap<i64, u64>>;

/// One event that is not saved.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Loose {
    pub(super) seq: u64,
    pub(super) event: Arc<str>,
    pub(super) minute: i64,
    pub(super) count: u64,
    pub(super) id: Option<Box<str>>,
}

/// What PostgreSQL has counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SavedCounts {
    /// Event, second of the beginning of the minute or, of earlier days, of the day, and count.
    pub(crate) counts: Vec<(String, i64, u64)>,
    /// Since when there are counts.
    pub(crate) since: Timestamp,
    /// How far each stream was taken over.
    pub(crate) positions: HashMap<Uuid, u64>,
    /// Event and id of those asked for that it has.
    pub(crate) counted: HashSet<(String, String)>,
}

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    saved: Option<(Counts, i64)>,
    streams: HashMap<Uuid, Stream>,
    /// Sum of what is in `streams`.
    unsaved: Counts,
}

/// The unsaved events of one run of a collector, oldest first.
#[derive(Debug, Default)]
struct Stream {
    folded: VecDeque<Folded>,
    loose: VecDeque<Loose>,
}

/// Many events whose single numbers are no longer known.
#[derive(Debug)]
struct Folded {
    first: u64,
    last: u64,
    counts: Counts,
}

impl Ledger {
    /// Adds an event that is not saved.
    pub(super) fn add(&mut self, stream: Uuid, loose: Loose) {
        add(&mut self.unsaved, &loose.event, loose.minute, loose.count);
        let stream = self.streams.entry(stream).or_default();
        stream.loose.push_back(loose);
        if stream.loose.len() > MOST_LOOSE {
            let old: Vec<_> = stream.loose.drain(..FOLDED_AT_ONCE).collect();
            let mut counts = Counts::new();
            old.iter().for_each(|loose| add(&mut counts, &loose.event, loose.minute, loose.count));
            if let (Some(first), Some(last)) = (old.first(), old.last()) {
                stream.folded.push_back(Folded { first: first.seq, last: last.seq, counts });
            }
        }
    }

    /// Events with an id that are not saved, as far as they are known one by one.
    pub(super) fn ids(&self) -> Vec<(String, String)> {
        let loose = self.streams.values().flat_map(|stream| &stream.loose);
        loose.filter_map(|loose| Some((loose.event.to_string(), loose.id.as_deref()?.to_owned()))).collect()
    }

    /// Takes over what PostgreSQL says. Not where it is in the midst of what was folded: what was
    /// known before is right until it has come to the end of that.
    pub(super) fn adopt(&mut self, saved: SavedCounts) -> bool {
        let position = |stream: &Uuid| saved.positions.get(stream).copied().unwrap_or(0);
        let splits = |(stream, unsaved): (&Uuid, &Stream)| {
            unsaved.folded.iter().any(|part| (part.first..part.last).contains(&position(stream)))
        };
        if self.streams.iter().any(splits) {
            return false;
        }
        for (stream, unsaved) in &mut self.streams {
            let position = position(stream);
            unsaved.folded.retain(|part| part.last > position);
            unsaved.loose.retain(|loose| {
                let is_counted = loose.id.as_deref().is_some_and(|id| {
                    !saved.counted.is_empty() && saved.counted.contains(&(loose.event.to_string(), id.to_owned()))
                });
                loose.seq > position && !is_counted
            });
        }
        self.streams.retain(|_, unsaved| !(unsaved.folded.is_empty() && unsaved.loose.is_empty()));
        let mut counts = Counts::new();
        for (event, second, count) in saved.counts {
            add(&mut counts, &event.into(), second, count);
        }
        self.saved = Some((counts, saved.since.as_second()));
        self.sum_up();
        true
    }

    fn sum_up(&mut self) {
        let mut unsaved = Counts::new();
        for stream in self.streams.values() {
            for (event, minutes) in stream.folded.iter().flat_map(|part| &part.counts) {
                minutes.iter().for_each(|(minute, count)| add(&mut unsaved, event, *minute, *count));
            }
            stream.loose.iter().for_each(|loose| add(&mut unsaved, &loose.event, loose.minute, loose.count));
        }
        self.unsaved = unsaved;
    }

    /// How often an event happened from `from` until before `to`, in whole minutes; `None` while
    /// PostgreSQL has not said, and for a time before anything was counted.
    pub(super) fn count(&self, event: &str, from: Timestamp, to: Timestamp) -> Option<u64> {
        let (saved, since) = self.saved.as_ref()?;
        let first = self.unsaved.values().filter_map(|minutes| minutes.keys().next()).min();
        if to.as_second() <= first.map_or(*since, |first| *since.min(first)) {
            return None;
        }
        let sum = |counts: &Counts| -> u64 {
            let minutes = counts.get(event).filter(|_| from < to);
            minutes.map_or(0, |minutes| minutes.range(from.as_second()..to.as_second()).map(|(_, count)| count).sum())
        };
        Some(sum(saved) + sum(&self.unsaved))
    }

    /// Whether PostgreSQL has ever answered.
    pub(super) fn is_known(&self) -> bool {
        self.saved.is_some()
    }
}

fn add(counts: &mut Counts, event: &Arc<str>, minute: i64, count: u64) {
    let minutes = match counts.get_mut(event) {
        Some(minutes) => minutes,
        None => counts.entry(Arc::clone(event)).or_default(),
    };
    let sum = minutes.entry(minute).or_default();
    *sum = sum.saturating_add(count);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn loose(seq: u64, count: u64, id: Option<&str>) -> Loose {
        Loose { seq, event: "order".into(), minute: 60, count, id: id.map(Into::into) }
    }

    fn saved(count: u64, positions: &[(Uuid, u64)]) -> SavedCounts {
        SavedCounts {
            counts: vec![("order".to_owned(), 60, count)],
            positions: positions.iter().copied().collect(),
            ..SavedCounts::default()
        }
    }

    fn count(ledger: &Ledger) -> Option<u64> {
        ledger.count("order", at(0), at(120))
    }

    #[test]
    fn nothing_is_known_before_postgresql_has_answered_and_nothing_of_the_time_before_the_first_start() {
        let mut ledger = Ledger::default();
        let stream = Uuid::now_v7();
        ledger.add(stream, loose(1, 5, None));
        assert_eq!(count(&ledger), None);
        assert!(ledger.adopt(SavedCounts { since: at(60), ..SavedCounts::default() }));
        assert_eq!(count(&ledger), Some(5));
        assert_eq!(ledger.count("other", at(0), at(120)), Some(0));
        assert_eq!(ledger.count("order", at(0), at(60)), None);
        assert_eq!(ledger.count("order", at(180), at(120)), Some(0));
    }

    #[test]
    fn an_event_that_another_collector_has_saved_is_not_added() {
        let mut ledger = Ledger::default();
        let stream = Uuid::now_v7();
        ledger.add(stream, loose(1, 5, Some("x")));
        ledger.add(stream, loose(2, 3, Some("y")));
        assert_eq!(ledger.ids().len(), 2);
        let counted = [("order".to_owned(), "x".to_owned())].into();
        ledger.adopt(SavedCounts { counted, ..saved(5, &[]) });
        assert_eq!(count(&ledger), Some(8));
    }

    #[test]
    fn an_answer_in_the_midst_of_what_was_folded_waits_and_changes_nothing() {
        let mut ledger = Ledger::default();
        let stream = Uuid::now_v7();
        ledger.adopt(saved(0, &[]));
        let all = MOST_LOOSE as u64 + 1;
        (1..=all).for_each(|seq| ledger.add(stream, loose(seq, 1, None)));
        assert_eq!(ledger.streams[&stream].folded.len(), 1);
        let part = FOLDED_AT_ONCE as u64;
        assert_eq!(count(&ledger), Some(all));
        assert!(!ledger.adopt(saved(5, &[(stream, 5)])));
        assert_eq!(count(&ledger), Some(all));
        assert!(ledger.adopt(saved(part, &[(stream, part)])));
        assert_eq!(count(&ledger), Some(all));
        assert!(ledger.adopt(saved(part + 7, &[(stream, part + 7)])));
        assert_eq!(count(&ledger), Some(all));
        assert!(ledger.adopt(saved(all, &[(stream, all)])));
        assert_eq!((count(&ledger), ledger.streams.len()), (Some(all), 0));
    }

    proptest! {
        #[test]
        fn whenever_postgresql_is_asked_the_count_is_that_of_all_that_came(
            steps in prop::collection::vec((0_usize..3, 0_u64..4, any::<bool>(), any::<bool>()), 1..100),
        ) {
            let streams = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
            let mut ledger = Ledger::default();
            ledger.adopt(saved(0, &[]));
            let (mut spool, mut positions, mut in_database, mut all) = (Vec::new(), HashMap::new(), 0, 0);
            for (seq, (index, number, save, ask)) in (1..).zip(steps) {
                ledger.add(streams[index], loose(seq, number, None));
                spool.push((streams[index], seq, number));
                all += number;
                if save {
                    for (stream, seq, number) in spool.drain(..) {
                        positions.insert(stream, seq);
                        in_database += number;
                    }
                }
                if ask {
                    let positions: Vec<_> = positions.clone().into_iter().collect();
                    ledger.adopt(saved(in_database, &positions));
                }
                prop_assert_eq!(count(&ledger), Some(all));
            }
        }
    }
}
