//! Graphs of any stored series: as SVG, with what frontend/echarts needs to take its place.

use collector::{Archive, ArchiveError, Labels, Marks, RangeQuery};
use jiff::{SignedDuration, Timestamp};

use super::{Reader, Sources};
use crate::charts::{self, Dot, Name, Plot, Unit};
use crate::format;
use crate::range::Compare;
use crate::widgets::Html;

/// Points of a line: about one for two pixels.
const POINTS: u32 = 360;
/// Lines of one graph: as many as there are colours that can be told apart.
const LINES: usize = 5;
const COLORS: [&str; LINES] = ["series-1", "series-2", "series-3", "series-4", "series-5"];

/// A graph that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    /// Unique on the page, of letters, digits and dashes.
    pub(crate) id: String,
    /// In the viewer's language.
    pub(crate) title: String,
    /// What its numbers are.
    pub(crate) unit: Unit,
    /// What its lines are of.
    pub(crate) lines: Vec<Wanted>,
}

/// Series that a graph shows.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// What its line is called; empty: by the labels that are not asked for.
    pub(crate) name: String,
    /// The metric.
    pub(crate) metric: String,
    /// Labels that the series have.
    pub(crate) labels: Labels,
    /// Whether it counts from sample to sample, and is shown per second.
    pub(crate) per_second: bool,
}

/// A line that was read.
struct Line {
    name: String,
    dots: Vec<Dot>,
    compared: Vec<Dot>,
}

/// What was read for a graph.
#[derive(Default)]
struct Lines {
    lines: Vec<Line>,
    left_out: u64,
    incomplete: bool,
}

/// Writes graphs, in a grid of this class.
pub(crate) async fn graphs(html: &mut Html, reader: &Reader, sources: &Sources, class: &'static str, graphs: &[Graph]) {
    html.mark("<div class=\"graphs ").mark(class).mark("\">");
    each(html, reader, sources, graphs, |html, _, write| write(html)).await;
}

/// Writes graphs, each so many twelfths wide.
pub(crate) async fn figures(html: &mut Html, reader: &Reader, sources: &Sources, graphs: &[Graph], columns: &[u8]) {
    html.mark("<div class=\"panels graphs\">");
    each(html, reader, sources, graphs, |html, place, write| {
        html.element("<div class=\"cell cell-", &columns[place].to_string(), "\">");
        write(html);
        html.mark("</div>");
    })
    .await;
}

/// Reads all of them at once, writes each as `place` has it, and says where something is missing.
async fn each(
    html: &mut Html,
    reader: &Reader,
    sources: &Sources,
    graphs: &[Graph],
    place: impl Fn(&mut Html, usize, &dyn Fn(&mut Html)),
) {
    let reads = graphs.iter().map(|graph| read(reader, &sources.archive, graph));
    let (marks, lines) = tokio::join!(sources.marks(reader), futures_util::future::join_all(reads));
    for (number, (graph, lines)) in graphs.iter().zip(&lines).enumerate() {
        place(html, number, &|html| write(html, reader, marks, graph, lines));
    }
    html.mark("</div>");
    if lines.iter().any(|lines| lines.incomplete) {
        html.element("<p class=\"panel-notice\">", reader.words.past_incomplete, "</p>");
    }
}

async fn read(reader: &Reader, archive: &Archive, graph: &Graph) -> Lines {
    let mut lines = Lines::default();
    for wanted in &graph.lines {
        let query = |shift| {
            let span = reader.look.span(reader.now);
            let earlier = |at: Timestamp| at.checked_sub(SignedDuration::from_secs(shift)).unwrap_or(at);
            RangeQuery {
                metric: wanted.metric.clone(),
                labels: wanted.labels.clone(),
                from: earlier(span.0),
                to: earlier(span.1),
                points: POINTS,
                resolution: None,
            }
        };
        let found = match ask(archive, wanted, &query(0)).await {
            Ok(found) => found,
            Err(error) => {
                lines.incomplete |= !matches!(error, ArchiveError::NoMetric { .. });
                continue;
            }
        };
        lines.incomplete |= !found.complete;
        lines.left_out += found.series_left_out;
        let shift = reader.look.compare.seconds();
        let mut earlier = Vec::new();
        if reader.look.compare != Compare::Nothing {
            match ask(archive, wanted, &query(shift)).await {
                Ok(found) => {
                    lines.incomplete |= !found.complete;
                    earlier = found.series;
                }
                Err(error) => lines.incomplete |= !matches!(error, ArchiveError::NoMetric { .. }),
            }
        }
        for series in found.series {
            let compared = earlier.iter().find(|other| other.labels == series.labels);
            let compared = compared.map_or_else(Vec::new, |other| dots(other, shift, found.step_seconds));
            lines.lines.push(Line {
                name: if wanted.name.is_empty() { name(&series.labels, wanted) } else { wanted.name.clone() },
                dots: dots(&series, 0, found.step_seconds),
                compared,
            });
        }
    }
    // The highest, in the order that they had.
    let highest = |line: &Line| line.dots.iter().filter_map(|dot| dot.1).fold(f64::NEG_INFINITY, f64::max);
    let mut heights: Vec<f64> = lines.lines.iter().map(highest).collect();
    heights.sort_by(|a, b| b.total_cmp(a));
    if let Some(least) = heights.get(LINES - 1) {
        let before = lines.lines.len();
        lines.lines.retain(|line| highest(line) >= *least);
        lines.lines.truncate(LINES);
        lines.left_out += u64::try_from(before - lines.lines.len()).unwrap_or(0);
    }
    lines
}

