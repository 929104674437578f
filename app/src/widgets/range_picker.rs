//! The choice of how far back the graphs look. Links, so that it works without JavaScript and
//! with the back button.

use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::live::LiveStore;
use crate::range::Range;
use crate::words::use_words;

/// A link for each range.
#[must_use]
pub fn range_picker() -> AnyView {
    let words = use_words();
    let path = use_location().pathname;
    let store = expect_context::<LiveStore>();
    let link = move |range: Range| {
        let href = Signal::derive(move || range.link(&path.get()));
        let current = Signal::derive(move || (store.range.get() == range).then(|| "true".to_owned()));
        // A page that only changes its graphs stays where it is scrolled to: a word of the router's.
        html::a().href(href).aria_current(current).attr("noscroll", "").child((words.range)(range))
    };
    view! {
        <nav class="ranges" aria-label=words.ranges>
            {Range::ALL.map(link).into_iter().collect_view()}
        </nav>
    }
    .into_any()
}
