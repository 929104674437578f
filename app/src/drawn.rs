//! What the server alone draws of a page, as text: the browser only puts it in its place and asks
//! for it again every so often. So a page can have much that its WASM need not carry.

mod annotations;
mod business;
mod connect;
mod database;
mod desk;
mod graph;
mod own;
mod reference;
mod system;

use std::time::Duration;

use collector::alert::{Alert, RuleState};
use collector::config::Dashboard;
use collector::{AlertDesk, AlertQuery, Archive, DatabaseDesk, Feed, Limit, Marks, PartName, Span};
use jiff::{SignedDuration, Timestamp};
use leptos::prelude::use_context;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::access::who;
use crate::error::ApiError;
use crate::format::{MISSING, Zone};
use crate::locale::Locale;
use crate::preferences;
use crate::range::Look;
use crate::widgets::{Html, Shape};
use crate::words::{DrawnWords, Words};

pub use annotations::TOLD as ANNOTATIONS_TOLD;
pub use reference::ApiDescription;

/// Where what is drawn comes from.
struct Sources {
    desk: AlertDesk,
    archive: Archive,
    feed: Feed,
    database: DatabaseDesk,
    /// What graphs show besides their lines, once it is known.
    marks: OnceCell<Marks>,
}

impl Sources {
    /// Whether PostgreSQL answers, or would only be waited for.
    fn has_history(&self) -> bool {
        self.feed.health().is_up(PartName::Postgresql)
    }

    /// What the graphs show besides their lines.
    async fn marks(&self, reader: &Reader) -> &Marks {
        self.marks.get_or_init(|| marks(&self.feed, &self.archive, reader.look.span(reader.now))).await
    }
}

/// Whom it is drawn for, and when.
struct Reader {
    /// The part of the page's address after its `?`.
    search: String,
    /// What its graphs show.
    look: Look,
    locale: Locale,
    words: &'static Words,
    /// What only the server says.
    own: &'static DrawnWords,
    zone: Zone,
    now: Timestamp,
}

impl Reader {
    fn of_request(search: String, minutes_east: Option<i32>) -> Self {
        let locale = preferences::locale();
        let zone = minutes_east.map_or(Zone::Utc, Zone::Local);
        let (words, own) = (locale.words(), DrawnWords::of(locale));
        let look = Look::of_search(&search);
        Self { search, look, locale, words, own, zone, now: Timestamp::now() }
    }

    fn is_japanese(&self) -> bool {
        self.locale == Locale::Ja
    }

    fn moment(&self, at: Timestamp) -> String {
        self.zone.moment(at, self.now)
    }

    /// How long ago.
    fn age(&self, at: Timestamp) -> String {
        (self.words.duration)(u64::try_from(self.now.duration_since(at).as_secs()).unwrap_or(0))
    }

    /// What of both is for the reader; what was kept before there was Japanese is in English alone.
    fn said<'a>(&self, en: &'a str, ja: &'a str) -> &'a str {
        if self.is_japanese() && !ja.is_empty() { ja } else { en }
    }

    fn message<'a>(&self, alert: &'a Alert) -> &'a str {
        if self.is_japanese() { &alert.message_ja } else { &alert.message }
    }
}

/// The pages of which it draws something.
const PAGES: [&str; 7] = ["/", "/system", "/application", "/business", "/alerts", "/database", "/api"];

/// What the server draws of the page at `path`, whose address has this search, for the request
/// that is in context. `marks`, where they are known, are those of the same look.
///
/// # Errors
///
/// [`ApiError::Failed`] where there is no request.
pub(crate) async fn page(
    path: &str,
    search: String,
    minutes_east: Option<i32>,
    marks: Option<Marks>,
) -> Result<String, ApiError> {
    // What else is asked for by this address, such as a snapshot, is no page.
    if !PAGES.contains(&path) {
        return Ok(String::new());
    }
    let sources = Sources {
        desk: use_context().ok_or(ApiError::Failed)?,
        archive: use_context().ok_or(ApiError::Failed)?,
        feed: use_context().ok_or(ApiError::Failed)?,
        database: use_context().ok_or(ApiError::Failed)?,
        marks: OnceCell::new_with(marks),
    };
    let reader = Reader::of_request(search, minutes_east);
    let told = preferences::kept("told");
    let dashboard: Dashboard = preferences::dashboard();
    let mut html = Html::default();
    if matches!(path, "/" | "/application") {
        html.mark("<!--connect-->");
        connect::connect(&mut html, &reader, &preferences::address());
    }
    if matches!(path, "/" | "/business") {
        html.mark("<!--events-->");
        connect::events(&mut html, &reader, &preferences::address());
    }
    if path == "/" {
        for (name, _) in dashboard.places() {
            match name {
                "database" => {
                    html.mark("<!--database-->");
                    database::panel(&mut html, &reader, &sources).await;
                }
                "graphs" => {
                    html.mark("<!--graphs-->");
                    own::panel(&mut html, &reader, &sources, &dashboard.graphs).await;
                }
                _ => {}
            }
        }
    }
    html.mark("<!---->");
    if !told.is_empty() {
        let text = (reader.own.done)(&told).unwrap_or(&told);
        html.element("<p class=\"panel-notice\" role=\"status\">", text, "</p>");
    }
    match path {
        "/api" => reference::sections(&mut html, &reader, &use_context().ok_or(ApiError::Failed)?),
        "/alerts" => desk::sections(&mut html, &reader, &sources).await,
        "/business" => business::section(&mut html, &reader, &sources),
        "/database" => database::sections(&mut html, &reader, &sources).await,
        "/system" => system::sections(&mut html, &reader, &sources).await,
        _ => {}
    }
    if matches!(path, "/" | "/system") {
        annotations::section(&mut html, &reader, &sources, path).await;
    }
    if path == "/" {
        own::form(&mut html, &reader, &sources, &dashboard).await;
    }
    who(&mut html, reader.locale);
    Ok(html.into_string())
}

