//! The last hour of a number, at a glance.

use std::fmt::Write as _;

use collector::RangePoint;
use jiff::{SignedDuration, Timestamp};

use super::super::{Reader, Sources};
use crate::charts::Unit;
use crate::widgets::Html;

/// How far a line goes back, and its points.
const SPAN: SignedDuration = SignedDuration::from_hours(1);
const POINTS: u32 = 60;
/// Points that are further apart than so much of the span have a gap between them.
const GAP: f64 = 0.05;
/// The box, as in the markup below.
const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 28.0;

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
    pub(super) fn draw(
        &self,
        html: &mut Html,
        reader: &Reader,
        (name, wanted, color): (&str, Wanted, &'static str),
        unit: Unit,
    ) {
        let points = self.of(wanted);
        let over = (reader.words.duration)(3_600);
        let values = || points.iter().map(|point| point.avg);
        let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let label = match values().next_back() {
            Some(newest) => {
                (reader.words.graph_summary)(name, &unit.text(newest), &unit.text(low), &unit.text(high), &over)
            }
            None => (reader.words.graph_empty)(name, &over),
        };
        html.element("<svg class=\"sparkline\" role=\"img\" aria-label=\"", &label, "\"");
        html.mark(" viewBox=\"0 0 200 28\" preserveAspectRatio=\"none\"><path class=\"").mark(color);
        html.element("\" d=\"", &path(points, self.to, (low, high), unit.calm()), "\"/></svg>");
    }
}

fn path(points: &[RangePoint], to: Timestamp, (low, high): (f64, f64), calm: f64) -> String {
    let range = (high - low).max(calm).max(f64::MIN_POSITIVE);
    let bottom = (f64::midpoint(low, high) - range / 2.0).max(0.0);
    let (mut path, mut before): (String, Option<f64>) = (String::new(), None);
    for point in points {
        let place = 1.0 - to.duration_since(point.at).as_secs_f64() / SPAN.as_secs_f64();
        let command = if before.is_some_and(|before| place - before <= GAP) { 'L' } else { 'M' };
        let y = HEIGHT - 2.0 - (point.avg - bottom) / range * (HEIGHT - 4.0);
        let _ = write!(path, "{command}{:.1} {y:.1}", place * WIDTH);
        before = Some(place);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let points = [point(60, 0.0), point(58, 10.0), point(2, 10.0), point(0, 0.0)];
        assert_eq!(path(&points, to, (0.0, 10.0), 1.0), "M0.0 26.0L6.7 2.0M193.3 2.0L200.0 26.0");
        assert_eq!(path(&[], to, (f64::INFINITY, f64::NEG_INFINITY), 1.0), "");
    }
}
