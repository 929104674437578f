//! The processes, and the parts that they need.

use collector::{Beside, Part, PartName, PartState, Standing, Vitals};

use super::{Viewer, state_word, time};
use crate::access::{begin_section, begin_table, end_table};
use crate::format::{self, MISSING};
use crate::widgets::{Html, Shape};

/// One row a process.
pub(super) fn section(html: &mut Html, viewer: &Viewer<'_>, standing: &Standing) {
    begin_section(html, "processes-title", viewer.own.processes);
    begin_table(html, viewer.own.processes, &viewer.own.process_columns);
    row(html, viewer, &standing.here);
    match &standing.collector {
        Beside::None => {}
        Beside::There(vitals) => row(html, viewer, vitals),
        Beside::Away => {
            html.element("<tr><th scope=\"row\">", collector::PROGRAMS[0], "</th><td colspan=\"5\">");
            state_word(html, "state-bad", Shape::Cross, viewer.own.away);
            html.mark("</td></tr>");
        }
    }
    end_table(html);
    html.mark("</section>");
}

fn row(html: &mut Html, viewer: &Viewer<'_>, vitals: &Vitals) {
    let numbers = vitals.numbers();
    html.element("<tr><th scope=\"row\">", &vitals.program, "");
    html.element(" <span class=\"desk-note\">PID ", &vitals.pid.to_string(), "</span></th>");
    html.element("<td>", &vitals.version, "").element(" <span class=\"desk-note\">", &vitals.build, "</span></td>");
    html.element("<td>", (viewer.own.role)(&vitals.role), "</td><td>");
    time(html, viewer, vitals.started_at);
    html.element(" <span class=\"desk-note\">", &viewer.ago(vitals.started_at), "</span></td>");
    let memory = numbers.sum("process_resident_memory_bytes", &[]).map(|bytes| format::size(whole(bytes)));
    html.element("<td>", memory.as_deref().unwrap_or(MISSING), "</td>");
    let uptime = vitals.at.duration_since(vitals.started_at).as_secs_f64();
    let share = numbers.sum("process_cpu_seconds_total", &[]).filter(|_| uptime > 0.0);
    let share = share.map(|seconds| (viewer.own.cpu)(&format::fixed(seconds / uptime * 100.0, 1)));
    html.element("<td>", share.as_deref().unwrap_or(MISSING), "</td></tr>");
}

/// One row a part, as the process sees it that is asked.
pub(super) fn parts(html: &mut Html, viewer: &Viewer<'_>, standing: &Standing) {
    let numbers = standing.here.numbers();
    begin_section(html, "parts-title", viewer.own.parts);
    begin_table(html, viewer.own.parts, &viewer.own.part_columns);
    for part in &standing.here.health.parts {
        let name = match part.name {
            PartName::Postgresql => "PostgreSQL",
            PartName::Redis => "Redis",
            PartName::Collector => viewer.own.collector,
        };
        html.element("<tr><th scope=\"row\">", name, "</th><td>");
        state(html, viewer, part);
        html.mark("</td><td>");
        time(html, viewer, part.since);
        let seen = part.last_seen.map(|seen| viewer.ago(seen));
        html.element("</td><td>", seen.as_deref().unwrap_or(MISSING), "</td>");
        let latency = numbers.sum("recipe_monitoring_part_latency_seconds", &[("part", part.name.name())]);
        let latency = latency.map(|seconds| format!("{} ms", format::fixed(seconds * 1_000.0, 1)));
        html.element("<td>", latency.as_deref().unwrap_or(MISSING), "</td></tr>");
    }
    end_table(html);
    html.mark("</section>");
}

fn state(html: &mut Html, viewer: &Viewer<'_>, part: &Part) {
    let [up, down, off] = viewer.own.states;
    match part.state {
        PartState::Up => state_word(html, "state-good", Shape::Check, up),
        PartState::Down => {
            state_word(html, "state-bad", Shape::Cross, down);
            if let Some(fault) = part.fault {
                html.element(" <span class=\"desk-note\">", (viewer.own.fault)(fault), "</span>");
            }
        }
        PartState::Off => drop(html.text(off)),
    }
}

/// What is counted, which is far below what a whole number may be.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
fn whole(value: f64) -> u64 {
    value as u64
}
