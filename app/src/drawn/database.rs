//! PostgreSQL and Redis: the panel on the overview, and the page with all that can be seen of them.

mod backup;
mod line;
mod locks;
mod redis;
mod relations;
mod server;
mod statements;

use collector::database::{Look, Obstacle, ObstacleKind};

use super::graph::graphs;
use super::{Reader, Sources, begin, begin_table, end_table};
use crate::format;
use crate::widgets::{Html, Shape};
use crate::words::DatabaseWords;
use line::Lines;

/// Statements on the overview.
const SLOWEST: usize = 5;
/// Rows of a table on the page that are not folded away.
const ROWS: usize = 12;

/// A reader of it, with its words.
struct Viewer<'a> {
    reader: &'a Reader,
    own: &'static DatabaseWords,
}

/// The panel.
pub(super) async fn panel(html: &mut Html, reader: &Reader, sources: &Sources) {
    let viewer = Viewer { reader, own: DatabaseWords::of(reader.locale) };
    let (look, lines) = (sources.database.look().await, Lines::read(sources, reader.now, &line::OVERVIEW).await);
    html.mark(
        "<section class=\"panel panel-database\" aria-labelledby=\"database-title\"><header class=\"panel-header\">",
    );
    html.element("<h2 id=\"database-title\">", viewer.own.database, "</h2>");
    html.element("<span class=\"panel-host\">", &versions(&look), "</span>");
    let link = reader.look.link("./database");
    html.element("<a href=\"", &link, "\" class=\"panel-more\">");
    html.text(viewer.own.all).icon(Shape::Right).mark("</a></header>");
    server::tiles(html, &viewer, &look, &lines, server::OVERVIEW);
    html.mark("<div class=\"database-halves\"><div>");
    server::pool(html, &viewer, &look.postgresql);
    redis::state(html, &viewer, &look.redis.server);
    html.mark("</div><div class=\"routes\">");
    html.element("<h3>", viewer.own.statements, "</h3>");
    statements::table(html, &viewer, &look.postgresql.statements, SLOWEST);
    html.mark("</div></div></section>");
}

/// The page.
pub(super) async fn sections(html: &mut Html, reader: &Reader, sources: &Sources) {
    let viewer = Viewer { reader, own: DatabaseWords::of(reader.locale) };
    let (look, lines) = (sources.database.look().await, Lines::read(sources, reader.now, &line::PAGE).await);
    // Where it does not answer, its past does not come either.
    let is_known = look.postgresql.server.value.is_some();
    begin(html, "postgresql-title", "PostgreSQL");
    server::section(html, &viewer, &look, &lines);
    let three = "graphs-three";
    if is_known {
        graphs(html, reader, sources, three, &server::graphs(&viewer)).await;
    }
    html.mark("</section>");
    begin(html, "locks-title", viewer.own.locks);
    locks::tree(html, &viewer, &look.postgresql.locks);
    html.mark("</section>");
    begin(html, "statements-title", viewer.own.statements);
    statements::table(html, &viewer, &look.postgresql.statements, usize::MAX);
    html.mark("</section>");
    begin(html, "sessions-title", viewer.own.sessions);
    locks::sessions(html, &viewer, &look.postgresql.sessions);
    html.mark("</section>");
    relations::sections(html, &viewer, &look.postgresql);
    server::replication(html, &viewer, &look.postgresql.replication);
    begin(html, "redis-title", "Redis");
    redis::section(html, &viewer, &look, &lines);
    if is_known && look.redis.server.value.is_some() {
        graphs(html, reader, sources, three, &redis::graphs(&viewer)).await;
    }
    redis::slow_log(html, &viewer, &look);
    html.mark("</section>");
    backup::section(html, &viewer, &sources.feed.backup());
}

/// `PostgreSQL 15.18 · Redis 7.0.15`, of those that say so.
fn versions(look: &Look) -> String {
    let postgresql = look.postgresql.server.value.as_ref().map(|server| format!("PostgreSQL {}", server.version));
    let redis = look.redis.server.value.as_ref().map(|server| format!("Redis {}", server.version));
    postgresql.into_iter().chain(redis).collect::<Vec<_>>().join(" · ")
}

