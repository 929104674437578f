//! The choice of what of the past the graphs show. Links and a form, so that it works without
//! JavaScript and with the back button.

use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::html::{Html, part};
use crate::format;
use crate::live::LiveStore;
use crate::range::{Compare, Look, Range, here};
use crate::words::{Words, use_words};

/// A link for each range, a form for any other, and links for an earlier time beside it.
#[must_use]
pub fn range_picker() -> AnyView {
    let words = use_words();
    let path = use_location().pathname;
    let store = expect_context::<LiveStore>();
    let link = move |range: Range| {
        let href = Signal::derive(move || store.look.get().with(range).link(&here(&path.get())));
        let current = Signal::derive(move || (store.look.get().range == range).then(|| "true".to_owned()));
        // A page that only changes its graphs stays where it is scrolled to: a word of the router's.
        html::a().href(href).aria_current(current).attr("noscroll", "").child((words.range)(range))
    };
    let more = part(move |html| {
        let look = store.look.get();
        let chosen = matches!(look.range, Range::Between(..)) || look.compare != Compare::Nothing;
        html.mark("<details class=\"range-more\"><summary");
        html.mark(if chosen { " aria-current=\"true\"" } else { "" });
        let text = chosen_words(words, store, look);
        html.element(" title=\"", words.between[0], "\" aria-label=\"").text(words.between[0]);
        // Who speaks to the page says what is to be read there.
        html.mark(if chosen { ": " } else { "" }).text(if chosen { &text } else { "" });
        html.mark("\">").text(&text).mark("</summary><div class=\"range-menu\">");
        let here = here(&path.get());
        between(html, words, &here, look);
        html.element("<p class=\"range-compare\">", words.comparisons, "");
        for compare in Compare::ALL {
            html.element(" <a noscroll href=\"", &Look { compare, ..look }.link(&here), "\"");
            html.mark(if compare == look.compare { " aria-current=\"true\">" } else { ">" });
            html.text((words.compared)(compare)).mark("</a>");
        }
        html.mark("</p></div></details>");
    });
    view! {
        <nav class="ranges" aria-label=words.ranges>
            {Range::ALL.map(link).into_iter().collect_view()}
            {more}
        </nav>
    }
    .into_any()
}

/// What is chosen beyond the links, in few words.
fn chosen_words(words: &Words, store: LiveStore, look: Look) -> String {
    let zone = store.zone.get();
    let mut text = match look.range {
        Range::Between(from, to) => {
            let [from, to] = [from, to].map(format::second);
            let (days, times) = ([from, to].map(|at| zone.day(at)), [from, to].map(|at| zone.minute(at)));
            if days[0] == days[1] {
                format!("{} {} – {}", days[0], times[0], times[1])
            } else {
                format!("{} {} – {} {}", days[0], times[0], days[1], times[1])
            }
        }
        _ => String::new(),
    };
    if look.compare != Compare::Nothing {
        text.push_str(" ⇄ ");
        text.push_str((words.compared)(look.compare));
    }
    if text.is_empty() { "⋯".to_owned() } else { text }
}

/// The form for a range between two times. Without script they are in UTC, as the page's are then.
fn between(html: &mut Html, words: &Words, path: &str, look: Look) {
    let [title, from, to, show] = words.between;
    html.element("<form class=\"act range-between\" action=\"", path, "\" data-error=\"");
    html.element("", words.too_short, "\"><strong>").element("", title, "</strong>");
    for (name, label) in [("from", from), ("to", to)] {
        html.element("<label>", label, "<input type=\"datetime-local\" step=\"1\" required name=\"");
        html.mark(name).mark("\"></label>");
    }
    if look.compare != Compare::Nothing {
        html.mark("<input type=\"hidden\" name=\"compare\" value=\"").mark(look.compare.name()).mark("\">");
    }
    html.element("<button class=\"button\">", show, "</button></form>");
}