/// How long a page waits for what its graphs show besides their lines.
const MARKS_WITHIN: Duration = Duration::from_millis(500);
/// Alerts on a graph; the newest are shown.
const ALERTS_SHOWN: u16 = 500;

/// What the graphs of this span of time show besides their lines. What is not known in time is
/// left out: the lines need not wait for it.
pub(crate) async fn marks(feed: &Feed, archive: &Archive, span: (Timestamp, Timestamp)) -> Marks {
    let Some(desk) = use_context::<AlertDesk>() else { return Marks::default() };
    let rules = async { desk.desk().await.map(|desk| desk.rules).unwrap_or_default() };
    let rules = timeout(MARKS_WITHIN, rules).await.unwrap_or_default();
    let of_rule = |name: &str| rules.iter().find(|rule| rule.name == name).map(|rule| rule.metric.clone());
    // One that began before the span and ended in it is found by what is longest that one lasts.
    let query = AlertQuery {
        from: span.0.checked_sub(SignedDuration::from_hours(24)).ok(),
        to: Some(span.1),
        rule_name: None,
        severity: None,
        limit: ALERTS_SHOWN,
    };
    let past = async { tokio::join!(archive.alerts(&query), archive.annotations(span.0, span.1)) };
    let (mut alerts, notes) = match feed.health().is_up(PartName::Postgresql) {
        true => timeout(MARKS_WITHIN, past).await.map_or_else(
            |_| (Vec::new(), Vec::new()),
            |(alerts, notes)| (alerts.unwrap_or_default(), notes.unwrap_or_default()),
        ),
        false => (Vec::new(), Vec::new()),
    };
    // What fires may not be saved yet.
    for alert in feed.alerts() {
        if !alerts.iter().any(|known| known.rule_name == alert.rule_name && known.fired_at == alert.fired_at) {
            alerts.push(alert);
        }
    }
    alerts.retain(|alert| alert.fired_at <= span.1 && alert.resolved_at.is_none_or(|at| at >= span.0));
    alerts.sort_by_key(|alert| alert.fired_at);
    let spans = alerts.into_iter().filter_map(|alert| {
        Some(Span {
            metric: of_rule(&alert.rule_name)?,
            from: alert.fired_at,
            to: alert.resolved_at,
            severity: Some(alert.severity),
            text: alert.rule_name,
        })
    });
    let notes = notes.into_iter().map(|note| Span {
        metric: String::new(),
        from: note.at,
        to: note.ends_at,
        severity: None,
        text: note.text,
    });
    let limit =
        |rule: &RuleState| Limit { metric: rule.metric.clone(), value: rule.threshold, severity: rule.severity };
    let mut limits: Vec<_> = rules.iter().map(limit).collect();
    limits.sort_by(|a, b| a.value.total_cmp(&b.value));
    Marks { spans: spans.chain(notes).collect(), limits }
}

/// The beginning of a panel.
fn begin(html: &mut Html, id: &'static str, title: &str) {
    begin_part(html, "", id, title);
}

/// The beginning of a panel of this width.
fn begin_part(html: &mut Html, class: &'static str, id: &'static str, title: &str) {
    html.mark("<section class=\"panel ").mark(class).mark("\" aria-labelledby=\"").mark(id);
    html.mark("\"><header class=\"panel-header\"><h2 id=\"").mark(id).element("\">", title, "</h2></header>");
}

/// Facts, as pairs of a name and a value; a dash where there is none.
fn facts(html: &mut Html, reader: &Reader, facts: &[(&str, Option<String>)]) {
    html.mark("<dl class=\"facts\">");
    for (name, value) in facts {
        html.element("<div><dt>", name, "</dt>");
        match value {
            Some(value) => html.element("<dd>", value, "</dd></div>"),
            None => html.element("<dd title=\"", reader.words.not_collected, "\">").text(MISSING).mark("</dd></div>"),
        };
    }
    html.mark("</dl>");
}

/// The beginning of a table that may be wider than the page.
fn begin_table(html: &mut Html, name: &str, columns: &[&str]) {
    html.element("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"", name, "\">");
    html.mark("<table class=\"table desk-table\"><thead><tr>");
    for column in columns {
        html.element("<th scope=\"col\">", column, "</th>");
    }
    html.mark("</tr></thead><tbody>");
}

fn end_table(html: &mut Html) {
    html.mark("</tbody></table></div>");
}

/// A word with an icon, never told by colour alone.
fn state_word(html: &mut Html, class: &'static str, shape: Shape, text: &str) {
    html.mark("<span class=\"state ").mark(class).mark("\">").icon(shape);
    html.text(text).mark("</span>");
}
