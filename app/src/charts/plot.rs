//! A graph as numbers: the same axes and lines whoever draws them.

use super::series::{Dot, extremes};
use super::unit::{Unit, Writing};
use crate::format::{self, Zone, fixed, push_fixed};

const MINUTE: f64 = 60_000.0;
const DAY: f64 = 1_440.0 * MINUTE;
/// Distances of two marks on the time axis, in milliseconds.
const MARK_STEPS: [f64; 6] = [5.0 * MINUTE, 15.0 * MINUTE, 120.0 * MINUTE, 360.0 * MINUTE, 2.0 * DAY, 7.0 * DAY];

/// What is drawn of a line anew when time moves on is a piece of it, of an eighth of the width; what is seen of it is so
/// many at the most, with those cut off on both sides.
pub const PIECES: u8 = 9;
const PIECE_WIDTH: f64 = 125.0;

/// Of a drawing, 360 columns can be told apart.
const COLUMN_WIDTH: f64 = PIECE_WIDTH / 45.0;

/// A value from which on a rule of the same metric is broken, and its severity as the custom
/// property with its colour.
pub type Threshold = (f64, &'static str);

/// A graph's axes and lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// Left and right end of the time axis, in milliseconds since the epoch.
    pub time: (f64, f64),
    /// The upper end of the value axis, which starts at 0.
    pub top: f64,
    /// Distance of two marks on the value axis.
    pub step: f64,
    /// The unit all values below are in.
    pub unit: String,
    /// Decimals of a value.
    pub decimals: usize,
    /// The dots of each series, in the plot's unit.
    pub lines: Vec<Vec<Dot>>,
    /// The same of an earlier time; empty where there is none beside it.
    pub compared: Vec<Vec<Dot>>,
    /// The thresholds below the upper end, in the plot's unit.
    pub thresholds: Vec<Threshold>,
    /// Newest, lowest and highest value of each series, in the metric's own unit.
    pub extremes: Vec<Option<[f64; 3]>>,
}

impl Plot {
    /// The plot of these lines over a span of time, beside those of an earlier one; all in the
    /// metric's own unit.
    #[must_use]
    pub fn of(
        mut lines: Vec<Vec<Dot>>,
        mut compared: Vec<Vec<Dot>>,
        unit: Unit,
        thresholds: &[Threshold],
        time: (f64, f64),
    ) -> Self {
        for dots in &mut compared {
            dots.retain(|dot| time.0 <= dot.0 && dot.0 <= time.1);
        }
        let earlier: Vec<_> = compared.iter().map(|dots| extremes(dots)).collect();
        let extremes: Vec<_> = lines.iter().map(|dots| extremes(dots)).collect();
        let all = extremes.iter().chain(&earlier).flatten();
        let highest = all.map(|[_, _, high]| *high).fold(unit.least(), f64::max);
        let Writing { name, divisor, decimals } = unit.writing(highest);
        for dot in lines.iter_mut().chain(&mut compared).flatten() {
            dot.1 = dot.1.map(|value| value / divisor);
        }
        let (top, step) = if unit == Unit::Percent { (100.0, 50.0) } else { round_axis(highest / divisor) };
        let thresholds = thresholds.iter().map(|(value, severity)| (value / divisor, *severity));
        let thresholds = thresholds.filter(|(value, _)| *value < top).collect();
        Self { time, top, step, unit: name, decimals, lines, compared, thresholds, extremes }
    }

