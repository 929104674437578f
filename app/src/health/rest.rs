//! What is sampled, saved and sent, how settings were read, how large our tables are, and what was warned of.

use collector::{LogLine, Numbers, Standing, Vitals};

use super::{Viewer, facts, state_word, time};
use crate::access::{begin_section, begin_table, end_table};
use crate::format;
use crate::widgets::{Html, Shape};

const SAVE: (&str, &str) = ("job", "save");
const DONE: (&str, &str) = ("outcome", "success");
const FAILED: (&str, &str) = ("outcome", "failure");

fn count(numbers: &Numbers, name: &str, labels: &[(&str, &str)]) -> Option<String> {
    numbers.sum(name, labels).map(format::count)
}

/// So many done and so many failed; `None` where it is not known of either.
fn outcomes(viewer: &Viewer<'_>, numbers: &Numbers, name: &str, of: &[(&str, &str)]) -> Option<String> {
    let of = |outcome| numbers.sum(name, &[of, &[outcome]].concat());
    let (done, failed) = (of(DONE), of(FAILED));
    done.or(failed)?;
    Some((viewer.own.outcomes)(&format::count(done.unwrap_or(0.0)), &format::count(failed.unwrap_or(0.0))))
}

pub(super) fn sampling(html: &mut Html, viewer: &Viewer<'_>, standing: &Standing) {
    let numbers = standing.sampler().map(Vitals::numbers).unwrap_or_default();
    let spread = |name| numbers.spread(name).map(|spread| viewer.spread(spread));
    begin_section(html, "sampling-title", viewer.own.sampling);
    facts(
        html,
        viewer.own.sampling_facts,
        [
            count(&numbers, "recipe_monitoring_readings_total", &[]),
            spread("recipe_monitoring_sample_lateness_seconds"),
            spread("recipe_monitoring_sample_duration_seconds"),
            count(&numbers, "recipe_monitoring_samples_total", &[]),
            count(&numbers, "recipe_monitoring_points_refused_total", &[]),
            outcomes(viewer, &numbers, "recipe_monitoring_scrapes_total", &[]),
        ],
    );
    html.mark("</section>");
}

pub(super) fn saving(html: &mut Html, viewer: &Viewer<'_>, standing: &Standing) {
    let sampler = standing.sampler();
    let numbers = sampler.map(Vitals::numbers).unwrap_or_default();
    let backlog = sampler.and_then(|sampler| sampler.health.unsaved);
    let waiting = backlog.map(|backlog| match backlog.records {
        0 => viewer.own.nothing_waits.to_owned(),
        records => (viewer.own.waiting)(&format::count(format::float(records)), &format::size(backlog.bytes)),
    });
    let took = numbers.spread("recipe_monitoring_save_duration_seconds").map(|spread| viewer.spread(spread));
    begin_section(html, "saving-title", viewer.own.saving);
    facts(
        html,
        viewer.own.saving_facts,
        [
            waiting,
            backlog.and_then(|backlog| backlog.since).map(|since| viewer.age(since)),
            backlog.map(|backlog| format::count(format::float(backlog.records_given_up))),
            outcomes(viewer, &numbers, "recipe_monitoring_job_runs_total", &[SAVE]),
            took,
            count(&numbers, "recipe_monitoring_rows_saved_total", &[]),
            count(&numbers, "recipe_monitoring_spool_failures_total", &[]),
        ],
    );
    html.mark("</section>");
}

pub(super) fn out(html: &mut Html, viewer: &Viewer<'_>, standing: &Standing) {
    let numbers = standing.here.numbers();
    let newest = standing.backup.newest.as_ref();
    let none = || viewer.own.none.to_owned();
    begin_section(html, "out-title", viewer.own.out);
    facts(
        html,
        viewer.own.out_facts,
        [
            count(&numbers, "recipe_monitoring_live_clients", &[]),
            count(&numbers, "recipe_monitoring_live_events_sent_total", &[]),
            standing.messages_waiting.map(|waiting| format::count(format::float(waiting))),
            Some(newest.map_or_else(none, |newest| viewer.ago(newest.at))),
            newest.and_then(|newest| newest.bytes).map(format::size),
            Some(standing.backup.failed.as_ref().map_or_else(none, |failed| viewer.ago(failed.at))),
        ],
    );
    html.mark("</section>");
}

