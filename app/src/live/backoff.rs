//! When to try again: exponential, with full jitter, so that the pages of a restarted server do
//! not all come back in the same moment (see "Exponential Backoff And Jitter", AWS Architecture
//! Blog, 2015).

use std::time::Duration;

const FIRST_SECONDS: f64 = 0.5;
const LONGEST_SECONDS: f64 = 10.0;

/// The pause before attempt `attempt` (0 is the first after a loss); `random` is in 0..1.
#[must_use]
pub fn pause(attempt: u32, random: f64) -> Duration {
    let doublings = i32::try_from(attempt.min(10)).unwrap_or(10);
    let longest = (FIRST_SECONDS * 2.0_f64.powi(doublings)).min(LONGEST_SECONDS);
    Duration::from_secs_f64(longest * random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_ten_seconds_and_are_spread_over_all_of_it() {
        let longest: Vec<_> = (0..7).map(|attempt| pause(attempt, 1.0).as_secs_f64()).collect();
        assert_eq!(longest, [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
        assert_eq!(pause(u32::MAX, 0.5), Duration::from_secs(5));
        assert_eq!(pause(3, 0.0), Duration::ZERO);
    }
}
