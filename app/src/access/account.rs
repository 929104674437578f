//! One's own account: password and sessions.

use collector::access::{Caller, Session};

use super::log_in::NEW_PASSWORD;
use super::{Frame, begin_section, begin_table, end_table, field, problem};

/// What the page shows.
#[derive(Debug, Default)]
pub struct Account {
    /// The sessions of the user, the last used first.
    pub sessions: Vec<Session>,
    /// Why the password was not changed.
    pub errors: AccountErrors,
}

/// Why the password was not changed.
#[derive(Debug, Default)]
pub struct AccountErrors {
    /// Seconds to wait after too many tries.
    pub wait: Option<u64>,
    /// Whether the one of now was wrong.
    pub is_wrong: bool,
    /// Whether the new ones differ.
    pub is_not_the_same: bool,
    /// What is wrong with the new one.
    pub password: String,
    /// What else is wrong.
    pub other: String,
}

/// `/account`
#[must_use]
pub fn account(frame: &Frame<'_>, page: &Account) -> String {
    let words = frame.words();
    frame.document(words.account, "access-wide", |html| {
        html.element("<h1>", words.account, "</h1>");
        let Some(Caller::User { name, role, session: this }) = frame.caller else {
            html.element("<p>", words.nobody_needed, "</p>");
            return;
        };
        html.element("<p class=\"access-note\">", name, " · ");
        html.text(words.role_is).mark(": ").text(role.name()).mark("</p>");
        begin_section(html, "password-title", words.change_password);
        let Account { sessions, errors } = page;
        html.mark("<form method=\"post\" action=\"account\" class=\"access-form\">");
        problem(html, &errors.wait.map(words.too_often).unwrap_or_default());
        problem(html, &errors.other);
        let attributes = "type=\"password\" required autocomplete=\"current-password\"";
        let wrong = if errors.is_wrong { words.password_wrong } else { "" };
        field(html, "now", words.password_now, attributes, "", wrong);
        field(html, "password", words.password_new, NEW_PASSWORD, "", &errors.password);
        html.element("<p class=\"access-note\">", words.password_note, " ")
            .text(words.change_password_note)
            .mark("</p>");
        let differ = if errors.is_not_the_same { words.not_the_same } else { "" };
        field(html, "again", words.password_again, NEW_PASSWORD, "", differ);
        html.element("<button class=\"button\" name=\"do\" value=\"password\">", words.change_password, "</button>");
        html.mark("</form></section>");
        begin_section(html, "sessions-title", words.sessions);
        begin_table(html, words.sessions, &words.session_columns);
        for session in sessions {
            html.element("<tr><th scope=\"row\" class=\"desk-words\">", &session.agent, "</th>");
            html.element("<td>", &session.address, "</td>");
            html.element("<td>", &frame.moment(session.created_at), "</td>");
            html.element("<td>", &frame.moment(session.seen_at), " ");
            match session.digest == *this {
                true => html.element("<strong>", words.session_this, "</strong>"),
                false => {
                    html.mark("<form method=\"post\" action=\"account\" class=\"desk-act\">");
                    let id = session.digest.short();
                    html.element("<input type=\"hidden\" name=\"session\" value=\"", id, "\">");
                    let end = "</button></form>";
                    html.element("<button class=\"button\" name=\"do\" value=\"end\">", words.session_end, end)
                }
            };
            html.mark("</td></tr>");
        }
        end_table(html);
        html.mark("</section><form method=\"post\" action=\"logout\" class=\"act\">");
        html.element("<button class=\"button\">", words.log_out, "</button></form>");
    })
}
