//! A clock that a test drives: months go by in seconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use collector::schedule::{Clock, Sleep};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Time goes by only while all its `parties` sleep, and then at once until the first has to wake.
/// Who sleeps for less sleeps until the next multiple of `stride`, as on a machine that is busy.
#[derive(Debug)]
pub struct Simulated {
    start: Timestamp,
    stride: Duration,
    /// From when on the clock shows how much more or less.
    steps: Vec<(Duration, SignedDuration)>,
    parties: usize,
    elapsed: watch::Sender<Duration>,
    sleeping: Mutex<Sleeping>,
}

#[derive(Debug, Default)]
struct Sleeping {
    last: u64,
    until: BTreeMap<u64, Duration>,
}

impl Simulated {
    pub fn new(start: Timestamp, stride: Duration, parties: usize, steps: &[(Duration, SignedDuration)]) -> Self {
        let elapsed = watch::Sender::new(Duration::ZERO);
        Self { start, stride, steps: steps.to_vec(), parties, elapsed, sleeping: Mutex::default() }
    }

    /// What it shows when so much has gone by.
    pub fn shown(&self, elapsed: Duration) -> Timestamp {
        let steps = self.steps.iter().filter(|(from, _)| *from <= elapsed);
        let step = steps.fold(SignedDuration::ZERO, |total, (_, step)| total + *step);
        self.start + SignedDuration::try_from(elapsed).unwrap() + step
    }

    fn lie_down(&self, length: Duration) -> (u64, Duration) {
        let mut sleeping = self.sleeping.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = *self.elapsed.borrow() + length;
        let strides = wanted.as_nanos().div_ceil(self.stride.as_nanos());
        let until = self.stride * u32::try_from(strides).unwrap();
        sleeping.last += 1;
        let id = sleeping.last;
        sleeping.until.insert(id, until);
        if sleeping.until.len() == self.parties {
            let next = sleeping.until.values().min().copied().unwrap();
            sleeping.until.retain(|_, until| *until > next);
            self.elapsed.send_replace(next);
        }
        (id, until)
    }
}

impl Clock for Simulated {
    fn now(&self) -> Timestamp {
        self.shown(*self.elapsed.borrow())
    }

    fn elapsed(&self) -> Duration {
        *self.elapsed.borrow()
    }

    fn sleep(&self, length: Duration) -> Sleep<'_> {
        Box::pin(async move {
            let mut elapsed = self.elapsed.subscribe();
            let (id, until) = self.lie_down(length);
            let _bed = Bed { clock: self, id };
            let _ = elapsed.wait_for(|elapsed| *elapsed >= until).await;
        })
    }
}

/// Who no longer waits does not sleep either.
struct Bed<'a> {
    clock: &'a Simulated,
    id: u64,
}

impl Drop for Bed<'_> {
    fn drop(&mut self) {
        self.clock.sleeping.lock().unwrap_or_else(PoisonError::into_inner).until.remove(&self.id);
    }
}
