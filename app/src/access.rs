//! The pages of who may: log-in, account, users, audit log. The server draws them whole, as plain forms that work
//! without scripts, and nothing of them is in the browser's WASM.

mod account;
mod audit;
mod log_in;
mod refused;
mod users;

use collector::access::{Caller, Role};
use jiff::Timestamp;

pub use account::{Account, AccountErrors, account};
pub use audit::audit;
pub use log_in::{FirstAdmin, LogIn, first_admin, log_in};
pub use refused::refused;
pub use users::{Users, users};

use crate::format::Zone;
use crate::locale::Locale;
use crate::preferences;
use crate::theme::Theme;
use crate::widgets::{Html, NAME, Shape};
use crate::words::AccessWords;

/// For whom a page is drawn.
#[derive(Debug)]
pub struct Frame<'a> {
    /// In which language.
    pub locale: Locale,
    /// In which colours.
    pub theme: Theme,
    /// URL of the style.
    pub style: Option<&'a str>,
    /// Who asks for it.
    pub caller: Option<&'a Caller>,
    /// What became of the form before: the word of it, or a sentence.
    pub told: String,
    /// Now.
    pub now: Timestamp,
}

impl Frame<'_> {
    fn words(&self) -> &'static AccessWords {
        AccessWords::of(self.locale)
    }

    pub(crate) fn moment(&self, at: Timestamp) -> String {
        Zone::Utc.moment(at, self.now)
    }

    /// A whole document with this in its main part; its class says how wide that is.
    pub(crate) fn document(&self, title: &str, class: &'static str, write: impl FnOnce(&mut Html)) -> String {
        let words = self.words();
        let mut html = Html::default();
        html.element("<!DOCTYPE html><html lang=\"", self.locale.tag(), "\"");
        if let Some(theme) = self.theme.attribute() {
            html.element(" data-theme=\"", theme, "\"");
        }
        html.mark(
            "><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
        );
        html.mark("<meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\">");
        html.element("<title>", title, " · ").text(NAME).mark("</title>");
        html.mark("<link rel=\"icon\" type=\"image/svg+xml\" href=\"favicon.svg\">");
        if let Some(style) = self.style {
            html.element("<link rel=\"stylesheet\" href=\"", style, "\">");
        }
        html.element("</head><body><a class=\"skip\" href=\"#main\">", self.locale.words().skip, "</a>");
        html.mark("<header class=\"header\"><div class=\"header-inner\"><p class=\"brand\">").icon(Shape::Pulse);
        html.element("<span>", NAME, "</span></p>");
        if self.caller.is_some_and(|caller| *caller != Caller::Public) {
            html.element("<nav class=\"pages\" aria-label=\"", self.locale.words().navigation, "\">");
            html.element("<a href=\"./\">", self.locale.words().overview, "</a>");
            links(&mut html, words, self.caller, Some(title));
            html.mark("</nav>");
        }
        html.mark("</div></header><main id=\"main\" tabindex=\"-1\" class=\"access ").mark(class).mark("\">");
        if !self.told.is_empty() {
            let text = (words.done)(&self.told).unwrap_or(&self.told);
            html.element("<p class=\"panel-notice\" role=\"status\">", text, "</p>");
        }
        write(&mut html);
        html.mark("</main>");
        if let Some(Caller::User { name, role, .. }) = self.caller {
            html.mark("<div class=\"who\">");
            who_is(&mut html, words, name, *role);
            html.mark("</div>");
        }
        html.mark("</body></html>");
        html.into_string()
    }
}

/// Links to what a caller may see of this.
fn links(html: &mut Html, words: &AccessWords, caller: Option<&Caller>, here: Option<&str>) {
    let is_admin = matches!(caller, Some(Caller::Everybody | Caller::User { role: Role::Admin, .. }));
    let is_user = matches!(caller, Some(Caller::User { .. }));
    for (is_shown, path, name) in [
        (true, "health", words.health),
        (is_user, "account", words.account),
        (is_admin, "users", words.users),
        (is_admin, "audit", words.audit),
    ] {
        if is_shown {
            html.element("<a rel=\"external\" href=\"", path, "\"");
            html.mark(if here == Some(name) { " aria-current=\"page\">" } else { ">" }).text(name).mark("</a>");
        }
    }
}

fn who_is(html: &mut Html, words: &AccessWords, name: &str, role: Role) {
    html.element("<form method=\"post\" action=\"logout\" aria-label=\"", words.logged_in, "\"><span>");
    html.element("<strong>", name, "</strong> ").text(role.name()).mark("</span>");
    let caller = Caller::User { name: name.to_owned(), role, session: collector::access::Digest::of("") };
    links(html, words, Some(&caller), None);
    html.element("<button>", words.log_out, "</button></form>");
}

/// Who is logged in, at the end of the pages of the app, with the ways to the account and out. Of the request in context.
pub(crate) fn who(html: &mut Html, locale: Locale) {
    let words = AccessWords::of(locale);
    match preferences::caller() {
        Some(Caller::User { name, role, .. }) => {
            html.mark("<div class=\"who\">");
            who_is(html, words, &name, role);
            html.mark("</div>");
        }
        Some(Caller::Public) => {
            // Not one of the app's own pages: the browser is to load it.
            html.element("<div class=\"who\"><a href=\"health\" rel=\"external\">", words.health, "</a> ");
            html.element("<a href=\"login\" rel=\"external\">", words.log_in, "</a></div>");
        }
        Some(Caller::Everybody | Caller::Token { .. }) | None => {
            html.element("<div class=\"who\"><a href=\"health\" rel=\"external\">", words.health, "</a></div>");
        }
    }
}

/// That something could not be done now, in the language of whoever sends a request with these headers.
#[must_use]
pub fn failed(headers: &http::HeaderMap) -> &'static str {
    AccessWords::of(preferences::locale_of(headers)).failed
}

/// A field of a form: what it is called, its attributes, and why it was refused, which stands beside it.
fn field(html: &mut Html, name: &'static str, label: &str, attributes: &'static str, value: &str, error: &str) {
    html.element("<label class=\"field\"><span>", label, "</span><input name=\"");
    html.mark(name).mark("\" ").mark(attributes);
    if !value.is_empty() {
        html.element(" value=\"", value, "\"");
    }
    match error.is_empty() {
        true => html.mark("></label>"),
        false => {
            html.mark(" aria-invalid=\"true\" aria-describedby=\"").mark(name).mark("-error\"></label>");
            html.mark("<p class=\"field-error\" role=\"alert\" id=\"").mark(name);
            html.element("-error\">", error, "</p>")
        }
    };
}

/// What is wrong with a form as a whole.
fn problem(html: &mut Html, error: &str) {
    if !error.is_empty() {
        html.element("<p class=\"field-error\" role=\"alert\">", error, "</p>");
    }
}

pub(crate) fn begin_section(html: &mut Html, id: &'static str, title: &str) {
    html.mark("<section class=\"panel\" aria-labelledby=\"")
        .mark(id)
        .mark("\"><header class=\"panel-header\"><h2 id=\"");
    html.mark(id).element("\">", title, "</h2></header>");
}

pub(crate) fn begin_table(html: &mut Html, name: &str, columns: &[&str]) {
    html.element("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"", name, "\">");
    html.mark("<table class=\"table desk-table\"><thead><tr>");
    for column in columns {
        html.element("<th scope=\"col\">", column, "</th>");
    }
    html.mark("</tr></thead><tbody>");
}

pub(crate) fn end_table(html: &mut Html) {
    html.mark("</tbody></table></div>");
}
