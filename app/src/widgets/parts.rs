//! The parts of the system and whether they answer, at the foot of the page.

use collector::{Part, PartName, PartState};
use leptos::prelude::*;

use super::icon::{Icon, Shape};
use crate::live::LiveStore;
use crate::words::{Words, use_words};

/// One line of all parts.
#[component]
pub fn Parts() -> impl IntoView {
    let store = expect_context::<LiveStore>();
    let words = use_words();
    let parts = move || {
        let parts = store.health.with(|health| health.as_ref().map(|health| health.parts.clone()));
        parts.unwrap_or_default().into_iter().map(|part| item(words, &part)).collect_view()
    };
    view! { <ul class="parts" aria-label=words.parts>{parts}</ul> }
}

fn item(words: &'static Words, part: &Part) -> impl IntoView + use<> {
    let name = match part.name {
        PartName::Postgresql => "PostgreSQL",
        PartName::Redis => "Redis",
        PartName::Collector => words.collector,
    };
    let (class, shape, state) = match part.state {
        PartState::Up => ("part part-up", Shape::Check, words.up),
        PartState::Down => ("part part-down", Shape::Cross, words.down),
        PartState::Off => ("part", Shape::Dots, words.off),
    };
    view! { <li class=class><Icon shape/>{name} " " <span>{state}</span></li> }
}
