//! The place of what the server alone draws of a page.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_location;

use crate::live::LiveStore;
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
    Effect::new(move |_| {
        tick.track();
        store.alerts.with(|_| ());
        let search = search.get();
        if browser::is_acting() || browser::is_hidden() {
            return;
        }
        let number = newest.get_value().wrapping_add(1);
        newest.set_value(number);
        let minutes = store.zone.get().minutes();
        spawn_local(async move {
            // Else what is shown stays.
            if let Ok(markup) = api::drawn::drawn(path.to_owned(), search, minutes).await {
                // Unless the viewer has gone on: to another time, or to another page.
                if newest.try_get_value() == Some(number) {
                    store.drawn.set(markup);
                }
            }
        });
    });
    on_cleanup(move || store.drawn.set(String::new()));
    view! { <div class="markup panels server-drawn" inner_html=store.drawn></div> }.into_any()
}
