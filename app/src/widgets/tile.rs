//! A number that matters, large, with its recent past under it.

use super::html::Html;
use crate::charts::{Series, Unit, sparkline};
use crate::format::MISSING;
use crate::live::LiveStore;
use crate::words::Words;

/// What a tile says.
#[derive(Debug, Default)]
pub struct Tile {
    /// The metric's name.
    pub name: &'static str,
    /// The newest reading: its number, and the unit behind it.
    pub reading: Option<(String, String)>,
    /// A line of small print.
    pub more: Option<String>,
    /// How bad it is, as a class: warning, critical or nothing.
    pub level: &'static str,
}

impl Tile {
    /// Writes it, with a sparkline.
    pub fn write(&self, html: &mut Html, words: &Words, store: LiveStore, series: Series, unit: Unit) {
        html.element("<li class=\"tile\"><h3 class=\"tile-name\">", self.name, "</h3><p class=\"tile-reading\"><b>");
        match &self.reading {
            Some((number, unit)) => html.text(number).element("</b><span class=\"tile-unit\">", unit, "</span></p>"),
            // Never a 0.
            None => html.element("<span title=\"", words.not_collected, "\">").text(MISSING).mark("</span></b></p>"),
        };
        html.mark("<p class=\"tile-more ").mark(self.level).mark("\">");
        // A line that is never empty keeps its height.
        html.text(self.more.as_deref().unwrap_or("\u{a0}")).mark("</p>");
        sparkline(html, words, store, series, unit);
        html.mark("</li>");
    }
}
