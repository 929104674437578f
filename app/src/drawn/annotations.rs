//! Annotations: the form that marks a moment, and the latest of them. Both work without scripts.

use collector::AnnotationQuery;
use collector::annotation::Annotation;

use super::{Reader, Sources, begin, begin_table, end_table};
use crate::preferences;
use crate::widgets::Html;
use crate::words::AnnotationWords;

/// The name of the cookie that brings what became of a form to the page.
pub const TOLD: &str = "told_annotations";
/// Annotations in the list.
const LATEST: u16 = 10;

/// The form and the list, closed until somebody opens them, on the page at `path`.
pub(super) async fn section(html: &mut Html, reader: &Reader, sources: &Sources, path: &str) {
    let words = AnnotationWords::of(reader.locale);
    let back = if reader.search.is_empty() { path.to_owned() } else { format!("{path}?{}", reader.search) };
    // Where it does not answer, not to be waited for.
    let query = AnnotationQuery { from: None, to: None, tag: None, limit: LATEST };
    let latest = match sources.has_history() {
        true => sources.archive.find_annotations(&query).await.ok(),
        false => None,
    };
    begin(html, "annotations", words.title);
    let told = preferences::kept(TOLD);
    if !told.is_empty() {
        let text = (words.done)(&told).unwrap_or(&told);
        html.element("<p class=\"panel-notice\" role=\"status\">", text, "</p>");
    }
    html.element("<details class=\"act-more annotations\"><summary>", words.open, "</summary>");
    match latest {
        Some(latest) => {
            form(html, words, &back);
            list(html, reader, words, &back, &latest);
        }
        None => {
            html.element("<p class=\"table-none\">", words.away, "</p>");
        }
    }
    html.mark("</details></section>");
}

fn form(html: &mut Html, words: &AnnotationWords, back: &str) {
    html.element(
        "<form method=\"post\" action=\"annotations\" class=\"act\"><input type=\"hidden\" name=\"return\" value=\"",
        back,
        "\"><label>",
    );
    html.text(words.text);
    html.mark("<input name=\"text\" required maxlength=\"1000\" autocomplete=\"off\"></label><label>").text(words.tags);
    html.mark("<input name=\"tags\" maxlength=\"1000\" autocomplete=\"off\" placeholder=\"deploy\"></label><label>");
    html.text(words.ago);
    html.mark("<input name=\"ago\" type=\"number\" min=\"0\" max=\"500000\" value=\"0\"></label><label>")
        .text(words.name);
    html.element(
        "<input name=\"name\" maxlength=\"100\" autocomplete=\"name\" value=\"",
        &preferences::author(),
        "\"></label>",
    );
    html.element("<button class=\"button\" name=\"do\" value=\"mark\">", words.mark, "</button></form>");
}

fn list(html: &mut Html, reader: &Reader, words: &AnnotationWords, back: &str, latest: &[Annotation]) {
    if latest.is_empty() {
        html.element("<p class=\"table-none\">", words.none, "</p>");
        return;
    }
    begin_table(html, words.newest, &words.columns);
    for annotation in latest {
        let from = reader.moment(annotation.at);
        let when = annotation.ends_at.map(|to| (words.span)(&from, &reader.moment(to)));
        html.element("<tr><th scope=\"row\">", &when.unwrap_or(from), "</th>");
        html.element("<td class=\"desk-words annotation-text\">", &annotation.text, "</td><td class=\"desk-words\">");
        for tag in &annotation.tags {
            html.element("<span class=\"annotation-tag\">", tag, "</span> ");
        }
        html.element("</td><td>", &annotation.created_by, "</td><td class=\"desk-act\">");
        html.element(
            "<form method=\"post\" action=\"annotations\"><input type=\"hidden\" name=\"return\" value=\"",
            back,
            "\">",
        );
        html.element("<input type=\"hidden\" name=\"id\" value=\"", &annotation.id, "\">");
        let name = (words.remove_one)(&annotation.text);
        html.element("<button class=\"button\" name=\"do\" value=\"remove\" aria-label=\"", &name, "\">");
        html.text(words.remove).mark("</button></form></td></tr>");
    }
    end_table(html);
}
