//! Language and theme. Forms, so that they work without JavaScript; with it the theme changes at
//! once.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::icon::{Shape, icon};
use crate::live::LiveStore;
use crate::theme::{PageTheme, Theme};
use crate::words::use_words;

/// Both switches.
#[must_use]
pub fn switches() -> AnyView {
    let words = use_words();
    let path = use_location().pathname;
    let store = expect_context::<LiveStore>();
    let here = Signal::derive(move || store.look.get().link(&crate::range::here(&path.get())));
    let other = expect_context::<LiveStore>().locale.other();
    let theme = expect_context::<PageTheme>();
    let option = move |value: Theme, shape: Shape, name: &'static str| {
        let pressed = Signal::derive(move || (theme.choice.get() == value).to_string());
        view! {
            <button name="theme" value=value.name() title=name aria-label=name aria-pressed=pressed
                on:click=move |event| {
                    event.prevent_default();
                    theme.choose(value);
                }>
                {icon(shape)}
            </button>
        }
    };
    view! {
        <form class="switches" method="post" action="preferences">
            <input type="hidden" name="return" value=here/>
            <button class="language" name="lang" value=other.tag() lang=other.tag()>
                {other.words().language_name}
            </button>
            <div class="themes" role="group" aria-label=words.theme>
                {option(Theme::Light, Shape::Sun, words.light)}
                {option(Theme::System, Shape::Half, words.automatic)}
                {option(Theme::Dark, Shape::Moon, words.dark)}
            </div>
        </form>
    }
    .into_any()
}
