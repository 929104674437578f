//! What is wrong right now, and what was.

mod pie;

use collector::alert::{Alert, QuietBy, Severity};
use leptos::prelude::*;

use crate::browser;
use crate::live::{Alerts, LiveStore, of};
use crate::widgets::{Html, Shape, part_with_forms};
use crate::words::{AlertsWords, Words, use_words};

/// Alerts on the overview; the worst are shown.
const ALERTS_SHOWN: usize = 5;

/// The alerts that fire, and the pie of the last day, on the overview.
#[must_use]
pub fn alerts_panel() -> AnyView {
    panel(ALERTS_SHOWN)
}

/// The alerts on their own page: all that fire, and what was.
#[must_use]
pub fn alerts_detail() -> AnyView {
    panel(usize::MAX)
}

/// The panel with at most so many alerts.
fn panel(most: usize) -> AnyView {
    let words = use_words();
    let store = expect_context::<LiveStore>();
    // Apart from the markup, which stays as it is: who reads in it keeps the focus.
    Effect::new(move |_| {
        let now = store.now.get().as_second();
        browser::set_ages(&|since| (words.alerts.age)(&(words.duration)(age(since, now))));
    });
    let is_page = most == usize::MAX;
    let panel = part_with_forms(move |html| {
        html.element(
            "<section class=\"panel panel-alerts\" aria-labelledby=\"alerts-title\"><header class=\"panel-header\">\
             <h2 id=\"alerts-title\">",
            words.alerts.alerts,
            "</h2>",
        );
        if !is_page {
            html.element("<a href=\"", &store.look.get().link("./alerts"), "\" class=\"panel-more\">");
            html.text(words.alerts.all).icon(Shape::Right).mark("</a>");
        }
        html.mark("</header><div>");
        active(html, words, store, most);
        html.mark("</div>");
        pie::pie(html, words, store);
        html.mark("</section>");
    });
    if is_page { view! { <div class="panels">{panel}</div> }.into_any() } else { panel }
}

/// A row for each alert that fires, the worst first.
fn active(html: &mut Html, words: &Words, store: LiveStore, most: usize) {
    let error = of(store.health, |health| store.said(&health.rules_error, &health.rules_error_ja));
    if let Some(error) = error {
        html.element("<p class=\"panel-notice\">", &(words.alerts.rules_error)(&error), "</p>");
    }
    store.alerts.with(|Alerts { active: alerts, .. }| {
        if alerts.is_empty() {
            html.mark("<p class=\"alerts-none\">").icon(Shape::Check);
            html.text(words.alerts.none).mark("</p>");
            return;
        }
        html.mark("<ul class=\"alerts\">");
        for alert in alerts.iter().take(most) {
            row(html, words, store, alert);
        }
        html.mark("</ul>");
        let more = alerts.len().saturating_sub(most);
        if more > 0 {
            html.element("<p class=\"table-none\">", &(words.alerts.more)(more), "</p>");
        }
    });
}

fn row(html: &mut Html, words: &Words, store: LiveStore, alert: &Alert) {
    let own = &words.alerts;
    let (zone, now) = (store.zone.get(), store.now.get_untracked());
    html.mark(match alert.severity {
        Severity::Critical => "<li class=\"alert alert-critical",
        Severity::Warning => "<li class=\"alert alert-warning",
        Severity::Info => "<li class=\"alert alert-info",
    });
    html.mark(if alert.quiet.is_some() { " alert-quiet\">" } else { "\">" });
    html.icon(match alert.severity {
        Severity::Critical => Shape::Cross,
        Severity::Warning => Shape::Exclamation,
        Severity::Info => Shape::Dots,
    });
    html.element("<p class=\"alert-name\"><strong>", &alert.rule_name, "</strong> ");
    html.element("<span>", (own.severity)(alert.severity), "</span></p>");
    html.element("<p class=\"alert-message\">", message(store, alert), "");
    if !alert.runbook_url.is_empty() {
        html.element(" <a href=\"", &alert.runbook_url, "\" rel=\"external noreferrer\">");
        html.text(own.runbook).mark("</a>");
    }
    let fired = alert.fired_at.as_second();
    html.element("</p><p class=\"alert-age\" data-since=\"", &fired.to_string(), "\">");
    html.text(&(own.age)(&(words.duration)(age(fired, now.as_second())))).mark("</p>");
    let moment = zone.moment(alert.fired_at, now);
    html.element("<p class=\"alert-since\">", &(own.fired_at)(&moment), "</p>");
    if let Some(quiet) = &alert.quiet {
        let (name, value) = match quiet.why {
            QuietBy::Silenced => (own.silenced, quiet.by.clone()),
            QuietBy::Inhibited => (own.inhibited, quiet.by.clone()),
            QuietBy::Flapping => (own.flapping, quiet.times.unwrap_or_default().to_string()),
        };
        note(html, name, &value);
        html.text(&quiet.reason);
        if let Some(until) = quiet.until {
            html.mark(" · ").text(own.until).text(&zone.moment(until, now));
        }
        html.mark("</p>");
    }
    if let Some(acknowledged) = &alert.acknowledged {
        note(html, own.acknowledged, &acknowledged.by);
        html.mark("</p>");
    }
    act(html, own, alert);
    html.mark("</li>");
}

/// The beginning of a line below an alert.
fn note(html: &mut Html, name: &'static str, value: &str) {
    html.mark("<p class=\"alert-note\">").mark(name).mark(": <b>").text(value).mark("</b> ");
}

/// The form with which somebody looks after an alert or silences it; it works without scripts.
fn act(html: &mut Html, own: &AlertsWords, alert: &Alert) {
    html.element("<details class=\"act-more alert-act\"><summary>", own.act, "</summary>");
    html.mark(
        "<form method=\"post\" action=\"alerts/act\" class=\"act\"><input type=\"hidden\" name=\"alert\" value=\"",
    );
    html.text(&alert.id).element("\"><label>", own.your_name, "");
    html.mark("<input name=\"name\" required maxlength=\"100\" autocomplete=\"name\"></label>");
    html.element("<button class=\"button\" name=\"do\" value=\"acknowledge\">", own.acknowledge, "</button><label>");
    html.text(own.reason).mark("<input name=\"reason\" maxlength=\"500\" autocomplete=\"off\"></label>");
    own.spans(html);
    html.element("<button class=\"button\" name=\"do\" value=\"silence\">", own.silence, "</button></form></details>");
}

fn message(store: LiveStore, alert: &Alert) -> &str {
    if store.is_japanese() { &alert.message_ja } else { &alert.message }
}

/// Seconds from one to the other, at least one.
fn age(since: i64, now: i64) -> u64 {
    u64::try_from(now - since).unwrap_or(0).max(1)
}
