//! Which numbers of the history make a line, and where the line is broken.

use collector::{GraphPoint, History};

use crate::format;
use crate::live::Subject;

/// A line: its name, its colour and its numbers.
#[derive(Clone, Copy, Debug)]
pub struct Series {
    /// In the viewer's language.
    pub name: &'static str,
    /// Its colour, as the class in style/graph.css and the custom property of the same name: the
    /// same metric always has the same one.
    pub color: &'static str,
    /// The metric, as rules name it.
    pub metric: &'static str,
    /// Whose past it is from.
    pub of: Subject,
    /// The number of a point.
    pub value: fn(&GraphPoint) -> Option<f64>,
}

/// Dots of a sparkline: more than it has pixels would only cost bytes.
const FEW: i64 = 60;

/// Milliseconds since the epoch and the value then; `None` is a break in the line.
pub type Dot = (f64, Option<f64>);

impl Series {
    /// The dots of the line's last `seconds` in the order of time, a break wherever a reading is missing or more than
    /// three steps lie between two points.
    #[must_use]
    pub fn dots(&self, history: &History, seconds: i64, push_seconds: f64) -> Vec<Dot> {
        with_breaks(self.points(history, seconds), push_seconds)
    }

    /// As many dots as a sparkline needs, made of those.
    #[must_use]
    pub fn few_dots(&self, history: &History, push_seconds: f64) -> Vec<Dot> {
        let seconds = history.span_seconds();
        with_breaks(means(&self.points(history, seconds), seconds / FEW), push_seconds)
    }

    fn points(&self, history: &History, seconds: i64) -> Vec<Dot> {
        let dot = |point: &GraphPoint| (milliseconds(point), (self.value)(point).filter(|v| v.is_finite()));
        history.newest_points(seconds).map(dot).collect()
    }
}

/// Of the points in each so many seconds one: the mean value at the last of them.
#[must_use]
pub fn means(points: &[Dot], seconds: i64) -> Vec<Dot> {
    let length = format::milliseconds(format::second(seconds.max(1)));
    let place = |dot: &Dot| (dot.0 / length).floor();
    let mean = |dots: &[Dot]| {
        let values = dots.iter().filter_map(|dot| dot.1);
        let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        (dots.last().map_or(0.0, |dot| dot.0), (count > 0.0).then(|| sum / count))
    };
    points.chunk_by(|a, b| place(a) == place(b)).map(mean).collect()
}

/// The points with a break wherever more than three steps lie between two; a step is at least
/// `least_seconds`.
#[must_use]
pub fn with_breaks(points: Vec<Dot>, least_seconds: f64) -> Vec<Dot> {
    // Nearly always.
    if points.is_sorted_by(|before, dot| dot.0 - before.0 <= 3_000.0 * least_seconds) {
        return points;
    }
    let mut dots = Vec::with_capacity(points.len());
    for (index, dot) in points.iter().enumerate() {
        // A step is at least that long, so most need no look at those around them.
        let may_be_far = |before: &&Dot| dot.0 - before.0 > 3_000.0 * least_seconds;
        if let Some(before) = index.checked_sub(1).and_then(|before| points.get(before)).filter(may_be_far)
            && dot.0 - before.0 > 3.0 * step(&points, index, least_seconds)
        {
            dots.push((f64::midpoint(before.0, dot.0), None));
        }
        dots.push(*dot);
    }
    dots
}

/// The usual distance of points around `index`. It is not the same everywhere: the older part of
/// a history is thinner than what arrived live.
fn step(points: &[Dot], index: usize, least_seconds: f64) -> f64 {
    const AROUND: usize = 6;
    let usual = |points: &[Dot]| {
        let distances = || points.windows(2).map(|pair| pair[1].0 - pair[0].0);
        // The median of a handful, without a sort.
        let middle = distances().count() / 2;
        let is_median = |distance: &f64| {
            let less = distances().filter(|other| other < distance).count();
            less <= middle && middle < less + distances().filter(|other| other == distance).count()
        };
        distances().find(is_median).unwrap_or(0.0)
    };
    let before = usual(&points[index.saturating_sub(AROUND)..index]);
    let after = usual(&points[index..points.len().min(index + AROUND)]);
    before.max(after).max(least_seconds * 1_000.0)
}

fn milliseconds(point: &GraphPoint) -> f64 {
    format::milliseconds(point.at)
}

/// Newest, lowest and highest value of dots.
#[must_use]
pub fn extremes(dots: &[Dot]) -> Option<[f64; 3]> {
    let mut values = dots.iter().filter_map(|dot| dot.1);
    let first = values.next()?;
    Some(values.fold([first; 3], |[_, low, high], value| [value, low.min(value), high.max(value)]))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const CPU: Series = Series {
        name: "CPU",
        color: "series-1",
        metric: "cpu_usage",
        of: Subject::Host,
        value: |point| point.cpu_usage,
    };

    fn history(seconds: &[i64]) -> History {
        let mut history = History::new(900);
        for &second in seconds {
            history.insert(GraphPoint {
                at: Timestamp::new(second, 0).unwrap(),
                cpu_usage: Some(1.0),
                ..GraphPoint::default()
            });
        }
        history
    }

    fn breaks(seconds: &[i64]) -> Vec<f64> {
        let dots = CPU.dots(&history(seconds), 900, 2.0);
        dots.iter().filter(|dot| dot.1.is_none()).map(|dot| dot.0 / 1_000.0).collect()
    }

    #[test]
    fn a_line_is_broken_where_more_than_three_steps_are_missing() {
        assert_eq!(breaks(&[0, 2, 4, 6, 8]), [0.0; 0]);
        assert_eq!(breaks(&[0, 2, 4, 10, 12, 14]), [0.0; 0]);
        assert_eq!(breaks(&[0, 2, 4, 12, 14, 16]), [8.0]);
    }

    #[test]
    fn the_thin_older_part_and_the_dense_newer_part_are_one_line() {
        assert_eq!(breaks(&[0, 10, 20, 30, 40, 42, 44, 46, 48]), [0.0; 0]);
        assert_eq!(breaks(&[0, 10, 20, 60, 70, 80, 82, 84, 86, 100, 102, 104]), [40.0, 93.0]);
    }

    #[test]
    fn a_missing_reading_breaks_the_line() {
        let mut history = history(&[0, 2, 6]);
        history.insert(GraphPoint { at: Timestamp::new(4, 0).unwrap(), ..GraphPoint::default() });
        let dots = CPU.dots(&history, 900, 2.0);
        assert_eq!(dots.iter().map(|dot| dot.1).collect::<Vec<_>>(), [Some(1.0), Some(1.0), None, Some(1.0)]);
    }

    #[test]
    fn a_sparkline_has_the_mean_of_each_step() {
        let dots = [(0.0, Some(1.0)), (1_000.0, Some(2.0)), (14_000.0, None), (15_000.0, Some(4.0)), (29_000.0, None)];
        assert_eq!(means(&dots, 15), [(14_000.0, Some(1.5)), (29_000.0, Some(4.0))]);
        assert_eq!(means(&[(0.0, None)], 15), [(0.0, None)]);
    }

    #[test]
    fn extremes_are_the_newest_lowest_and_highest() {
        assert_eq!(
            extremes(&[(0.0, Some(3.0)), (1.0, None), (2.0, Some(1.0)), (3.0, Some(2.0))]),
            Some([2.0, 1.0, 3.0])
        );
        assert_eq!(extremes(&[(0.0, None)]), None);
    }
}
