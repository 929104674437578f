//! A number that matters, large, with its last 15 minutes under it.

use leptos::prelude::*;

use super::value::Value;
use crate::charts::{Series, Sparkline, Unit};

/// A name, a reading, what there is to know besides, and a sparkline.
#[component]
pub fn Tile(
    /// The metric's name.
    name: &'static str,
    /// The newest reading: its number, and the unit behind it.
    reading: Signal<Option<(String, String)>>,
    /// A line of small print.
    more: Signal<String>,
    /// How bad it is, as a class: warning, critical or nothing.
    #[prop(optional, into)]
    level: Signal<String>,
    /// What the sparkline shows.
    series: Series,
    /// What its numbers are.
    unit: Unit,
) -> impl IntoView {
    let number = Signal::derive(move || reading.with(|reading| reading.as_ref().map(|(number, _)| number.clone())));
    let unit_name = Signal::derive(move || {
        reading.with(|reading| reading.as_ref().map(|(_, unit)| unit.clone()).unwrap_or_default())
    });
    let level_class = Signal::derive(move || format!("tile-more {}", level.get()));
    view! {
        <li class="tile">
            <h3 class="tile-name">{name}</h3>
            <p class="tile-reading"><b><Value text=number/></b> <span class="tile-unit">{unit_name}</span></p>
            <p class=level_class>{more}</p>
            <Sparkline series unit/>
        </li>
    }
    .into_any()
}
