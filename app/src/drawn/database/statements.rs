//! The statements that take most time.

use collector::database::{Change, Seen, Statement, Statements};

use super::{Viewer, count, milliseconds};
use crate::format;
use crate::widgets::Html;

/// The first of them, or what has to be done so that they are counted.
pub(super) fn table(html: &mut Html, viewer: &Viewer<'_>, seen: &Seen<Statements>, most: usize) {
    let own = viewer.own;
    viewer.obstacles(html, own.statements, &seen.obstacles);
    let Some(found) = &seen.value else { return };
    if found.statements.is_empty() {
        html.element("<p class=\"table-none\">", own.statements_none, "</p>");
        return;
    }
    let is_page = most == usize::MAX;
    let columns = if is_page { &own.statement_columns[..] } else { &own.statement_columns[..5] };
    let shown = &found.statements[..found.statements.len().min(most)];
    viewer.table(html, own.statements, columns, shown, |html, statement| row(html, viewer, statement, is_page));
    if is_page {
        let since = found.since.map(|at| viewer.reader.moment(at));
        let since = since.map(|since| format!("{} · ", (own.counted_since)(Some(&since)))).unwrap_or_default();
        html.element("<p class=\"desk-note\">", &since, "").text(own.change_note).mark("</p>");
    }
}

fn row(html: &mut Html, viewer: &Viewer<'_>, statement: &Statement, is_page: bool) {
    html.mark("<tr><td class=\"query-cell\">");
    match &statement.query {
        Some(query) => viewer.query(html, Some(query)),
        None => drop(html.element("<span class=\"desk-note\">", viewer.own.hidden_statements, "</span>")),
    }
    if is_page {
        html.element("<span class=\"desk-note\">", &statement.database, "</span>");
    }
    html.element("</td><td class=\"number\">", &milliseconds(statement.mean_ms), "</td>");
    html.element("<td class=\"number\">", &count(statement.calls), "</td>");
    html.element("<td class=\"number\">", &milliseconds(statement.total_ms), "</td>");
    html.element("<td class=\"number\">", &format!("{} %", format::percent(statement.share)), "</td>");
    if is_page {
        html.mark("<td class=\"number\">");
        changed(html, viewer, statement.change.as_ref());
        html.mark("</td>");
    }
    html.mark("</tr>");
}

fn changed(html: &mut Html, viewer: &Viewer<'_>, change: Option<&Change>) {
    let own = viewer.own;
    let Some(change) = change else {
        html.element("<span class=\"desk-note\">", own.change_unknown, "</span>");
        return;
    };
    let mean = change.mean_ms.zip(change.mean_ms_before).and_then(|(now, before)| percent(now, before));
    let calls = percent(format::float(change.calls), format::float(change.calls_before));
    let (Some(mean), Some(calls)) = (mean, calls) else {
        html.element("<span class=\"desk-note\">", own.not_run, "</span>");
        return;
    };
    html.text(&(own.mean_changed)(&mean));
    html.element("<br><span class=\"desk-note\">", &(own.calls_changed)(&calls), "</span>");
}

/// A change in percent, with its sign; none against nothing.
fn percent(now: f64, before: f64) -> Option<String> {
    (before > 0.0).then(|| format!("{} %", format::signed((now / before - 1.0) * 100.0)))
}
