//! Samples that are not yet in PostgreSQL.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::System;

/// Samples in the order they were taken, up to a limit; past it the oldest are given up.
#[derive(Debug)]
pub struct Buffer {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    samples: VecDeque<Arc<System>>,
    /// Number of the first of `samples`, counted from the first ever.
    first: u64,
}

/// Samples taken out to be saved; they stay in the buffer until [`Buffer::forget`].
#[derive(Debug)]
pub struct Batch {
    /// The samples, oldest first.
    pub samples: Vec<Arc<System>>,
    /// Number after the last of them.
    end: u64,
}

impl Buffer {
    /// An empty buffer for `limit` samples.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), state: Mutex::default() }
    }

    /// Adds a sample; answers how many old ones were given up for it.
    pub fn push(&self, sample: System) -> u64 {
        let mut state = self.state();
        state.samples.push_back(Arc::new(sample));
        let mut given_up = 0;
        while state.samples.len() > self.limit {
            state.samples.pop_front();
            state.first += 1;
            given_up += 1;
        }
        given_up
    }

    /// All samples, to be saved.
    #[must_use]
    pub fn batch(&self) -> Batch {
        let state = self.state();
        let samples: Vec<_> = state.samples.iter().cloned().collect();
        let end = state.first + u64::try_from(samples.len()).unwrap_or(u64::MAX);
        Batch { samples, end }
    }

    /// Forgets the samples of a batch that was saved.
    pub fn forget(&self, batch: &Batch) {
        let mut state = self.state();
        while state.first < batch.end && state.samples.pop_front().is_some() {
            state.first += 1;
        }
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state().samples.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(n: u64) -> System {
        System { uptime_seconds: n, ..System::default() }
    }

    fn numbers(buffer: &Buffer) -> Vec<u64> {
        buffer.batch().samples.iter().map(|sample| sample.uptime_seconds).collect()
    }

    #[test]
    fn what_came_while_a_batch_was_saved_stays() {
        let buffer = Buffer::new(10);
        for n in 0..3 {
            buffer.push(sample(n));
        }
        let batch = buffer.batch();
        for n in 3..5 {
            buffer.push(sample(n));
        }
        buffer.forget(&batch);
        assert_eq!(numbers(&buffer), [3, 4]);
    }

    #[test]
    fn past_the_limit_the_oldest_go_and_are_counted_also_while_a_batch_is_saved() {
        let buffer = Buffer::new(3);
        let given_up: u64 = (0..4).map(|n| buffer.push(sample(n))).sum();
        assert_eq!((given_up, numbers(&buffer)), (1, vec![1, 2, 3]));
        let batch = buffer.batch();
        buffer.push(sample(4));
        buffer.push(sample(5));
        buffer.forget(&batch);
        assert_eq!(numbers(&buffer), [4, 5]);
    }
}
