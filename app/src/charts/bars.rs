//! Bars beside each other, as SVG: how often something took how long, or a count of each day.

use super::plot::{round_axis, value_marks};
use super::unit::Unit;
use crate::format::{self, MISSING, fixed};
use crate::widgets::Html;

/// How much of its place a bar fills.
const WIDTH: f64 = 0.64;
/// What 0 is drawn as, in percent of the height, so that it is not nothing.
const ZERO: f64 = 1.0;

/// One bar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bar {
    /// Under it; may be empty where there is no room.
    pub mark: String,
    /// What it stands for, in words.
    pub name: String,
    /// `None` leaves its place empty, with a dash.
    pub value: Option<f64>,
}

/// Bars of one kind, from left to right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    /// The bars.
    pub bars: Vec<Bar>,
    /// Whether the last one still grows.
    pub unfinished: bool,
    /// Whether a mark is the upper bound of its bar, and stands at its right end.
    pub bounds: bool,
}

impl Bars {
    fn highest(&self) -> f64 {
        self.bars.iter().filter_map(|bar| bar.value).fold(0.0, f64::max)
    }

    /// The path of all bars from the first up to `to` in a box of 1000 x 100.
    fn path(&self, top: f64, places: std::ops::Range<usize>) -> String {
        let width = 1_000.0 / index(self.bars.len().max(1));
        let mut path = String::new();
        for place in places {
            let Some(value) = self.bars.get(place).and_then(|bar| bar.value) else { continue };
            let x = (index(place) + (1.0 - WIDTH) / 2.0) * width;
            let height = (value / top * 100.0).clamp(ZERO, 100.0);
            let bar = width * WIDTH;
            let [x, y, bar] = [x, 100.0 - height, bar].map(|length| fixed(length, 1));
            path.push_str(&format!("M{x} 100V{y}h{bar}V100Z"));
        }
        path
    }

    /// What it says, in words.
    #[must_use]
    pub fn summary(&self, missing: &str) -> String {
        let text = |bar: &Bar| {
            let value = bar.value.map_or_else(|| missing.to_owned(), format::count);
            format!("{} {value}", bar.name)
        };
        self.bars.iter().map(text).collect::<Vec<_>>().join(", ")
    }

    /// The bars and what is under them; `top` is the upper end of the axis.
    fn draw(&self, html: &mut Html, top: f64) {
        let count = self.bars.len();
        let finished = count - usize::from(self.unfinished && count > 0);
        let shift = if self.bounds { 1.0 } else { 0.5 };
        let place = |at: usize, shift: f64| format!("{}%", fixed((index(at) + shift) * 100.0 / index(count.max(1)), 1));
        html.mark(
            "<svg class=\"graph-plot\" viewBox=\"0 0 1000 100\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
        );
        html.mark("<path class=\"graph-grid\" d=\"M0 0H1000M0 50H1000M0 100H1000\"/>");
        html.element("<path class=\"bars\" d=\"", &self.path(top, 0..finished), "\"/>");
        html.element("<path class=\"bars bars-unfinished\" d=\"", &self.path(top, finished..count), "\"/></svg>");
        html.mark("<svg class=\"graph-times\" aria-hidden=\"true\">");
        for (at, bar) in self.bars.iter().enumerate() {
            if !bar.mark.is_empty() {
                html.element("<text x=\"", &place(at, shift), "\" y=\"50%\">").text(&bar.mark).mark("</text>");
            }
            if bar.value.is_none() {
                html.element("<text x=\"", &place(at, 0.5), "\" y=\"-10\">").text(MISSING).mark("</text>");
            }
        }
        html.mark("</svg>");
    }

    /// Bars without an axis, as high as their highest.
    pub fn small(&self, html: &mut Html, label: &str) {
        html.element("<div class=\"small-bars series-1\" role=\"img\" aria-label=\"", label, "\">");
        self.draw(html, self.highest().max(1.0));
        html.mark("</div>");
    }

    /// A graph of them with an axis; `none` is said where there are none.
    pub fn graph(&self, html: &mut Html, title: &str, more: &str, missing: &str, none: &str) {
        let text = if self.bars.is_empty() { none.to_owned() } else { self.summary(missing) };
        let (top, step) = round_axis(self.highest().max(Unit::Count.least()));
        html.element("<figure class=\"graph\"><figcaption class=\"graph-title\"><h3>", title, "</h3>");
        html.element("<span class=\"graph-unit\">", more, "</span></figcaption>");
        html.mark("<div class=\"graph-box series-1\" role=\"img\" aria-label=\"").text(title).text(": ").text(&text);
        html.mark("\"><div class=\"graph-static\" aria-hidden=\"true\"><svg class=\"graph-values\">");
        let [high, middle, low] = value_marks(top, step);
        html.element("<text x=\"100%\" y=\"0%\">", &high, "</text>");
        html.element("<text x=\"100%\" y=\"50%\">", &middle, "</text>");
        html.element("<text x=\"100%\" y=\"100%\">", &low, "</text></svg>");
        self.draw(html, top);
        html.mark("</div>");
        if self.bars.is_empty() {
            html.element("<p class=\"graph-none\">", none, "</p>");
        }
        html.mark("</div></figure>");
    }
}

/// Places among a few bars.
#[expect(clippy::cast_precision_loss, reason = "there are a few bars")]
fn index(place: usize) -> f64 {
    place as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(values: &[Option<f64>]) -> Bars {
        let bar = |value: &Option<f64>| Bar { name: "day".into(), value: *value, ..Bar::default() };
        Bars { bars: values.iter().map(bar).collect(), unfinished: true, bounds: false }
    }

    #[test]
    fn nothing_is_low_and_missing_is_not_there() {
        let bars = bars(&[Some(0.0), None, Some(10.0), Some(5.0)]);
        assert_eq!(bars.path(10.0, 0..3), "M45.0 100V99.0h160.0V100ZM545.0 100V0.0h160.0V100Z");
        assert_eq!(bars.path(10.0, 3..4), "M795.0 100V50.0h160.0V100Z");
        assert_eq!(bars.summary("not collected"), "day 0, day not collected, day 10, day 5");
    }
}
