//! From cumulative counters to increases. Nothing here knows what is counted.

use std::collections::HashMap;
use std::hash::Hash;

/// The last seen value of many cumulative counters, one per key.
///
/// A counter that went down was reset (its device went away and came back, or the host
/// restarted): as in Prometheus' `increase`, it is taken to have counted from zero since.
///
/// ```
/// let mut counters = collector::Counters::default();
/// assert_eq!(counters.increase("eth0", 1_000), None); // nothing to compare with yet
/// assert_eq!(counters.increase("eth0", 1_500), Some(500));
/// assert_eq!(counters.increase("eth0", 20), Some(20)); // reset
/// ```
#[derive(Debug)]
pub struct Counters<K> {
    last: HashMap<K, u64>,
}

impl<K> Default for Counters<K> {
    fn default() -> Self {
        Self { last: HashMap::new() }
    }
}

impl<K: Eq + Hash> Counters<K> {
    /// The increase of `key` since its previous call; `None` at the first sight of it.
    pub fn increase(&mut self, key: K, value: u64) -> Option<u64> {
        let previous = self.last.insert(key, value)?;
        Some(value.checked_sub(previous).unwrap_or(value))
    }

    /// Forgets every key for which `keep` is false, so that a device that is gone and comes back
    /// starts anew instead of showing all it counted meanwhile as one burst.
    pub fn retain(&mut self, mut keep: impl FnMut(&K) -> bool) {
        self.last.retain(|key, _| keep(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_device_that_was_away_starts_anew() {
        let mut counters = Counters::default();
        counters.increase("wg0", 5);
        counters.retain(|key| *key != "wg0");
        assert_eq!(counters.increase("wg0", 900), None);
    }

    proptest! {
        #[test]
        fn increases_add_up_to_what_was_counted(steps in prop::collection::vec((0_u64..1 << 40, any::<bool>()), 1..50)) {
            let mut counters = Counters::default();
            counters.increase((), 0);
            let (mut value, mut expected, mut seen) = (0_u64, 0_u64, 0_u64);
            for (step, reset) in steps {
                // After a reset the counter must be below its last value to be seen as one.
                value = if reset && step < value { step } else { value + step };
                let before = seen;
                seen += counters.increase((), value).unwrap();
                expected += step;
                prop_assert!(seen >= before);
            }
            prop_assert_eq!(seen, expected);
        }
    }
}
