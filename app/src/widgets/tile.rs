//! A number that matters, large, with its recent past under it.

use super::html::Html;
use crate::format::MISSING;
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
    /// Writes it, with what writes its recent past.
    pub fn write(&self, html: &mut Html, words: &Words, past: &dyn Fn(&mut Html)) {
        html.element("<li class=\"tile\"><h3 class=\"tile-name\">", self.name, "</h3><p class=\"tile-reading\"><b>");
        match &self.reading {
            Some((number, unit)) => html.text(number).element("</b><span class=\"tile-unit\">", unit, "</span></p>"),
            // Never a 0.
            None => html.element("<span title=\"", words.not_collected, "\">").text(MISSING).mark("</span></b></p>"),
        };
        html.mark("<p class=\"tile-more ").mark(self.level).mark("\">");
        // A line that is never empty keeps its height.
        html.text(self.more.as_deref().unwrap_or("\u{a0}")).mark("</p>");
        past(html);
        html.mark("</li>");
    }
}
