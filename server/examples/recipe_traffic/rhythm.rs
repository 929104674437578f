//! How busy a recipe site is by the hour, and when something goes wrong there.

use std::time::Duration;

/// Load of each hour as a share of the busiest: people look before lunch and before dinner.
const HOURS: [f64; 24] = [
    0.15, 0.10, 0.08, 0.08, 0.10, 0.15, 0.30, 0.40, 0.40, 0.45, 0.60, 0.80, //
    0.75, 0.50, 0.45, 0.55, 0.75, 0.95, 1.00, 0.90, 0.65, 0.45, 0.35, 0.25,
];
/// The day begins for the visitors in the afternoon, so that there is something to see at once.
const FIRST_HOUR: f64 = 16.0;
/// Hours at which a burst begins, in which every fifth request fails.
const BURSTS: [f64; 3] = [9.0, 17.5, 21.0];
const BURST_HOURS: f64 = 0.5;
const FAILING: f64 = 0.2;
/// Hours in which the search is slow.
const SLOW: (f64, f64) = (18.0, 19.5);

/// One moment of the day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Share of the busiest hour's requests.
    pub load: f64,
    /// Probability that a request fails.
    pub failing: f64,
    /// Probability that a search is slow.
    pub slow: f64,
}

/// The moment so long after the start of days of this length.
pub fn at(elapsed: Duration, day: Duration) -> Moment {
    let hour = (FIRST_HOUR + elapsed.as_secs_f64() / day.as_secs_f64() * 24.0) % 24.0;
    let is_burst = BURSTS.iter().any(|start| (*start..start + BURST_HOURS).contains(&hour));
    let is_slow = (SLOW.0..SLOW.1).contains(&hour);
    Moment { load: load(hour), failing: if is_burst { FAILING } else { 0.002 }, slow: if is_slow { 0.4 } else { 0.02 } }
}

/// Between two hours the load is on the line from one to the next.
fn load(hour: f64) -> f64 {
    let after = HOURS.iter().cycle().skip(1);
    let lines = HOURS.iter().zip(after).zip(0_u32..);
    let line = lines.map(|((from, to), start)| (from, to, hour - f64::from(start)));
    line.filter(|(.., part)| (0.0..1.0).contains(part)).map(|(from, to, part)| from + (to - from) * part).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60);

    fn hours_in(hours: f64) -> Moment {
        at(Duration::from_secs_f64(hours * 60.0), DAY)
    }

    #[test]
    fn the_day_begins_in_the_afternoon_is_busiest_before_dinner_and_comes_again() {
        assert!((hours_in(0.0).load - 0.75).abs() < 1e-9);
        assert!((hours_in(2.0).load - 1.0).abs() < 1e-9);
        assert!((hours_in(2.5).load - 0.95).abs() < 1e-9);
        assert!((hours_in(7.5).load - 0.2).abs() < 1e-9, "from the last hour to the first");
        assert_eq!(hours_in(3.0), hours_in(27.0));
    }

    #[test]
    fn there_are_bursts_of_errors_and_hours_in_which_the_search_is_slow() {
        assert_eq!(hours_in(1.6).failing, FAILING);
        assert!(hours_in(2.1).failing < 0.01);
        assert!(hours_in(2.1).slow > hours_in(4.0).slow);
    }
}
