//! What a browser shows where its user may not be.

use super::Frame;

/// The page of a request that was refused, and why.
#[must_use]
pub fn refused(frame: &Frame<'_>, why: &str) -> String {
    let words = frame.words();
    frame.document(words.refused, "access-narrow", |html| {
        html.element("<section class=\"message\"><h1>", words.refused, "</h1><p>").text(why);
        html.element("</p><a class=\"button\" href=\"./\">", words.to_overview, "</a></section>");
    })
}
