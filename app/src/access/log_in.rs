//! The pages before anybody is logged in.

use super::{Frame, field, problem};
use crate::widgets::{Html, NAME};

/// What the page of the log-in shows again, and why it was refused.
#[derive(Debug, Default)]
pub struct LogIn {
    /// The name that was given.
    pub name: String,
    /// Where to go afterwards.
    pub next: String,
    /// Seconds to wait after too many tries.
    pub wait: Option<u64>,
    /// Whether name or password was wrong.
    pub is_wrong: bool,
    /// Whether it could not be looked at.
    pub has_failed: bool,
}

/// `/login`
#[must_use]
pub fn log_in(frame: &Frame<'_>, form: &LogIn) -> String {
    let words = frame.words();
    frame.document(words.log_in, "access-narrow", |html| {
        html.element("<section class=\"panel\"><h1>", words.log_in, "</h1><p class=\"access-note\">");
        html.text(NAME).mark("</p><form method=\"post\" action=\"login\" class=\"access-form\">");
        html.element("<input type=\"hidden\" name=\"next\" value=\"", &form.next, "\">");
        problem(html, &form.wait.map(words.too_often).unwrap_or_default());
        problem(html, if form.has_failed { words.failed } else { "" });
        let error = if form.is_wrong { words.wrong } else { "" };
        match form.name.is_empty() {
            true => {
                field(html, "name", words.name, NAME_ATTRIBUTES_FIRST, "", "");
                field(html, "password", words.password, PASSWORD_ATTRIBUTES, "", error);
            }
            false => {
                field(html, "name", words.name, NAME_ATTRIBUTES, &form.name, "");
                field(html, "password", words.password, PASSWORD_ATTRIBUTES_FIRST, "", error);
            }
        }
        submit(html, words.log_in);
    })
}

const NAME_ATTRIBUTES: &str =
    "required maxlength=\"60\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\"";
const NAME_ATTRIBUTES_FIRST: &str =
    "required maxlength=\"60\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" autofocus";
const PASSWORD_ATTRIBUTES: &str = "type=\"password\" required autocomplete=\"current-password\"";
const PASSWORD_ATTRIBUTES_FIRST: &str = "type=\"password\" required autocomplete=\"current-password\" autofocus";
/// Of a password that is chosen.
pub(super) const NEW_PASSWORD: &str =
    "type=\"password\" required minlength=\"10\" maxlength=\"200\" autocomplete=\"new-password\"";

/// What the page of the first admin shows again, and why it was refused.
#[derive(Debug, Default)]
pub struct FirstAdmin {
    /// The name that was given.
    pub name: String,
    /// Seconds to wait after too many tries.
    pub wait: Option<u64>,
    /// Whether the token was wrong.
    pub is_wrong_token: bool,
    /// Whether the passwords differ.
    pub is_not_the_same: bool,
    /// What is wrong with the name.
    pub name_error: String,
    /// What is wrong with the password.
    pub password_error: String,
    /// Whether it could not be done.
    pub has_failed: bool,
}

/// `/first-admin`
#[must_use]
pub fn first_admin(frame: &Frame<'_>, form: &FirstAdmin) -> String {
    let words = frame.words();
    frame.document(words.first_admin, "access-narrow", |html| {
        html.element("<section class=\"panel\"><h1>", words.first_admin, "</h1><p class=\"access-note\">");
        html.text(words.first_admin_more);
        html.mark("</p><form method=\"post\" action=\"first-admin\" class=\"access-form\">");
        problem(html, &form.wait.map(words.too_often).unwrap_or_default());
        problem(html, if form.has_failed { words.failed } else { "" });
        let token_error = if form.is_wrong_token { words.first_token_wrong } else { "" };
        let attributes = "required maxlength=\"200\" autocomplete=\"off\" spellcheck=\"false\" autofocus";
        field(html, "token", words.first_token, attributes, "", token_error);
        field(html, "name", words.name, NAME_ATTRIBUTES, &form.name, &form.name_error);
        field(html, "password", words.password_new, NEW_PASSWORD, "", &form.password_error);
        html.element("<p class=\"access-note\">", words.password_note, "</p>");
        let again_error = if form.is_not_the_same { words.not_the_same } else { "" };
        field(html, "again", words.password_again, NEW_PASSWORD, "", again_error);
        submit(html, words.first_admin_make);
    })
}

fn submit(html: &mut Html, name: &str) {
    html.element("<button class=\"button\">", name, "</button></form></section>");
}
