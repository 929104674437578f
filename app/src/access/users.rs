//! Users and API tokens, for admins.

use std::sync::Arc;

use collector::access::{Contents, Issued, Role, Scope};

use super::log_in::NEW_PASSWORD;
use super::{Frame, begin_section, begin_table, end_table, field, problem};
use crate::widgets::Html;
use crate::words::AccessWords;

/// What the page shows.
#[derive(Debug, Default)]
pub struct Users {
    /// Users and tokens.
    pub contents: Arc<Contents>,
    /// A token that was just made.
    pub issued: Option<Issued>,
    /// Which form was refused.
    pub form: String,
    /// Which field of it; empty where it is none.
    pub field: String,
    /// Why.
    pub error: String,
    /// The name that was given in it.
    pub name: String,
    /// What is in the field of days.
    pub days: String,
}

impl Users {
    /// What is wrong with a field of a form.
    fn error(&self, form: &str, field: &str) -> &str {
        if self.form == form && self.field == field { &self.error } else { "" }
    }

    /// What was given as the name in a form that was refused.
    fn name(&self, form: &str) -> &str {
        if self.form == form { &self.name } else { "" }
    }
}

/// The forms whose errors stand beside their fields.
const ADD: &str = "add";
const ADD_TOKEN: &str = "token_add";

/// `/users`
#[must_use]
pub fn users(frame: &Frame<'_>, page: &Users) -> String {
    let words = frame.words();
    frame.document(words.users, "access-wide", |html| {
        html.element("<h1>", words.users, "</h1>");
        if ![ADD, ADD_TOKEN].contains(&page.form.as_str()) || page.field.is_empty() {
            problem(html, &page.error);
        }
        begin_section(html, "users-title", words.users);
        if page.contents.users().is_empty() {
            html.element("<p class=\"table-none\">", words.users_none, "</p>");
        } else {
            user_table(frame, html, page);
        }
        add_user(html, words, page);
        html.mark("</section>");
        begin_section(html, "tokens-title", words.tokens);
        html.element("<p class=\"access-note\">", words.tokens_note, "</p>");
        if let Some(issued) = &page.issued {
            html.element("<p class=\"panel-notice\" role=\"status\">", words.token_made, " <code class=\"token\">");
            html.text(issued.expose()).mark("</code></p>");
        }
        if page.contents.tokens().is_empty() {
            html.element("<p class=\"table-none\">", words.tokens_none, "</p>");
        } else {
            token_table(frame, html, page);
        }
        add_token(html, words, page);
        html.mark("</section>");
    })
}

fn user_table(frame: &Frame<'_>, html: &mut Html, page: &Users) {
    let words = frame.words();
    begin_table(html, words.users, &words.user_columns);
    for user in page.contents.users() {
        let begin = |html: &mut Html| {
            html.mark("<form method=\"post\" action=\"users\" class=\"act\">");
            html.element("<input type=\"hidden\" name=\"name\" value=\"", &user.name, "\">");
        };
        html.element("<tr><th scope=\"row\">", &user.name, "</th><td>");
        begin(html);
        roles(html, &format!("{}: {}", words.role, user.name), user.role);
        html.element("<button class=\"button\" name=\"do\" value=\"role\">", words.role_set, "</button></form></td>");
        html.element("<td>", &frame.moment(user.password_changed_at), "</td><td>");
        html.element("<details class=\"act-more\"><summary>", words.password_set, "</summary>");
        begin(html);
        html.element("<label>", words.password_new, "<input name=\"password\" ").mark(NEW_PASSWORD).mark("></label>");
        let end = "</button></form></details>";
        html.element("<button class=\"button\" name=\"do\" value=\"password\">", words.password_set, end);
        html.element("<details class=\"act-more\"><summary>", words.remove, "</summary>");
        begin(html);
        html.element("<button class=\"button\" name=\"do\" value=\"remove\">", words.remove, ": ");
        html.text(&user.name).mark("</button></form></details></td></tr>");
    }
    end_table(html);
}

fn add_user(html: &mut Html, words: &AccessWords, page: &Users) {
    html.element("<h3>", words.add_user, "</h3><form method=\"post\" action=\"users\" class=\"access-form\">");
    let attributes = "required maxlength=\"60\" autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\"";
    field(html, "name", words.name, attributes, page.name(ADD), page.error(ADD, "name"));
    html.element("<label class=\"field\"><span>", words.role, "</span>");
    let first = if page.contents.users().is_empty() { Role::Admin } else { Role::Viewer };
    roles(html, words.role, first);
    html.mark("</label>");
    problem(html, page.error(ADD, "role"));
    html.element("<p class=\"access-note\">", words.roles_note, "</p>");
    field(html, "password", words.password, NEW_PASSWORD, "", page.error(ADD, "password"));
    html.element("<p class=\"access-note\">", words.password_note, "</p>");
    html.element("<button class=\"button\" name=\"do\" value=\"add\">", words.add_user, "</button></form>");
}

fn roles(html: &mut Html, label: &str, chosen: Role) {
    html.element("<select name=\"role\" aria-label=\"", label, "\">");
    for role in Role::ALL {
        html.mark(if role == chosen { "<option selected>" } else { "<option>" }).text(role.name()).mark("</option>");
    }
    html.mark("</select>");
}

fn token_table(frame: &Frame<'_>, html: &mut Html, page: &Users) {
    let words = frame.words();
    begin_table(html, words.tokens, &words.token_columns);
    for token in page.contents.tokens() {
        html.element("<tr><th scope=\"row\">", &token.name, "</th>");
        html.element("<td>", &Scope::names(&token.scopes).replace(',', ", "), "</td>");
        html.element("<td>", &token.created_by, "</td>");
        let until = token.expires_at.map(|at| frame.moment(at));
        html.element("<td>", until.as_deref().unwrap_or(words.token_for_ever), "</td>");
        html.mark("<td class=\"desk-act\"><form method=\"post\" action=\"users\">");
        html.element("<input type=\"hidden\" name=\"name\" value=\"", &token.name, "\">");
        html.element("<button class=\"button\" name=\"do\" value=\"token_remove\">", words.remove, "");
        html.element("<span class=\"visually-hidden\">: ", &token.name, "</span></button></form></td></tr>");
    }
    end_table(html);
}

fn add_token(html: &mut Html, words: &AccessWords, page: &Users) {
    html.element("<h3>", words.add_token, "</h3><form method=\"post\" action=\"users\" class=\"access-form\">");
    let attributes = "required maxlength=\"60\" autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\"";
    // Two fields of a page need two ids for what is wrong with them; only one of the forms was refused.
    field(html, "name", words.token_name, attributes, page.name(ADD_TOKEN), page.error(ADD_TOKEN, "name"));
    html.element("<fieldset class=\"field\"><legend>", words.token_scopes, "</legend>");
    for scope in Scope::ALL {
        html.element("<label class=\"choice\"><input type=\"checkbox\" name=\"scope\" value=\"", scope.name(), "\"> ");
        html.text(scope.name()).mark("</label>");
    }
    html.mark("</fieldset>");
    problem(html, page.error(ADD_TOKEN, "scopes"));
    let is_wrong = page.form == ADD_TOKEN && page.field == "days";
    let error = if is_wrong { words.token_days_wrong } else { "" };
    let attributes = "type=\"number\" min=\"1\" max=\"3650\" inputmode=\"numeric\"";
    field(html, "days", words.token_days, attributes, &page.days, error);
    html.element("<button class=\"button\" name=\"do\" value=\"token_add\">", words.add_token, "</button></form>");
}
