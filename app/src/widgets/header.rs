//! The bar on top of every page.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::icon::{Shape, icon};
use super::range_picker::range_picker;
use super::switches::switches;
use crate::live::LiveStore;
use crate::range::here;
use crate::words::use_words;

/// Name of the product, the same in every language.
pub const NAME: &str = "Recipe Monitoring";

/// Mark, pages, switches.
#[must_use]
pub fn header() -> AnyView {
    let words = use_words();
    let path = use_location().pathname;
    let store = expect_context::<LiveStore>();
    let link = move |href: &'static str, name: &'static str| {
        let current = Signal::derive(move || (here(&path.get()) == href).then(|| "page".to_owned()));
        let target = Signal::derive(move || store.look.get().link(href));
        view! { <a href=target aria-current=current>{name}</a> }
    };
    view! {
        <a class="skip" href=crate::preferences::main() rel="external">{words.skip}</a>
        <header class="header">
            <div class="header-inner">
                <p class="brand">{icon(Shape::Pulse)}<span>{NAME}</span></p>
                <nav class="pages" aria-label=words.navigation>
                    {link("./", words.overview)}
                    {link("./system", words.system)}
                    {link("./application", words.application.application)}
                    {link("./business", words.business.business)}
                    {link("./alerts", words.alerts.alerts)}
                    {link("./database", words.database)}
                </nav>
                {range_picker()}
                {switches()}
            </div>
        </header>
    }
    .into_any()
}
