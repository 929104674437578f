//! Ids of events that have come, so that one that comes again is left out.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Newest ids that are known in memory. What is older is known by PostgreSQL alone, which leaves
/// it out when it is saved.
pub(super) const REMEMBERED: usize = 50_000;

/// Name of the event and id.
type Key = (Arc<str>, Arc<str>);

/// The newest ids.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// With the number of the record that it came in; 0 for what is certainly kept.
    seqs: HashMap<Key, u64>,
    oldest_first: VecDeque<Key>,
}

impl Known {
    /// The record in which this came before.
    pub(super) fn seq(&self, event: &str, id: &str) -> Option<u64> {
        self.seqs.get(&(event.into(), id.into())).copied()
    }

    /// Notes that this comes in the record `seq`.
    pub(super) fn insert(&mut self, event: &str, id: &str, seq: u64) {
        let key: Key = (event.into(), id.into());
        if self.seqs.insert(key.clone(), seq).is_none() {
            self.oldest_first.push_back(key);
        }
        while self.oldest_first.len() > REMEMBERED {
            if let Some(oldest) = self.oldest_first.pop_front() {
                self.seqs.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_ids_are_known_each_for_its_event_and_no_more_than_can_be_remembered() {
        let mut known = Known::default();
        known.insert("a", "1", 7);
        known.insert("b", "1", 8);
        assert_eq!((known.seq("a", "1"), known.seq("b", "1"), known.seq("a", "2")), (Some(7), Some(8), None));
        for n in 0..REMEMBERED {
            known.insert("c", &n.to_string(), 9);
        }
        assert_eq!((known.seq("a", "1"), known.seq("c", "0")), (None, Some(9)));
        assert_eq!(known.seqs.len(), REMEMBERED);
    }
}
