//! Who blocks whom, and who is at work.

use collector::database::{LockedSession, Seen, Sessions};

use super::super::{begin_table, end_table, state_word};
use super::Viewer;
use crate::widgets::{Html, Shape};

/// Deeper than this nothing is moved to the right any more.
const DEEPEST: u32 = 8;

/// The tree: each that waits below whom it waits for, and moved to the right.
pub(super) fn tree(html: &mut Html, viewer: &Viewer<'_>, seen: &Seen<Vec<LockedSession>>) {
    let own = viewer.own;
    viewer.obstacles(html, own.locks, &seen.obstacles);
    let Some(locks) = &seen.value else { return };
    if locks.is_empty() {
        html.mark("<p class=\"alerts-none\">").icon(Shape::Check).text(own.locks_none).mark("</p>");
        return;
    }
    begin_table(html, own.locks, &own.lock_columns);
    for session in locks {
        html.element("<tr><th scope=\"row\" class=\"tree tree-", &session.depth.min(DEEPEST).to_string(), "\">");
        if session.depth > 0 {
            html.mark("<span aria-hidden=\"true\">└ </span>");
        }
        match session.pid {
            0 => drop(html.text(own.prepared)),
            pid => drop(html.text(&pid.to_string())),
        }
        who(html, [&session.user, &session.application, &session.database]);
        html.mark("</th><td>");
        match (&session.lock, session.is_deadlock) {
            (_, true) => state_word(html, "state-bad", Shape::Cross, own.deadlock),
            (None, _) => state_word(html, "state-bad", Shape::Exclamation, own.blocks),
            (Some(_), _) => {}
        }
        if let Some(lock) = &session.lock {
            html.element(" ", lock, "");
            html.element("<br><span class=\"desk-note\">", session.mode.as_deref().unwrap_or_default(), "</span>");
        }
        let also: Vec<_> = session.blocked_by.iter().skip(1).map(ToString::to_string).collect();
        if !also.is_empty() {
            html.element("<br><span class=\"desk-note\">", &(own.also_waits_for)(&also.join(", ")), "</span>");
        }
        let since = session.seconds.map_or_else(|| "–".to_owned(), |seconds| viewer.duration(seconds));
        html.element("</td><td class=\"number\">", &since, "</td><td class=\"query-cell\">");
        viewer.query(html, session.query.as_deref());
        html.mark("</td></tr>");
    }
    end_table(html);
}

/// Those that are at a statement or in a transaction.
pub(super) fn sessions(html: &mut Html, viewer: &Viewer<'_>, seen: &Seen<Sessions>) {
    let own = viewer.own;
    viewer.obstacles(html, own.sessions, &seen.obstacles);
    let Some(sessions) = &seen.value else { return };
    if sessions.busy.is_empty() {
        html.element("<p class=\"table-none\">", own.sessions_none, "</p>");
        return;
    }
    begin_table(html, own.sessions, &own.session_columns);
    for session in &sessions.busy {
        html.element("<tr><th scope=\"row\">", &session.pid.to_string(), "");
        who(html, [&session.user, &session.application, &session.database]);
        html.element("</th><td>", &session.state, "</td>");
        html.element("<td>", session.wait.as_deref().unwrap_or("–"), "</td>");
        html.element("<td class=\"number\">", &viewer.duration(session.seconds), "</td>");
        let transaction =
            session.transaction_seconds.map_or_else(|| "–".to_owned(), |seconds| viewer.duration(seconds));
        html.element("<td class=\"number\">", &transaction, "</td><td class=\"query-cell\">");
        viewer.query(html, Some(&session.query));
        html.mark("</td></tr>");
    }
    end_table(html);
}

fn who(html: &mut Html, parts: [&str; 3]) {
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    html.element("<br><span class=\"desk-note\">", &parts.join(" · "), "</span>");
}
