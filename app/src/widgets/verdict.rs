//! The strip on top of a page: is everything all right? One sentence, and how fresh it is.

use leptos::prelude::*;

use super::html::{Html, part};
use super::icon::Shape;
use crate::live::{Link, LiveStore, Severity, Verdict, of};
use crate::words::{Words, use_words};

/// Icon, sentence, live state, host, uptime and clock.
#[must_use]
pub fn verdict_strip() -> AnyView {
    let store = expect_context::<LiveStore>();
    let words = use_words();
    let verdict = Memo::new(move |_| store.verdict());
    let class = Signal::derive(move || {
        match verdict.get().severity() {
            Severity::Good => "verdict verdict-good",
            Severity::Unknown => "verdict verdict-unknown",
            Severity::Warning => "verdict verdict-warning",
            Severity::Critical => "verdict verdict-critical",
        }
        .to_owned()
    });
    let icon = Signal::derive(move || {
        match verdict.get().severity() {
            Severity::Good => Shape::Check,
            Severity::Unknown => Shape::Dots,
            Severity::Warning => Shape::Exclamation,
            Severity::Critical => Shape::Cross,
        }
        .path()
        .to_owned()
    });
    let headline = Signal::derive(move || verdict.get().headline(words, store.zone.get(), store.now.get_untracked()));
    let more = Signal::derive(move || verdict.get().more(words, store.push_seconds.get()));
    // Written as a whole: words that grow would push the others aside, which counts as a shift.
    let facts = part(move |html| {
        html.mark("<ul class=\"verdict-facts\"><li>");
        link_chip(html, words, store);
        html.mark("</li>");
        of(store.system, |system| {
            html.element("<li class=\"verdict-host\">", &system.host, "</li>");
            html.element("<li>", &(words.uptime)(&(words.duration)(system.uptime_seconds)), "</li>");
        });
        let (zone, now) = (store.zone.get(), store.now.get());
        let clock = format!("{} {}{}", zone.date(now), zone.time(now), zone.label());
        html.element("<li class=\"verdict-clock\">", &clock, "</li></ul>");
    });
    view! {
        <section class=class aria-label=words.verdict>
            <span class="verdict-icon"><svg class="icon" viewBox="0 0 18 18" aria-hidden="true"><path d=icon/></svg></span>
            <p class="verdict-sentence">
                <strong>{headline}</strong> " " <span>{more}</span>
            </p>
            {announcement(verdict)}
            {facts}
        </section>
    }
    .into_any()
}

/// Says a verdict of a new kind to those who cannot see the strip, and not every tick.
fn announcement(verdict: Memo<Verdict>) -> AnyView {
    let store = expect_context::<LiveStore>();
    let words = use_words();
    let said = RwSignal::new(String::new());
    Effect::new(move |before: Option<Verdict>| {
        let now = verdict.get();
        if before.is_some_and(|before| !before.is_same_kind(&now)) {
            said.set(now.headline(words, store.zone.get_untracked(), store.now.get_untracked()));
        }
        now
    });
    view! { <p class="visually-hidden" role="status">{said}</p> }.into_any()
}

/// Whether what is seen is live, and since when not.
fn link_chip(html: &mut Html, words: &Words, store: LiveStore) {
    let zone = store.zone.get();
    let (class, text) = match store.link.get() {
        Link::Live if store.is_stale() => ("chip chip-stale", words.stale.to_owned()),
        Link::Live => ("chip chip-live", words.live.to_owned()),
        Link::Lost(since) => ("chip chip-lost", (words.reconnecting)(&zone.time(since))),
        Link::None => {
            let at = of(store.system, |system| Some(system.at));
            let at = zone.time(at.unwrap_or_else(|| store.now.get()));
            ("chip", (words.as_of)(&format!("{at}{}", zone.label())))
        }
    };
    html.mark("<span class=\"").mark(class).mark("\" data-link=\"").mark(link_name(store));
    html.element("\">", &text, "</span>");
}

/// The live state as one word, for tests and styles.
fn link_name(store: LiveStore) -> &'static str {
    match store.link.get() {
        Link::Live if store.is_stale() => "stale",
        Link::Live => "live",
        Link::Lost(_) => "reconnecting",
        Link::None => "none",
    }
}

/// The host's name, empty while there is no reading.
#[must_use]
pub fn host_name(store: LiveStore) -> Signal<String> {
    Signal::derive(move || of(store.system, |system| system.host.clone()))
}

/// An exclamation mark on a colour, whole in its address: it may be that there is no server to ask.
macro_rules! mark {
    ($colour:literal, $ink:literal) => {
        concat!(
            "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'>\
             <rect width='32' height='32' rx='8' fill='%23",
            $colour,
            "'/><path d='M16 7v11M16 24v.6' stroke='%23",
            $ink,
            "' stroke-width='4' stroke-linecap='round'/></svg>"
        )
    };
}

/// The window's icon, which says how bad it is.
#[must_use]
pub fn window_icon(store: LiveStore) -> &'static str {
    match store.verdict().severity() {
        Severity::Good | Severity::Unknown => "favicon.svg",
        Severity::Warning => mark!("f2b01e", "14181f"),
        Severity::Critical => mark!("d92d3a", "fff"),
    }
}

/// The window's title: the verdict first when it is bad.
#[must_use]
pub fn window_title(store: LiveStore, page: &'static str) -> String {
    let words = use_words();
    let verdict = store.verdict();
    let word = match verdict.severity() {
        Severity::Good | Severity::Unknown => return format!("{page} · {}", super::header::NAME),
        Severity::Warning => words.warning,
        Severity::Critical => words.critical,
    };
    let headline = verdict.headline(words, store.zone.get(), store.now.get_untracked());
    let headline = headline.trim_end_matches(['.', '。']);
    format!("{word}: {headline} · {page} · {}", super::header::NAME)
}
