//! How many alerts of each severity fired in the last day, as a pie with its numbers beside it.

use collector::alert::Severity;
use leptos::prelude::*;

use crate::format::fixed;
use crate::live::{Alerts, LiveStore};
use crate::widgets::Html;
use crate::words::Words;

/// The pie.
pub fn pie(html: &mut Html, words: &Words, store: LiveStore) {
    html.element("<figure class=\"pie\"><figcaption>", words.alerts.day, "</figcaption>");
    store.alerts.with(|Alerts { past, .. }| match past {
        None => drop(html.element("<p class=\"table-none\">", words.alerts.day_unknown, "</p>")),
        Some(past) if past.day == [0; 3] => {
            html.element("<p class=\"table-none\">", words.alerts.day_none, "</p>");
        }
        Some(past) => draw(html, words, past.day),
    });
    html.mark("</figure>");
}

#[expect(clippy::cast_precision_loss, reason = "alerts of a day stay far below 2^53")]
fn draw(html: &mut Html, words: &Words, counts: [u64; 3]) {
    let total = counts.iter().sum::<u64>() as f64;
    // A circle whose way around is 100 long, so that a share in percent is a length.
    html.element("<svg viewBox=\"0 0 42 42\" role=\"img\" aria-label=\"", &(words.alerts.day_summary)(counts), "\">");
    let mut before = 0.0;
    for (severity, count) in Severity::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
        let share = count as f64 / total * 100.0;
        html.mark("<circle cx=\"21\" cy=\"21\" r=\"15.9155\" class=\"").mark(class(severity));
        html.element("\" stroke-dasharray=\"", &format!("{} {}", fixed(share, 2), fixed(100.0 - share, 2)), "\"");
        html.element(" stroke-dashoffset=\"", &fixed(25.0 - before, 2), "\"/>");
        before += share;
    }
    html.mark("</svg><ul>");
    for (severity, count) in Severity::ALL.into_iter().zip(counts) {
        html.mark("<li class=\"").mark(class(severity)).mark("\"><b>");
        html.text(&count.to_string()).element("</b> ", (words.alerts.severity)(severity), "</li>");
    }
    html.mark("</ul>");
}

fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "pie-critical",
        Severity::Warning => "pie-warning",
        Severity::Info => "pie-info",
    }
}
