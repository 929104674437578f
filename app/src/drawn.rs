//! What the server alone draws of a page, as text: the browser only puts it in its place and asks
//! for it again every so often. So a page can have much that its WASM need not carry.

mod database;
mod desk;

use collector::alert::Alert;
use collector::{AlertDesk, Archive, DatabaseDesk, Feed};
use jiff::Timestamp;
use leptos::prelude::use_context;

use crate::error::ApiError;
use crate::format::Zone;
use crate::locale::Locale;
use crate::preferences;
use crate::widgets::{Html, Shape};
use crate::words::{DeskWords, Words};

/// Where what is drawn comes from.
struct Sources {
    desk: AlertDesk,
    archive: Archive,
    feed: Feed,
    database: DatabaseDesk,
}

/// Whom it is drawn for, and when.
struct Reader {
    /// The part of the page's address after its `?`.
    search: String,
    words: &'static Words,
    desk: &'static DeskWords,
    locale: Locale,
    is_japanese: bool,
    zone: Zone,
    now: Timestamp,
}

impl Reader {
    fn of_request(search: String, minutes_east: Option<i32>) -> Self {
        let locale = preferences::locale();
        let zone = minutes_east.map_or(Zone::Utc, Zone::Local);
        let (words, desk) = (locale.words(), DeskWords::of(locale));
        Self { search, words, desk, locale, is_japanese: locale == Locale::Ja, zone, now: Timestamp::now() }
    }

    fn moment(&self, at: Timestamp) -> String {
        self.zone.moment(at, self.now)
    }

    /// How long ago.
    fn age(&self, at: Timestamp) -> String {
        (self.words.duration)(u64::try_from(self.now.duration_since(at).as_secs()).unwrap_or(0))
    }

    fn message<'a>(&self, alert: &'a Alert) -> &'a str {
        if self.is_japanese { &alert.message_ja } else { &alert.message }
    }
}

/// What the server draws of the page at `path`, whose address has this search, for the request
/// that is in context.
///
/// # Errors
///
/// [`ApiError::Failed`] where there is no request.
pub(crate) async fn page(path: &str, search: String, minutes_east: Option<i32>) -> Result<String, ApiError> {
    let sources = Sources {
        desk: use_context().ok_or(ApiError::Failed)?,
        archive: use_context().ok_or(ApiError::Failed)?,
        feed: use_context().ok_or(ApiError::Failed)?,
        database: use_context().ok_or(ApiError::Failed)?,
    };
    let reader = Reader::of_request(search, minutes_east);
    let told = preferences::kept("told");
    let mut html = Html::default();
    if !told.is_empty() {
        let text = (reader.desk.done)(&told).unwrap_or(&told);
        html.element("<p class=\"panel-notice\" role=\"status\">", text, "</p>");
    }
    match path {
        "/" => database::panel(&mut html, &reader, &sources).await,
        "/alerts" => desk::sections(&mut html, &reader, &sources).await,
        "/database" => database::sections(&mut html, &reader, &sources).await,
        _ => {}
    }
    Ok(html.into_string())
}

/// The beginning of a panel.
fn begin(html: &mut Html, id: &'static str, title: &str) {
    html.mark("<section class=\"panel\" aria-labelledby=\"").mark(id);
    html.mark("\"><header class=\"panel-header\"><h2 id=\"").mark(id);
    html.element("\">", title, "</h2></header>");
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
