//! The parts of the system and whether they answer, at the foot of the page.

use collector::{PartName, PartState};
use leptos::prelude::*;

use super::html::part;
use super::icon::Shape;
use crate::live::{LiveStore, of};
use crate::words::use_words;

/// One line of all parts.
#[must_use]
pub fn parts() -> AnyView {
    let store = expect_context::<LiveStore>();
    let words = use_words();
    part(move |html| {
        html.element("<ul class=\"parts\" aria-label=\"", words.parts, "\">");
        for part in of(store.health, |health| health.parts.clone()) {
            let name = match part.name {
                PartName::Postgresql => "PostgreSQL",
                PartName::Redis => "Redis",
                PartName::Collector => words.collector,
            };
            let (start, shape, state) = match part.state {
                PartState::Up => ("<li class=\"part part-up\">", Shape::Check, words.up),
                PartState::Down => ("<li class=\"part part-down\">", Shape::Cross, words.down),
                PartState::Off => ("<li class=\"part\">", Shape::Dots, words.off),
            };
            html.mark(start).icon(shape).text(name).element(" <span>", state, "</span></li>");
        }
        html.mark("</ul>");
    })
}
