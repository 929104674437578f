//! A plot for ECharts: lines in charming's style, and what frontend/echarts makes axes, grid and
//! tooltip of. Not charming's `Chart`, `Line` and `Axis` themselves: the code to write down
//! all that these can have would be a quarter of the whole page's weight.

use charming::element::{LineStyle, LineStyleType};
use serde::Serialize;

use super::plot::Plot;
use super::series::Dot;
use crate::format::Zone;

/// The name of a line and its colour: a custom property, and the class of that name.
pub type Name<'a> = (&'a str, &'static str);

/// What frontend/echarts takes, as JSON.
#[derive(Serialize)]
struct Chart<'a> {
    lines: Vec<Line<'a>>,
    graph: Frame<'a>,
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    style: LineStyle,
    /// Whether what is under it is filled.
    filled: bool,
    /// `null` is a break.
    data: &'a [Dot],
}

/// Axes and tooltip.
#[derive(Serialize)]
struct Frame<'a> {
    /// Left and right end, in milliseconds since the epoch.
    time: (f64, f64),
    /// Where the marks of the time axis are, and how they are written.
    marks: Vec<f64>,
    mark_format: &'static str,
    /// Upper end of the value axis, and the distance of its marks.
    top: f64,
    step: f64,
    /// How the tooltip writes a value.
    unit: &'a str,
    decimals: usize,
}

/// The plot of lines with these names, for a viewer in this zone. Those of the earlier time have
/// `compared` behind theirs. Colours are names of custom properties.
#[must_use]
pub fn option(plot: &Plot, names: &[Name<'_>], compared: &str, zone: Zone) -> String {
    let line = |name, color: &'static str, width: f64, stroke, data| Line {
        name,
        style: LineStyle::new().color(color).width(width).type_(stroke),
        filled: false,
        data,
    };
    let earlier: Vec<_> = names.iter().map(|(name, _)| format!("{name} ({compared})")).collect();
    let mut lines = Vec::with_capacity(plot.lines.len() + plot.compared.len() + plot.thresholds.len());
    for ((dots, name), (_, color)) in plot.compared.iter().zip(&earlier).zip(names) {
        lines.push(line(name, color, 1.0, LineStyleType::Dotted, dots));
    }
    for (dots, (name, color)) in plot.lines.iter().zip(names) {
        let filled = plot.lines.len() == 1;
        lines.push(Line { filled, ..line(name, color, 1.5, LineStyleType::Solid, dots) });
    }
    // A line without a name is left out of the tooltip.
    let ends: Vec<_> =
        plot.thresholds.iter().map(|(value, _)| [plot.time.0, plot.time.1].map(|at| (at, Some(*value)))).collect();
    for (ends, (_, severity)) in ends.iter().zip(&plot.thresholds) {
        lines.push(line("", severity, 1.0, LineStyleType::Dashed, ends));
    }
    let graph = Frame {
        time: plot.time,
        marks: plot.time_marks(zone).into_iter().map(|(_, at)| at).collect(),
        mark_format: if plot.marks_days() { "{MM}-{dd}" } else { "{HH}:{mm}" },
        top: plot.top,
        step: plot.step,
        unit: &plot.unit,
        decimals: plot.decimals,
    };
    serde_json::to_string(&Chart { lines, graph }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::Unit;

    #[test]
    fn lines_come_with_names_of_colours_and_thresholds_without_a_name() {
        let plot = Plot::of(
            vec![vec![(1_000.0, Some(1.5)), (2_000.0, None)]],
            vec![vec![(1_000.0, Some(1.0))]],
            Unit::Count,
            &[(1.0, "warning")],
            (0.0, 60_000.0),
        );
        let option: serde_json::Value =
            serde_json::from_str(&option(&plot, &[("a", "series-1")], "yesterday", Zone::Utc)).unwrap();
        let names: Vec<_> = option["lines"].as_array().unwrap().iter().map(|line| line["name"].clone()).collect();
        assert_eq!(names, ["a (yesterday)", "a", ""]);
        assert_eq!(option["lines"][1]["data"], serde_json::json!([[1_000.0, 1.5], [2_000.0, null]]));
        assert_eq!(option["lines"][2]["style"]["color"], "warning");
        assert_eq!(option["graph"]["time"], serde_json::json!([0.0, 60_000.0]));
    }
}