impl Viewer<'_> {
    fn duration(&self, seconds: f64) -> String {
        (self.reader.words.duration)(std::time::Duration::from_secs_f64(seconds.clamp(0.0, 1e12)).as_secs())
    }

    /// How long ago, or never.
    fn ago(&self, at: Option<jiff::Timestamp>) -> String {
        at.map_or_else(|| self.own.never.to_owned(), |at| (self.reader.words.ago)(&self.reader.age(at)))
    }

    /// Says what stands in the way of a part, with the lines that remove it.
    fn obstacles(&self, html: &mut Html, part: &str, obstacles: &[Obstacle]) {
        for obstacle in obstacles {
            if obstacle.kind == ObstacleKind::Off {
                html.element("<p class=\"desk-note\">", &(self.own.obstacle)(obstacle.kind, part), "</p>");
                continue;
            }
            html.element("<div class=\"panel-notice\"><p>", &(self.own.obstacle)(obstacle.kind, part), "</p>");
            if !obstacle.remedy.is_empty() {
                html.element("<pre class=\"remedy\"><code>", &obstacle.remedy.join("\n"), "</code></pre>");
            }
            html.mark("</div>");
        }
    }

    /// A statement on one line, and whole one key press away.
    fn query(&self, html: &mut Html, query: Option<&str>) {
        let Some(query) = query.filter(|query| !query.is_empty()) else {
            html.text("–");
            return;
        };
        html.element("<details class=\"query\"><summary><code>", query, "</code></summary>");
        html.element("<pre><code>", query, "</code></pre></details>");
    }

    /// A table of the first of some items, and of the others one key press away.
    fn table<T>(&self, html: &mut Html, name: &str, columns: &[&str], items: &[T], row: impl Fn(&mut Html, &T)) {
        let (first, others) = items.split_at(items.len().min(ROWS));
        begin_table(html, name, columns);
        first.iter().for_each(|item| row(html, item));
        end_table(html);
        if !others.is_empty() {
            html.element("<details class=\"query more\"><summary>", &(self.own.more)(others.len()), "</summary>");
            begin_table(html, name, columns);
            others.iter().for_each(|item| row(html, item));
            end_table(html);
            html.mark("</details>");
        }
    }
}

/// A whole number.
fn count(value: u64) -> String {
    format::count(format::float(value))
}

/// Bytes more or less, with a sign; a dash where that is not known.
fn grown(bytes: Option<i64>) -> String {
    match bytes {
        None => "–".to_owned(),
        Some(0) => "±0".to_owned(),
        Some(bytes) => format!("{}{}", if bytes < 0 { "−" } else { "+" }, format::size(bytes.unsigned_abs())),
    }
}

/// Bytes; a dash where they are not known.
fn known_size(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "–".to_owned(), format::size)
}

/// Milliseconds in the unit that suits them.
fn milliseconds(value: f64) -> String {
    match value {
        value if value >= 3_600_000.0 => format!("{} h", format::short(value / 3_600_000.0)),
        value if value >= 60_000.0 => format!("{} min", format::short(value / 60_000.0)),
        value if value >= 1_000.0 => format!("{} s", format::short(value / 1_000.0)),
        value if value >= 0.095 => format!("{} ms", format::short(value)),
        value => format!("{} µs", format::count(value * 1_000.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_growth_are_in_the_unit_that_suits_them() {
        for (value, text) in [
            (0.0, "0 µs"),
            (0.042, "42 µs"),
            (0.4, "0.4 ms"),
            (412.3, "412 ms"),
            (1_500.0, "1.5 s"),
            (90_000.0, "1.5 min"),
            (7_200_000.0, "2.0 h"),
        ] {
            assert_eq!(milliseconds(value), text);
        }
        assert_eq!([None, Some(0), Some(-2_048), Some(1_536)].map(grown), ["–", "±0", "−2.0 KiB", "+1.5 KiB"]);
    }
}
