//! The last hour of a number, at a glance.

use collector::RangePoint;
use jiff::{SignedDuration, Timestamp};

use super::super::{Reader, Sources};
use crate::charts::{self, Name, Unit};
use crate::format;
use crate::range::Range;
use crate::widgets::Html;

/// How far a line goes back, and its points.
const SPAN: SignedDuration = SignedDuration::from_hours(1);
const POINTS: u32 = 60;
/// What one of them stands for.
const STEP_SECONDS: f64 = 60.0;

/// A series: its metric, and the label that tells it from others.
pub(super) type Wanted = (&'static str, Option<(&'static str, &'static str)>);

pub(super) const ACTIVE: Wanted = ("postgresql_connections", Some(("state", "active")));
pub(super) const COMMITS: Wanted = ("postgresql_commits_per_second", None);
pub(super) const ROLLBACKS: Wanted = ("postgresql_rollbacks_per_second", None);
pub(super) const CACHE_HIT: Wanted = ("postgresql_cache_hit_ratio", None);
pub(super) const LOCKS: Wanted = ("postgresql_locks_waiting", None);
pub(super) const LONGEST: Wanted = ("postgresql_longest_transaction_seconds", None);
pub(super) const SIZE: Wanted = ("postgresql_database_bytes", None);
pub(super) const MEMORY: Wanted = ("redis_memory_used_bytes", None);
pub(super) const HITS: Wanted = ("redis_keyspace_hit_ratio", None);
pub(super) const EVICTIONS: Wanted = ("redis_evicted_keys_per_second", None);
pub(super) const CLIENTS: Wanted = ("redis_connected_clients", None);
pub(super) const COMMANDS: Wanted = ("redis_commands_per_second", None);

/// What the panel on the overview needs.
pub(super) const OVERVIEW: [Wanted; 6] = [ACTIVE, COMMITS, ROLLBACKS, CACHE_HIT, MEMORY, HITS];
/// What the page needs.
pub(super) const PAGE: [Wanted; 12] =
    [ACTIVE, COMMITS, ROLLBACKS, CACHE_HIT, LOCKS, LONGEST, SIZE, MEMORY, HITS, EVICTIONS, CLIENTS, COMMANDS];

/// The last hour of several series.
pub(super) struct Lines {
    wanted: Vec<Wanted>,
    points: Vec<Vec<RangePoint>>,
    to: Timestamp,
}

impl Lines {
    pub(super) async fn read(sources: &Sources, now: Timestamp, wanted: &[Wanted]) -> Self {
        let points = sources.database.past(wanted, SPAN, POINTS).await;
        Self { wanted: wanted.to_vec(), points, to: now }
    }

    fn of(&self, wanted: Wanted) -> &[RangePoint] {
        let place = self.wanted.iter().position(|known| *known == wanted);
        place.and_then(|place| self.points.get(place)).map_or(&[], Vec::as_slice)
    }

    /// The newest value, unless it is older than a minute and a half.
    pub(super) fn newest(&self, wanted: Wanted) -> Option<f64> {
        let newest = self.of(wanted).last()?;
        (self.to.duration_since(newest.at) <= SignedDuration::from_secs(90)).then_some(newest.avg)
    }

    /// Writes the line, which says itself in words.
    pub(super) fn draw(&self, html: &mut Html, reader: &Reader, name: Name<'_>, wanted: Wanted, unit: Unit) {
        let points = self.of(wanted).iter().map(|point| (format::milliseconds(point.at), Some(point.avg)));
        let dots = charts::with_breaks(points.collect(), STEP_SECONDS);
        let span = (format::milliseconds(self.to - SPAN), format::milliseconds(self.to));
        let over = charts::until_now(reader.words, Range::Hour);
        charts::write_sparkline(html, reader.words, name, (&dots, span), unit, &over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(points: Vec<RangePoint>, to: Timestamp) -> String {
        let mut html = Html::default();
        let lines = Lines { wanted: vec![LOCKS], points: vec![points], to };
        let reader = Reader::of_request(String::new(), None);
        lines.draw(&mut html, &reader, ("Locks", "series-5"), LOCKS, Unit::Count);
        html.into_string()
    }

    #[test]
    fn a_line_is_between_its_lowest_and_highest_value_and_broken_where_it_has_a_gap() {
        let to = Timestamp::from_second(1_764_000_000).unwrap();
        let point = |minutes: i64, avg| RangePoint {
            at: to - SignedDuration::from_mins(minutes),
            min: avg,
            avg,
            max: avg,
            count: 1,
        };
        let points = vec![point(60, 0.0), point(58, 10.0), point(2, 10.0), point(0, 0.0)];
        let html = drawn(points, to);
        assert!(html.contains(" d=\"M0.0 26.0L6.7 2.0M193.3 2.0L200.0 26.0\""), "{html}");
        assert!(html.contains("Locks: newest 0, lowest 0, highest 10 in the last 1 h"), "{html}");
        assert!(drawn(vec![], to).contains(" d=\"\""));
    }
}
