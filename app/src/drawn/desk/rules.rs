//! Each rule with its value, its threshold, its state and its last hour.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use collector::alert::{Phase, RuleState};
use collector::{Archive, RangeQuery};
use jiff::{SignedDuration, Timestamp};

use super::{Reader, begin, begin_table, end_table, state_word};
use crate::charts;
use crate::format;
use crate::range::Range;
use crate::widgets::{Html, Shape};

/// Rules that have a line at the most: each is a query.
const LINES: usize = 40;
/// The line of the last hour, and its box.
const POINTS: u32 = 60;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 24.0;

/// Values of the last hour, each with its place in it from 0 to 1.
type Line = Vec<(f64, Option<f64>)>;

/// The last hour of the series that each rule shows; none of those that PostgreSQL does not have.
pub(super) async fn lines(archive: &Archive, rules: &[RuleState], now: Timestamp) -> BTreeMap<String, Line> {
    let mut lines = BTreeMap::new();
    let from = now.checked_sub(HOUR).unwrap_or(now);
    for rule in rules.iter().take(LINES) {
        let Some(shown) = rule.values.first() else { continue };
        let labels = shown.labels.clone();
        let query = RangeQuery { metric: rule.metric.clone(), labels, from, to: now, points: POINTS, resolution: None };
        let Ok(range) = archive.range(&query).await else { continue };
        let Some(series) = range.series.into_iter().find(|series| series.labels == shown.labels) else { continue };
        let place = |at: Timestamp| at.duration_since(from).as_secs_f64() / HOUR.as_secs_f64();
        let line = series.points.into_iter().map(|point| (place(point.at), Some(point.avg)));
        lines.insert(rule.name.clone(), line.collect());
    }
    lines
}

pub(super) fn section(html: &mut Html, reader: &Reader, rules: &[RuleState], lines: &BTreeMap<String, Line>) {
    begin(html, "rules-title", reader.own.rules);
    begin_table(html, reader.own.rules, &reader.own.rule_columns);
    // What fires first, and then as they are in the file.
    let mut rules: Vec<_> = rules.iter().map(|rule| (rule.phase(), rule)).collect();
    rules.sort_by_key(|(phase, _)| (*phase != Some(Phase::Firing), phase.is_none()));
    for (phase, rule) in rules {
        html.mark("<tr><td>");
        let (class, shape) = match phase {
            None => ("state-good", Shape::Check),
            Some(Phase::Pending) => ("state-warning", Shape::Dots),
            Some(Phase::Firing) => ("state-bad", Shape::Exclamation),
        };
        state_word(html, class, shape, (reader.own.phase)(phase));
        html.element("</td><th scope=\"row\">", &rule.name, "<br>");
        let severity = (reader.words.alerts.severity)(rule.severity);
        let told = if rule.notifies { severity.to_owned() } else { format!("{severity}, {}", reader.own.log_only) };
        html.element("<span class=\"desk-note\">", &told, "</span></th>");
        html.element("<td><code>", &rule.expr, "</code></td><td class=\"number\">");
        let shown = rule.values.first();
        let value = shown.and_then(|series| series.value).map_or_else(|| "–".to_owned(), format::short);
        html.text(&value);
        if rule.values.len() > 1 {
            html.element("<br><span class=\"desk-note\">", &(reader.own.more_series)(rule.values.len() - 1), "</span>");
        }
        let hold =
            if rule.for_seconds > 0.0 { (reader.words.duration)(whole(rule.for_seconds)) } else { "–".to_owned() };
        html.element("</td><td class=\"number\">", &hold, "</td><td>");
        match lines.get(&rule.name) {
            Some(line) => draw(html, reader, rule, line),
            None => drop(html.text("–")),
        }
        html.mark("</td></tr>");
    }
    end_table(html);
    html.mark("</section>");
}

fn whole(seconds: f64) -> u64 {
    std::time::Duration::from_secs_f64(seconds.max(0.0)).as_secs()
}

/// The line, and the threshold where it is within reach of it.
fn draw(html: &mut Html, reader: &Reader, rule: &RuleState, line: &Line) {
    let values = || line.iter().filter_map(|(_, value)| *value);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    if low > high {
        html.text("–");
        return;
    }
    // So much that the threshold can be seen, unless that would flatten the line.
    let reach =
        (rule.threshold - high).abs().max((low - rule.threshold).abs()) <= 4.0 * (high - low).max(high.abs() / 4.0);
    let (bottom, top) = if reach { (low.min(rule.threshold), high.max(rule.threshold)) } else { (low, high) };
    let height = (top - bottom).max(f64::EPSILON);
    let y = |value: f64| HEIGHT - 2.0 - (value - bottom) / height * (HEIGHT - 4.0);
    let mut path = String::new();
    let mut command = 'M';
    for (place, value) in line {
        match value {
            Some(value) => {
                let _ = write!(path, "{command}{:.1} {:.1}", place * WIDTH, y(*value));
                command = 'L';
            }
            None => command = 'M',
        }
    }
    let over = charts::until_now(reader.words, Range::Hour);
    let newest = values().next_back().unwrap_or(high);
    let label = (reader.words.graph_summary)(
        &rule.metric,
        &format::short(newest),
        &format::short(low),
        &format::short(high),
        &over,
    );
    html.element(
        "<svg class=\"desk-line\" role=\"img\" aria-label=\"",
        &label,
        "\" viewBox=\"0 0 120 24\" preserveAspectRatio=\"none\">",
    );
    if reach {
        html.element("<path class=\"desk-threshold\" d=\"", &format!("M0 {0:.1}H120", y(rule.threshold)), "\"/>");
    }
    html.element("<path class=\"desk-value\" d=\"", &path, "\"/></svg>");
}
