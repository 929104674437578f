//! Whom alerts are told, and whether that works.

use collector::alert::{Desk, ReceiverState};

use super::{Reader, begin, begin_table, end_table, state_word};
use crate::widgets::{Html, Shape};

/// How a receiver is added, for where there is none.
const EXAMPLE: &str = "[notify.receivers.team]\nkind = \"slack\"   # discord, alertmanager, webhook, email\n\
                       url_file = \"/etc/recipe-monitoring/slack-url\"";

pub(super) fn section(html: &mut Html, reader: &Reader, desk: &Desk) {
    begin(html, "receivers-title", reader.own.receivers);
    if desk.receivers.is_empty() {
        html.element("<p class=\"table-none\">", reader.own.receivers_none, "</p>");
        html.element("<div class=\"connect\"><pre><code>", EXAMPLE, "</code></pre></div>");
    } else {
        begin_table(html, reader.own.receivers, &reader.own.receiver_columns);
        for receiver in &desk.receivers {
            row(html, reader, desk, receiver);
        }
        end_table(html);
    }
    if let Some(heartbeat) = &desk.heartbeat {
        html.element("<p class=\"desk-note\">", reader.own.heartbeat, ": ");
        match (heartbeat.error.is_empty(), heartbeat.sent_at) {
            (true, Some(at)) => state_word(html, "state-good", Shape::Check, &(reader.words.ago)(&reader.age(at))),
            _ => state_word(html, "state-bad", Shape::Cross, reader.said(&heartbeat.error, &heartbeat.error_ja)),
        }
        html.mark("</p>");
    }
    html.mark("</section>");
}

fn row(html: &mut Html, reader: &Reader, desk: &Desk, receiver: &ReceiverState) {
    html.element("<tr><th scope=\"row\">", &receiver.name, "</th>");
    html.element("<td>", &receiver.kind, "</td><td>");
    match (receiver.failing_since, receiver.delivered_at) {
        (Some(since), _) => {
            let error = reader.said(&receiver.error, &receiver.error_ja);
            let text = (reader.own.fails)(&reader.moment(since), error);
            state_word(html, "state-bad", Shape::Cross, &text);
        }
        (None, Some(_)) => state_word(html, "state-good", Shape::Check, reader.own.delivers),
        (None, None) => state_word(html, "", Shape::Dots, reader.own.unused),
    }
    for text in [
        Some(receiver.waiting).filter(|count| *count > 0).map(reader.own.waiting),
        Some(receiver.given_up).filter(|count| *count > 0).map(reader.own.given_up),
    ] {
        html.element("<br><span class=\"desk-note\">", text.as_deref().unwrap_or_default(), "</span>");
    }
    let last =
        receiver.delivered_at.map_or_else(|| reader.own.never.to_owned(), |at| (reader.words.ago)(&reader.age(at)));
    html.element("</td><td>", &last, "</td><td>");
    match (receiver.drill_failed_at, receiver.proven_at) {
        (Some(_), _) => state_word(html, "state-bad", Shape::Cross, reader.own.drill_failed),
        (None, Some(at)) => state_word(html, "state-good", Shape::Check, &(reader.own.proven)(&reader.age(at))),
        (None, None) if desk.fire_drill_seconds > 0 => state_word(html, "", Shape::Dots, reader.own.unproven),
        (None, None) => drop(html.text("–")),
    }
    html.mark("</td><td class=\"desk-act\"><form method=\"post\" action=\"alerts/act\">");
    html.element("<input type=\"hidden\" name=\"receiver\" value=\"", &receiver.name, "\">");
    html.element("<button class=\"button\" name=\"do\" value=\"test\">", reader.own.test, "</button></form></td></tr>");
}
