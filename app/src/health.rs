//! The page about the monitoring itself: its processes, what they need, what waits, and what they last warned of. The
//! server draws it whole; where scripts run, a small one asks for it again every few seconds.

mod processes;
mod rest;

use collector::access::Caller;
use collector::{Spread, Standing};
use jiff::Timestamp;

use crate::access::Frame;
use crate::format::{self, MISSING};
use crate::widgets::{Html, Shape};
use crate::words::{HealthWords, Words};

/// `/health`; `script` is the URL of what brings it up to date.
#[must_use]
pub fn health(frame: &Frame<'_>, standing: &Standing, script: Option<&str>) -> String {
    let viewer = Viewer { frame, words: frame.locale.words(), own: HealthWords::of(frame.locale) };
    frame.document(viewer.own.title, "access-wide server-drawn", |html| {
        html.element("<h1>", viewer.own.title, "</h1><p class=\"access-note\">").text(viewer.own.more).mark("</p>");
        html.element("<p class=\"panel-notice\" role=\"status\" id=\"stale\" hidden>", viewer.own.stale, "</p>");
        html.mark("<div class=\"vitals\" id=\"vitals\">");
        html.element("<p class=\"access-note\">", viewer.own.as_of, " ");
        time(html, &viewer, standing.here.at);
        html.mark("</p>");
        processes::section(html, &viewer, standing);
        processes::parts(html, &viewer, standing);
        rest::sampling(html, &viewer, standing);
        rest::saving(html, &viewer, standing);
        rest::out(html, &viewer, standing);
        rest::settings(html, &viewer, standing);
        rest::tables(html, &viewer, standing);
        // It may name people and addresses, which is nobody's business who has not logged in.
        if frame.caller != Some(&Caller::Public) {
            rest::log(html, &viewer, standing);
        }
        html.mark("</div>");
        if let Some(script) = script {
            html.element("<script type=\"module\" src=\"", script, "\"></script>");
        }
    })
}

/// For whom it is drawn.
struct Viewer<'a> {
    frame: &'a Frame<'a>,
    words: &'static Words,
    own: &'static HealthWords,
}

impl Viewer<'_> {
    /// How long ago.
    fn ago(&self, at: Timestamp) -> String {
        (self.own.ago)(&self.age(at))
    }

    fn age(&self, at: Timestamp) -> String {
        (self.words.duration)(u64::try_from(self.frame.now.duration_since(at).as_secs()).unwrap_or(0))
    }

    /// What of both is for the reader.
    fn said<'a>(&self, en: &'a str, ja: &'a str) -> &'a str {
        if self.frame.locale == crate::Locale::Ja && !ja.is_empty() { ja } else { en }
    }

    fn spread(&self, spread: Spread) -> String {
        // Past the last bound nothing is known but that.
        let most =
            spread.most.map_or_else(|| "?".to_owned(), |most| format!("{}\u{a0}ms", format::short(most * 1_000.0)));
        (self.own.spread)(&format::short(spread.mean * 1_000.0), &most)
    }
}

fn time(html: &mut Html, viewer: &Viewer<'_>, at: Timestamp) {
    html.element("<time datetime=\"", &at.to_string(), "\">").text(&viewer.frame.moment(at)).mark("</time>");
}

/// Facts, as pairs of a name and a value; a dash where there is none.
fn facts<const N: usize>(html: &mut Html, names: [&str; N], values: [Option<String>; N]) {
    html.mark("<dl class=\"facts\">");
    for (name, value) in names.iter().zip(values) {
        html.element("<div><dt>", name, "</dt>");
        html.element("<dd>", value.as_deref().unwrap_or(MISSING), "</dd></div>");
    }
    html.mark("</dl>");
}

/// A word with an icon, never told by colour alone.
fn state_word(html: &mut Html, class: &'static str, shape: Shape, text: &str) {
    html.mark("<span class=\"state ").mark(class).mark("\">").icon(shape).text(text).mark("</span>");
}
