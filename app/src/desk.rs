//! The desk of the alerts: receivers, silences, rules and what was. The server alone draws it, as
//! text: the browser only puts it in its place.

mod history;
mod receivers;
mod rules;
mod silences;

use std::collections::BTreeMap;

use collector::alert::Alert;
use collector::{AlertDesk, Archive, Feed, PartName, PartState};
use jiff::Timestamp;

use crate::format::Zone;
use crate::locale::Locale;
use crate::preferences;
use crate::widgets::{Html, Shape};
use crate::words::{DeskWords, Words};

/// Whom it is drawn for, and when.
struct Reader {
    words: &'static Words,
    desk: &'static DeskWords,
    is_japanese: bool,
    zone: Zone,
    now: Timestamp,
}

impl Reader {
    fn of_request(minutes_east: Option<i32>) -> Self {
        let locale = preferences::locale();
        let zone = minutes_east.map_or(Zone::Utc, Zone::Local);
        let (words, desk) = (locale.words(), DeskWords::of(locale));
        Self { words, desk, is_japanese: locale == Locale::Ja, zone, now: Timestamp::now() }
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

/// All of it as it stands, for a page whose address has this search.
pub(crate) async fn state(
    (desk, archive, feed): (&AlertDesk, &Archive, &Feed),
    search: &str,
    minutes_east: Option<i32>,
) -> String {
    let reader = Reader::of_request(minutes_east);
    let mut html = Html::default();
    let told = preferences::kept("told");
    if !told.is_empty() {
        let text = (reader.desk.done)(&told).unwrap_or(&told);
        html.element("<p class=\"panel-notice\" role=\"status\">", text, "</p>");
    }
    let postgresql = feed.health().part(PartName::Postgresql).map(|part| part.state);
    let is_history_there = postgresql == Some(PartState::Up);
    let known = desk.desk().await;
    if let Ok(desk) = &known {
        receivers::section(&mut html, &reader, desk);
        silences::section(&mut html, &reader, &desk.silences);
        // Not where the page would have to wait for them.
        let lines = match is_history_there {
            true => rules::lines(archive, &desk.rules, reader.now).await,
            false => BTreeMap::new(),
        };
        rules::section(&mut html, &reader, &desk.rules, &lines);
    } else {
        html.element("<p class=\"panel-notice\">", reader.desk.away, "</p>");
    }
    let names: Vec<String> =
        known.map(|desk| desk.rules.into_iter().map(|rule| rule.name).collect()).unwrap_or_default();
    let archive = Some(archive).filter(|_| is_history_there);
    history::section(&mut html, &reader, archive, &names, search).await;
    html.into_string()
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