/// Of both processes: each reads them by itself.
pub(super) fn settings(html: &mut Html, viewer: &Viewer<'_>, standing: &Standing) {
    begin_section(html, "settings-title", viewer.own.settings);
    for vitals in of_both(standing) {
        let reloaded = &vitals.reloaded;
        html.element("<h3>", &vitals.program, "</h3><p>");
        match (&reloaded.error, &reloaded.error_ja) {
            (Some(error), error_ja) => {
                state_word(html, "state-bad", Shape::Cross, viewer.own.settings_refused);
                let error = viewer.said(error, error_ja.as_deref().unwrap_or_default());
                html.element("</p><p class=\"panel-notice\">", error, "</p>");
            }
            (None, _) => {
                state_word(html, "state-good", Shape::Check, viewer.own.settings_ok);
                html.mark("</p>");
            }
        }
        let waits = reloaded.waits_for_restart.join(", ");
        let moment = |at| Some(format!("{} ({})", viewer.frame.moment(at), viewer.ago(at)));
        let waits = if waits.is_empty() { viewer.own.none.to_owned() } else { waits };
        facts(html, viewer.own.settings_facts, [moment(reloaded.at), moment(reloaded.used_since), Some(waits)]);
    }
    html.mark("</section>");
}

pub(super) fn tables(html: &mut Html, viewer: &Viewer<'_>, standing: &Standing) {
    begin_section(html, "tables-title", viewer.own.tables);
    let Some(tables) = &standing.tables else {
        html.element("<p class=\"table-none\">", viewer.own.tables_unknown, "</p></section>");
        return;
    };
    begin_table(html, viewer.own.tables, &viewer.own.table_columns);
    let row = |html: &mut Html, name: &str, rows: u64, bytes: u64| {
        html.element("<tr><th scope=\"row\">", name, "</th><td>").text(&format::count(format::float(rows)));
        html.element("</td><td>", &format::size(bytes), "</td></tr>");
    };
    for table in tables {
        row(html, &table.name, table.rows, table.bytes);
    }
    let (rows, bytes) = tables.iter().fold((0, 0), |(rows, bytes), table| (rows + table.rows, bytes + table.bytes));
    row(html, viewer.own.all, rows, bytes);
    end_table(html);
    html.mark("</section>");
}

pub(super) fn log(html: &mut Html, viewer: &Viewer<'_>, standing: &Standing) {
    let mut lines: Vec<(&str, &LogLine)> =
        of_both(standing).flat_map(|vitals| vitals.log.iter().map(|line| (vitals.program.as_str(), line))).collect();
    lines.sort_by_key(|(_, line)| std::cmp::Reverse(line.at));
    begin_section(html, "log-title", viewer.own.log);
    if lines.is_empty() {
        html.element("<p class=\"table-none\">", viewer.own.log_none, "</p></section>");
        return;
    }
    begin_table(html, viewer.own.log, &viewer.own.log_columns);
    let [warning, error] = viewer.own.kinds;
    for (program, line) in lines {
        html.mark("<tr><td>");
        time(html, viewer, line.at);
        html.mark("</td><td>");
        match line.is_error {
            true => state_word(html, "state-bad", Shape::Cross, error),
            false => state_word(html, "state-warning", Shape::Exclamation, warning),
        }
        html.element("</td><td class=\"desk-words\">", &line.text, "");
        if line.times > 1 {
            let times = (viewer.own.times)(&format::count(format::float(line.times)));
            html.element(" <span class=\"desk-note\">", &times, "</span>");
        }
        html.element("</td><td>", program, "</td></tr>");
    }
    end_table(html);
    html.mark("</section>");
}

fn of_both(standing: &Standing) -> impl Iterator<Item = &Vitals> {
    let beside = standing.sampler().filter(|sampler| sampler.pid != standing.here.pid);
    std::iter::once(&standing.here).chain(beside)
}
