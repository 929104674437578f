//! What is wrong right now, and what was.

mod pie;

use collector::alert::{Alert, Severity};
use jiff::Timestamp;
use leptos::prelude::*;

use crate::live::{Alerts, LiveStore, of};
use crate::widgets::{Html, Shape, part};
use crate::words::{Words, use_words};

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

/// The panel with at most so many alerts; with all of them, the history too.
fn panel(most: usize) -> AnyView {
    let words = use_words();
    let store = expect_context::<LiveStore>();
    part(move |html| {
        let is_page = most == usize::MAX;
        html.mark(if is_page { "<div class=\"panels\">" } else { "" });
        html.element(
            "<section class=\"panel panel-alerts\" aria-labelledby=\"alerts-title\"><header class=\"panel-header\">\
             <h2 id=\"alerts-title\">",
            words.alerts.alerts,
            "</h2>",
        );
        if !is_page {
            html.element("<a href=\"", &store.range.get().link("/alerts"), "\" class=\"panel-more\">");
            html.text(words.alerts.all).icon(Shape::Right).mark("</a>");
        }
        html.mark("</header><div>");
        active(html, words, store, most);
        html.mark("</div>");
        pie::pie(html, words, store);
        html.mark("</section>");
        if is_page {
            history(html, words, store);
            html.mark("</div>");
        }
    })
}

/// A row for each alert that fires, the worst first.
fn active(html: &mut Html, words: &Words, store: LiveStore, most: usize) {
    let error = of(store.health, |health| health.rules_error.clone());
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
    let (zone, now) = (store.zone.get(), store.now.get());
    html.mark(match alert.severity {
        Severity::Critical => "<li class=\"alert alert-critical\">",
        Severity::Warning => "<li class=\"alert alert-warning\">",
        Severity::Info => "<li class=\"alert alert-info\">",
    });
    html.icon(match alert.severity {
        Severity::Critical => Shape::Cross,
        Severity::Warning => Shape::Exclamation,
        Severity::Info => Shape::Dots,
    });
    html.element("<p class=\"alert-name\"><strong>", &alert.rule_name, "</strong> ");
    html.element("<span>", (words.alerts.severity)(alert.severity), "</span></p>");
    html.element("<p class=\"alert-message\">", message(store, alert), "");
    if !alert.runbook_url.is_empty() {
        html.element(" <a href=\"", &alert.runbook_url, "\" rel=\"external noreferrer\">");
        html.text(words.alerts.runbook).mark("</a>");
    }
    let age = (words.duration)(seconds(alert, now));
    html.element("</p><p class=\"alert-age\">", &(words.alerts.age)(&age), "</p>");
    let moment = zone.moment(alert.fired_at, now);
    html.element("<p class=\"alert-since\">", &(words.alerts.fired_at)(&moment), "</p></li>");
}

fn message(store: LiveStore, alert: &Alert) -> &str {
    if store.is_japanese() { &alert.message_ja } else { &alert.message }
}

/// The newest alerts, over or not.
fn history(html: &mut Html, words: &Words, store: LiveStore) {
    let own = &words.alerts;
    html.element(
        "<section class=\"panel\" aria-labelledby=\"alert-history-title\"><header class=\"panel-header\">\
         <h2 id=\"alert-history-title\">",
        own.history,
        "</h2></header>",
    );
    store.alerts.with(|Alerts { past, .. }| {
        let Some(past) = past else {
            html.element("<p class=\"table-none\">", own.history_unknown, "</p>");
            return;
        };
        let names = [own.rule, own.severity_name, own.message, own.from, own.duration].map(str::to_owned);
        let (zone, now) = (store.zone.get(), store.now.get_untracked());
        let row = |alert: &Alert| {
            let lasted = alert.resolved_at.map(|end| seconds(alert, end));
            vec![
                alert.rule_name.clone(),
                (own.severity)(alert.severity).to_owned(),
                message(store, alert).to_owned(),
                zone.moment(alert.fired_at, now),
                lasted.map_or_else(|| own.still.to_owned(), words.duration),
            ]
        };
        let rows: Vec<_> = past.recent.iter().map(row).collect();
        html.element(
            "<div class=\"scroll alert-history\" tabindex=\"0\" role=\"group\" aria-label=\"",
            own.history,
            "\">",
        );
        html.table("rule", &names, &rows, own.history_none).mark("</div>");
    });
    html.mark("</section>");
}

/// For how long it has fired at `end`.
fn seconds(alert: &Alert, end: Timestamp) -> u64 {
    u64::try_from(end.duration_since(alert.fired_at).as_secs()).unwrap_or(0).max(1)
}