async fn ask(archive: &Archive, wanted: &Wanted, query: &RangeQuery) -> Result<collector::Range, ArchiveError> {
    if wanted.per_second { archive.rate(query).await } else { archive.range(query).await }
}

fn dots(series: &collector::Series, later: i64, step_seconds: f64) -> Vec<Dot> {
    let shift = format::milliseconds(format::second(later));
    let points = series.points.iter().map(|point| (format::milliseconds(point.at) + shift, Some(point.avg)));
    charts::with_breaks(points.collect(), step_seconds)
}

/// What tells a series from the others that were asked for.
fn name(labels: &Labels, wanted: &Wanted) -> String {
    let own = labels.iter().filter(|(name, _)| *name != collector::HOST_LABEL && !wanted.labels.contains_key(*name));
    let own: Vec<_> = own.map(|(_, value)| value.as_str()).collect();
    if own.is_empty() { wanted.metric.clone() } else { own.join(" · ") }
}

fn write(html: &mut Html, reader: &Reader, marks: &Marks, graph: &Graph, lines: &Lines) {
    let (words, zone) = (reader.words, reader.zone);
    let names: Vec<Name<'_>> =
        lines.lines.iter().zip(COLORS).map(|(line, color)| (line.name.as_str(), color)).collect();
    let is_of = |metric: &str| graph.lines.iter().any(|wanted| wanted.metric == metric);
    let (from, to) = reader.look.span(reader.now);
    let compared = match reader.look.compare {
        Compare::Nothing => Vec::new(),
        _ => lines.lines.iter().map(|line| line.compared.clone()).collect(),
    };
    let plot = Plot::of(
        lines.lines.iter().map(|line| line.dots.clone()).collect(),
        compared,
        graph.unit,
        &charts::thresholds(marks, &is_of),
        (format::milliseconds(from), format::milliseconds(to)),
    );
    html.element("<figure class=\"graph\"><figcaption class=\"graph-title\"><h3>", &graph.title, "</h3>");
    html.element("<span class=\"graph-unit\">", &plot.unit, "</span>");
    charts::write_tools(html, words, &graph.title);
    charts::write_legend(html, &names, graph.unit, &plot);
    let over = charts::over(words, reader.look, zone, reader.now);
    let label = charts::summary(words, &graph.title, graph.unit, &names, &plot, &over);
    html.element("</figcaption><div class=\"graph-box\" role=\"img\" aria-label=\"", &label, "\">");
    html.mark("<svg class=\"graph-marks\" aria-hidden=\"true\">");
    charts::write_marks(html, &plot, marks, &is_of);
    html.mark("</svg><div class=\"graph-static\" aria-hidden=\"true\">");
    charts::write_lines(html, &names, &plot, zone);
    charts::write_axes(html, &plot);
    html.element("</div><div class=\"graph-canvas\" id=\"", &graph.id, "\" data-chart=\"");
    html.text(&charts::option(&plot, &names, (words.compared)(reader.look.compare), zone)).mark("\"></div>");
    if plot.is_empty() {
        html.element("<p class=\"graph-none\">", words.no_points, "</p>");
    }
    html.mark("</div>");
    if lines.left_out > 0 {
        html.element("<p class=\"desk-note\">", &(reader.own.more_lines)(lines.left_out), "</p>");
    }
    html.mark("</figure>");
}
