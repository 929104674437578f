//! The audit log, for admins.

use collector::AuditPage;

use super::{Frame, begin_table, end_table};

/// `/audit`
#[must_use]
pub fn audit(frame: &Frame<'_>, page: &AuditPage) -> String {
    let words = frame.words();
    frame.document(words.audit, "access-wide", |html| {
        html.element("<h1>", words.audit, "</h1><p class=\"access-note\">").text(words.audit_more).mark("</p>");
        if !page.is_complete {
            html.element("<p class=\"panel-notice\" role=\"status\">", words.audit_partial, "</p>");
        }
        html.mark("<section class=\"panel\">");
        if page.entries.is_empty() {
            html.element("<p class=\"table-none\">", words.audit_none, "</p></section>");
            return;
        }
        begin_table(html, words.audit, &words.audit_columns);
        for entry in &page.entries {
            html.element("<tr><td><time datetime=\"", &entry.timestamp.to_string(), "\">");
            html.text(&frame.moment(entry.timestamp)).mark("</time></td>");
            html.element("<th scope=\"row\">", &entry.actor, "");
            if !entry.role.is_empty() {
                html.element(" <span class=\"desk-note\">", &entry.role, "</span>");
            }
            html.element("</th><td>", &entry.action, "</td>");
            html.element("<td class=\"desk-words\">", &entry.object, "</td><td class=\"desk-words\">");
            if entry.detail.as_object().is_some_and(|detail| !detail.is_empty()) {
                html.element("<code>", &entry.detail.to_string(), "</code>");
            }
            html.element("</td><td>", &entry.address, "</td><td>");
            match entry.ok {
                true => html.text(words.audit_ok),
                false => html.element("<strong class=\"field-error\">", words.audit_failed, "</strong>"),
            };
            html.mark("</td></tr>");
        }
        end_table(html);
        html.mark("</section>");
    })
}
