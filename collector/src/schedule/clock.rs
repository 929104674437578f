//! Time, as the timetable is driven by it: handed in, so that a test drives it through months.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// What [`Clock::sleep`] answers.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A clock.
pub trait Clock: Debug + Send + Sync {
    /// What it shows. Somebody may set it, either way.
    fn now(&self) -> Timestamp;

    /// How much time has truly gone by since some moment; never set.
    fn elapsed(&self) -> Duration;

    /// Waits for so much time to go by.
    fn sleep(&self, length: Duration) -> Sleep<'_>;
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, length: Duration) -> Sleep<'_> {
        Box::pin(tokio::time::sleep(length))
    }
}