    /// Whether there is anything to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.extremes.iter().all(Option::is_none) && self.compared.iter().flatten().all(|dot| dot.1.is_none())
    }

    /// Where a moment is on the time axis, from 0 to 1.
    #[must_use]
    pub fn place(&self, at: f64) -> f64 {
        (at - self.time.0) / (self.time.1 - self.time.0)
    }

    /// What the marks of the value axis say: on top, halfway and at the bottom.
    #[must_use]
    pub fn value_marks(&self) -> [String; 3] {
        value_marks(self.top, self.step)
    }

    /// The path of a threshold, in the same box as those of the lines.
    #[must_use]
    pub fn threshold_path(&self, value: f64) -> String {
        format!("M0 {}H1000", fixed((1.0 - value / self.top) * 100.0, 1))
    }

    /// The marks of the time axis: how far right (0-1) and when, in milliseconds since the epoch.
    /// At most five, at round times of the viewer's clock; none where there is no time to go by.
    #[must_use]
    pub fn time_marks(&self, zone: Zone) -> Vec<(f64, f64)> {
        let (from, to) = self.time;
        let step = self.mark_step();
        let east = zone.minutes_east() * MINUTE;
        let first = ((from + east) / step).ceil() * step - east;
        (0..5)
            .map(|index| first + f64::from(index) * step)
            .filter(|at| *at <= to && to > 0.0)
            .map(|at| (self.place(at), at))
            .collect()
    }

    /// Whether the marks of the time axis are days, and not times of day.
    #[must_use]
    pub fn marks_days(&self) -> bool {
        self.mark_step() >= DAY
    }

    /// The smallest round time of which there are at most four in the span.
    fn mark_step(&self) -> f64 {
        let span = self.time.1 - self.time.0;
        MARK_STEPS.into_iter().find(|step| span <= step * 4.5).unwrap_or(MARK_STEPS[MARK_STEPS.len() - 1])
    }

    /// How far a box of 1000 x 100, in which lines are drawn, has to move to the left. Where a dot is in it stays the same
    /// until a whole box has gone by.
    #[must_use]
    pub fn moved(&self) -> f64 {
        self.x(self.time.0)
    }

    /// Where a moment is in that box.
    #[must_use]
    pub fn x(&self, at: f64) -> f64 {
        let span = self.time.1 - self.time.0;
        (at - (self.time.0 / span).floor() * span) / span * 1_000.0
    }

    fn column(&self, dot: &Dot) -> f64 {
        (self.x(dot.0) / COLUMN_WIDTH).floor()
    }

    /// The dots of the piece of a line that has a place, up to the first of the next piece. Each keeps its place as long as
    /// it is seen; the newest takes that of the oldest.
    #[must_use]
    pub fn piece<'a>(&self, dots: &'a [Dot], place: u8) -> &'a [Dot] {
        let place = f64::from(place);
        let turn = if place < (self.moved() / PIECE_WIDTH).floor() { f64::from(PIECES) } else { 0.0 };
        let left = (turn + place) * PIECE_WIDTH;
        let dots = &dots[dots.partition_point(|dot| dot.0 < self.time.0)..];
        let dots = &dots[dots.partition_point(|dot| self.x(dot.0) < left)..];
        let own = dots.partition_point(|dot| self.x(dot.0) < left + PIECE_WIDTH);
        let goes_on = dots[..own].last().is_some_and(|dot| dot.1.is_some());
        &dots[..dots.len().min(own + usize::from(goes_on))]
    }

    /// What a piece is drawn by, in one number.
    #[must_use]
    pub fn digest(&self, piece: &[Dot]) -> u64 {
        // As FxHash does it.
        let add = |hash: u64, number: f64| (hash.rotate_left(5) ^ number.to_bits()).wrapping_mul(0x517c_c1b7_2722_0a95);
        piece
            .iter()
            .fold(add(self.top.to_bits(), self.x(0.0)), |hash, dot| add(add(hash, dot.0), dot.1.unwrap_or(-1.0)))
    }

    /// The paths of a piece and of the area under it. A dot between two breaks becomes a short stroke, or nobody would see
    /// it.
    #[must_use]
    pub fn paths(&self, piece: &[Dot]) -> [String; 2] {
        let (mut line, mut area) = (String::new(), String::new());
        for run in piece.split(|dot| dot.1.is_none()) {
            let Some(first) = run.first() else { continue };
            let begin = line.len();
            // Where the piece before it ends.
            let rest = self.seen(run).filter(|dot| *dot != first);
            for dot in std::iter::once(first).chain(rest) {
                let share = (dot.1.unwrap_or_default() / self.top).clamp(0.0, 1.0);
                let command = if line.len() == begin { 'M' } else { 'L' };
                point(&mut line, command, self.x(dot.0), (1.0 - share) * 100.0);
            }
            area.push_str(&line[begin..]);
            area.push_str("V100H");
            push_fixed(&mut area, self.x(first.0), 1);
            area.push('Z');
            if !line[begin..].contains('L') {
                line.push_str("h2");
            }
        }
        [line, area]
    }

    /// The dots of a line without breaks that can be seen: of many in one column, the lowest and the highest.
    fn seen<'a>(&self, run: &'a [Dot]) -> impl Iterator<Item = &'a Dot> {
        run.chunk_by(|a, b| self.column(a) == self.column(b)).flat_map(|dots| {
            let low = dots.iter().reduce(|low, dot| if dot.1 < low.1 { dot } else { low });
            let high = dots.iter().reduce(|high, dot| if dot.1 > high.1 { dot } else { high });
            let is_in_order = low.map(|low| low.0) <= high.map(|high| high.0);
            let [first, second] = if is_in_order { [low, high] } else { [high, low] };
            first.into_iter().chain(second.filter(|_| low != high))
        })
    }
}

