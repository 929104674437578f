//! What is silenced, by whom, why and until when; and the form for more.

use collector::alert::Silence;

use super::{Reader, begin, begin_table, end_table, state_word};
use crate::preferences;
use crate::widgets::{Html, Shape};
use crate::words::AlertsWords;

pub(super) fn section(html: &mut Html, reader: &Reader, silences: &[Silence]) {
    begin(html, "silences-title", reader.own.silences);
    if silences.is_empty() {
        html.element("<p class=\"table-none\">", reader.own.silences_none, "</p>");
    } else {
        begin_table(html, reader.own.silences, &reader.own.silence_columns);
        for silence in silences {
            html.element("<tr><th scope=\"row\"><code>", &silence.matchers, "</code></th>");
            html.element("<td>", &silence.author, "</td>");
            html.element("<td class=\"desk-words\">", &silence.reason, "</td>");
            let until = silence.ends_at.map(|at| reader.moment(at));
            html.element("<td>", until.as_deref().unwrap_or(reader.own.until_resolved), "");
            if silence.ends_soon {
                html.mark("<br>");
                state_word(html, "state-warning", Shape::Exclamation, reader.own.ends_soon);
            }
            html.mark("</td><td class=\"desk-act\"><form method=\"post\" action=\"alerts/act\">");
            html.element("<input type=\"hidden\" name=\"silence\" value=\"", &silence.id, "\">");
            let end = "</button></form></td></tr>";
            html.element("<button class=\"button\" name=\"do\" value=\"end_silence\">", reader.own.end_silence, end);
        }
        end_table(html);
    }
    form(html, reader);
    html.mark("</section>");
}

fn form(html: &mut Html, reader: &Reader) {
    let own: &AlertsWords = &reader.words.alerts;
    html.mark("<details class=\"act-more\"><summary>").text(reader.own.new_silence);
    html.mark("</summary><form method=\"post\" action=\"alerts/act\" class=\"act\"><label>").text(reader.own.matchers);
    html.mark("<input name=\"matchers\" required maxlength=\"1000\" autocomplete=\"off\"></label><label>")
        .text(own.your_name);
    html.element(
        "<input name=\"name\" required maxlength=\"100\" autocomplete=\"name\" value=\"",
        &preferences::author(),
        "\"></label><label>",
    );
    html.text(own.reason).mark("<input name=\"reason\" required maxlength=\"500\" autocomplete=\"off\"></label>");
    own.spans(html);
    html.element("<button class=\"button\" name=\"do\" value=\"silence\">", own.silence, "</button></form></details>");
}
