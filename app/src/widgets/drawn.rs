//! The places of what the server alone draws of a page: its sections, which have a name, and the rest.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_location;

use super::html::{Html, of_text, part};
use crate::live::{Link, LiveStore};
use crate::{api, browser};

/// It is asked for again so often, for the values in it.
const SECONDS: i64 = 10;

/// What the server draws of the page at `path`: asked for again every so often, and at once when
/// the page looks at another time or an alert changes.
pub fn drawn(path: &'static str) -> AnyView {
    let store = expect_context::<LiveStore>();
    let search = use_location().search;
    let tick = Memo::new(move |_| store.now.get().as_second() / SECONDS);
    let newest = StoredValue::new(0_u32);
    Effect::new(move |born: Option<(i64, String)>| {
        store.alerts.with(|_| ());
        // Read, not only tracked: a memo that nobody has read follows nothing.
        let now = (tick.get(), search.get());
        let born = born.unwrap_or_else(|| now.clone());
        // What came with the page is good until the next tick.
        let is_fresh = born == now && store.drawn.with_untracked(|drawn| !drawn.is_empty());
        // Asked again as soon as there is somebody to ask.
        let is_lost = matches!(store.link.get(), Link::Lost(_));
        if is_fresh || is_lost || browser::is_acting() || browser::is_hidden() {
            return born;
        }
        let number = newest.get_value().wrapping_add(1);
        newest.set_value(number);
        let minutes = store.zone.get().minutes();
        spawn_local(async move {
            // Else what is shown stays.
            if let Ok(markup) = api::drawn::drawn(path.to_owned(), now.1, minutes).await {
                // Unless the viewer has gone on, to another time or another page, or has begun to act meanwhile.
                if newest.try_get_value() == Some(number) && !browser::is_acting() {
                    store.drawn.set(markup);
                }
            }
        });
        born
    });
    browser::on_leave(move || store.drawn.set(String::new()));
    of_text("markup panels server-drawn", Box::new(move |html| write_section(html, store, "")), false)
}

/// The place of a section of it.
pub fn drawn_section(name: String) -> AnyView {
    let store = expect_context::<LiveStore>();
    part(move |html| write_section(html, store, &name))
}

/// Writes a section of it.
pub fn write_section(html: &mut Html, store: LiveStore, name: &str) {
    store.drawn.with(|drawn| html.raw(section(drawn, name)));
}

/// What follows the comment with this name, up to the next one; the rest has no name.
fn section<'a>(drawn: &'a str, name: &str) -> &'a str {
    let mut parts = drawn.split("<!--");
    let found = parts.find_map(|part| part.strip_prefix(name)?.strip_prefix("-->"));
    found.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_where_the_next_begins() {
        let drawn = "<!--a--><p>1</p><!--ab--><p>2</p><!----><p>3</p>";
        for (name, markup) in [("a", "<p>1</p>"), ("ab", "<p>2</p>"), ("", "<p>3</p>"), ("b", "")] {
            assert_eq!(section(drawn, name), markup, "{name}");
        }
        assert_eq!(section("", ""), "");
    }
}