/// Adds a point to a path.
pub fn point(path: &mut String, command: char, x: f64, y: f64) {
    path.push(command);
    push_fixed(path, x, 1);
    path.push(' ');
    push_fixed(path, y, 1);
}

/// What the marks of an axis from 0 to `top` say: on top, at `step` and at the bottom.
#[must_use]
pub fn value_marks(top: f64, step: f64) -> [String; 3] {
    // As many decimals as the shortest form of the step needs.
    let is_whole = |decimals: &i32| (step * 10.0_f64.powi(*decimals)).fract().abs() < 1e-9;
    let decimals = usize::try_from((0..3).find(is_whole).unwrap_or(3)).unwrap_or(0);
    [top, step, 0.0]
        .map(|value| if decimals == 0 || value == 0.0 { format::count(value) } else { fixed(value, decimals) })
}

/// The upper end of an axis that starts at 0 and holds `highest`, and half of it: every choice
/// has a half that is as round.
#[must_use]
pub fn round_axis(highest: f64) -> (f64, f64) {
    let highest = highest.max(0.19);
    // Whole numbers, divided last: 0.6 is not 0.6000000000000001.
    let mut power = 1.0;
    while power <= highest {
        power *= 10.0;
    }
    let factor = [10.0, 12.0, 16.0, 20.0, 40.0, 60.0, 80.0, 100.0]
        .into_iter()
        .find(|factor| factor * power / 100.0 >= highest * 1.02)
        .unwrap_or(120.0);
    (factor * power / 100.0, factor * power / 200.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a quarter of an hour until second 1,000, unless there is nothing.
    fn plot(points: &[(u32, Option<f64>)], unit: Unit, thresholds: &[Threshold]) -> Plot {
        let dots: Vec<Dot> = points.iter().map(|&(second, value)| (f64::from(second) * 1_000.0, value)).collect();
        let time = if dots.is_empty() { (-900_000.0, 0.0) } else { (100_000.0, 1_000_000.0) };
        Plot::of(vec![dots], vec![], unit, thresholds, time)
    }

    /// Of all pieces in a row, `second` being the right end of a quarter of an hour.
    fn paths(points: &[(u32, Option<f64>)], second: u32) -> [String; 2] {
        let dots: Vec<Dot> = points.iter().map(|&(second, value)| (f64::from(second) * 1_000.0, value)).collect();
        let end = f64::from(second) * 1_000.0;
        let plot = Plot::of(vec![dots], vec![], Unit::Percent, &[], (end - 900_000.0, end));
        let pieces: Vec<_> = (0..PIECES).map(|place| plot.paths(plot.piece(&plot.lines[0], place))).collect();
        [0, 1].map(|which| pieces.iter().map(|paths| paths[which].as_str()).collect())
    }

    #[test]
    fn a_line_goes_from_left_to_right_and_100_percent_is_on_top() {
        let points = [(900, Some(0.0)), (1_350, Some(100.0)), (1_575, Some(120.0)), (1_800, Some(50.0))];
        let [line, area] = paths(&points, 1_800);
        assert_eq!(line, "M0.0 100.0L500.0 0.0M500.0 0.0L750.0 0.0M750.0 0.0L1000.0 50.0M1000.0 50.0h2");
        assert_eq!(
            area,
            "M0.0 100.0L500.0 0.0V100H0.0ZM500.0 0.0L750.0 0.0V100H500.0ZM750.0 0.0L1000.0 50.0V100H750.0ZM1000.0 50.0V100H1000.0Z"
        );
    }

    #[test]
    fn as_time_goes_by_only_the_first_and_the_last_piece_are_others() {
        let dots: Vec<Dot> =
            (0..2_000).map(|place| (f64::from(place) * 2_000.0, Some(f64::from(place % 50)))).collect();
        let drawn = |to: f64| {
            let to = to * 1_000.0;
            let dots = dots.iter().filter(|dot| dot.0 <= to).copied().collect();
            let plot = Plot::of(vec![dots], vec![], Unit::Percent, &[], (to - 900_000.0, to));
            let piece = |place| {
                let piece = plot.piece(&plot.lines[0], place);
                (plot.digest(piece), plot.paths(piece))
            };
            (plot.moved(), (0..PIECES).map(piece).collect::<Vec<_>>())
        };
        // From the last piece of a box into the first of the next one, in which all are others.
        for second in (1_802..2_680).step_by(2) {
            let [(left, before), (moved, now)] = [second, second + 2].map(|second| drawn(f64::from(second)));
            assert!((moved - left - 2.0 / 0.9).abs() < 1e-9, "{left} {moved}");
            let others = (0..before.len()).filter(|place| before[*place].0 != now[*place].0);
            assert!(others.count() <= 4, "{second}");
            assert!(
                (0..before.len()).all(|place| (before[place].0 != now[place].0) >= (before[place].1 != now[place].1))
            );
        }
        assert_eq!(drawn(2_700.0).0, 0.0);
    }

    #[test]
    fn of_more_dots_than_can_be_seen_each_column_keeps_its_lowest_and_highest() {
        let points = (0..18_000).map(|place| (100.0 + 0.05 * f64::from(place), f64::from(place * 37 % 100)));
        let dots: Vec<Dot> = points.map(|(second, value)| (second * 1_000.0, Some(value))).collect();
        let plot = Plot::of(vec![dots], vec![], Unit::Percent, &[], (100_000.0, 1_000_000.0));
        for place in 0..PIECES {
            let [line, _] = plot.paths(plot.piece(&plot.lines[0], place));
            let dots = line.split(['M', 'L']).skip(1).map(|dot| dot.split_once(' ').unwrap());
            let dots: Vec<(f64, f64)> = dots.map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).collect();
            // Of a column two, and where this piece and the next one begin.
            assert!(dots.len() <= 92, "{}", dots.len());
            for column in dots.windows(4) {
                let heights = || column.iter().map(|dot| dot.1);
                let height = heights().fold(0.0, f64::max) - heights().fold(100.0, f64::min);
                assert!(height > 80.0 && column[3].0 - column[0].0 < 3.0 * COLUMN_WIDTH, "{column:?}");
            }
        }
    }

    #[test]
    fn a_gap_is_a_gap_and_a_lone_dot_can_be_seen() {
        let points = [(900, Some(0.0)), (990, Some(0.0)), (1_300, None), (1_620, Some(50.0)), (1_665, Some(25.0))];
        let [line, area] = paths(&points, 1_800);
        assert_eq!(line, "M0.0 100.0L100.0 100.0M800.0 50.0L850.0 75.0");
        assert_eq!(area, "M0.0 100.0L100.0 100.0V100H0.0ZM800.0 50.0L850.0 75.0V100H800.0Z");
        assert_eq!(paths(&[(1_750, None), (1_800, Some(50.0))], 1_800)[0], "M1000.0 50.0h2");
        assert_eq!(
            paths(&[(1_100, Some(50.0)), (1_125, None), (1_130, Some(50.0))], 1_800)[0],
            "M222.2 50.0h2M255.6 50.0h2"
        );
        assert_eq!(paths(&[], 1_800)[0], "");
    }

    #[test]
    fn rates_are_scaled_to_a_round_axis() {
        let plot = plot(&[(990, Some(0.0)), (1_000, Some(3_250_000.0))], Unit::Rate, &[]);
        assert_eq!((plot.unit.as_str(), plot.top, plot.step), ("MiB/s", 4.0, 2.0));
        assert_eq!(plot.value_marks(), ["4", "2", "0"]);
        let idle = self::plot(&[(1_000, Some(0.0))], Unit::Rate, &[]);
        assert_eq!((idle.unit.as_str(), idle.top), ("KiB/s", 0.2));
    }

    #[test]
    fn an_axis_is_round_and_holds_the_highest_value() {
        for (highest, top) in
            [(0.0, 0.2), (0.5, 0.6), (0.99, 1.2), (1.0, 1.2), (3.9, 4.0), (4.0, 6.0), (9.9, 12.0), (650.0, 800.0)]
        {
            let (found, step) = round_axis(highest);
            assert!((found - top).abs() < 1e-9, "{highest}: {found}");
            assert!((step * 2.0 - found).abs() < 1e-9);
            assert!([found, step].iter().all(|mark| mark.to_string().len() <= 4), "{found} {step}");
        }
    }

    #[test]
    fn an_earlier_time_has_a_say_in_the_axis_and_ends_with_it() {
        let now = vec![(900_000.0, Some(1.0))];
        let earlier = vec![(0.0, Some(900.0)), (900_000.0, Some(30.0)), (1_100_000.0, Some(900.0))];
        let plot = Plot::of(vec![now], vec![earlier], Unit::Count, &[], (100_000.0, 1_000_000.0));
        assert_eq!((plot.top, plot.compared[0].as_slice()), (40.0, [(900_000.0, Some(30.0))].as_slice()));
    }

    #[test]
    fn time_marks_are_on_the_clock() {
        let plot = plot(&[(1_000, Some(1.0))], Unit::Percent, &[]);
        let marks: Vec<_> = plot.time_marks(Zone::Utc).iter().map(|mark| mark.1 / 1_000.0).collect();
        assert_eq!(marks, [300.0, 600.0, 900.0]);
        assert_eq!(self::plot(&[], Unit::Percent, &[]).time_marks(Zone::Utc), []);
    }

    #[test]
    fn a_threshold_is_drawn_where_the_axis_reaches_it() {
        let of = |unit, thresholds: &[Threshold]| plot(&[(1_000, Some(0.3))], unit, thresholds);
        let share = of(Unit::Share, &[(6.0, "warning"), (9.0, "critical"), (50.0, "never")]);
        assert_eq!(share.top, 12.0);
        assert_eq!(share.thresholds, [(6.0, "warning"), (9.0, "critical")]);
        assert_eq!(share.threshold_path(9.0), "M0 25.0H1000");
        assert_eq!(of(Unit::Milliseconds, &[(1_000.0, "warning")]).thresholds, []);
    }
}
