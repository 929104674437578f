//! Redis.

use collector::database::{Look, RedisServer, Seen};

use super::super::graph::Graph;
use super::super::{begin_table, end_table, facts, state_word};
use super::line::{self, Lines};
use super::server;
use super::{Viewer, count, milliseconds};
use crate::charts::Unit;
use crate::format;
use crate::widgets::{Html, Shape};

/// Its state on one line.
pub(super) fn state(html: &mut Html, viewer: &Viewer<'_>, seen: &Seen<RedisServer>) {
    let own = viewer.own;
    let Some(redis) = &seen.value else {
        viewer.obstacles(html, "Redis", &seen.obstacles);
        return;
    };
    html.mark("<p class=\"redis-state\">");
    state_word(html, "state-good", Shape::Check, "Redis");
    let ratio = redis.hit_ratio.map_or_else(|| "–".to_owned(), |ratio| Unit::Percent.text(ratio));
    let parts = [
        (own.answer, milliseconds(redis.answer_ms)),
        (own.hit_ratio, ratio),
        (own.clients, count(redis.connected_clients)),
        (own.evictions, count(redis.evicted_keys)),
    ];
    for (name, value) in parts {
        html.element("<span>", name, " <b>").text(&value).mark("</b></span>");
    }
    html.mark("</p>");
}

/// Its past, over the page's range.
pub(super) fn graphs(viewer: &Viewer<'_>) -> [Graph; 4] {
    let own = viewer.own;
    let one = |id, title, unit, metric| server::graph(id, title, unit, vec![server::line(metric, title, None)]);
    [
        one("graph-redis-memory", own.redis_memory, Unit::Bytes, line::MEMORY.0),
        one("graph-redis-hits", own.hit_ratio, Unit::Percent, line::HITS.0),
        one("graph-redis-commands", own.commands, Unit::PerSecond, line::COMMANDS.0),
        one("graph-redis-evictions", own.evictions, Unit::PerSecond, line::EVICTIONS.0),
    ]
}

/// Its numbers and facts on the page.
pub(super) fn section(html: &mut Html, viewer: &Viewer<'_>, look: &Look, lines: &Lines) {
    let own = viewer.own;
    let seen = &look.redis.server;
    viewer.obstacles(html, "Redis", &seen.obstacles);
    let Some(redis) = &seen.value else { return };
    server::tiles(html, viewer, look, lines, server::REDIS);
    let known = [
        (own.version, redis.version.clone()),
        (own.role, redis.role.clone()),
        (own.uptime, (viewer.reader.words.duration)(redis.uptime_seconds)),
        (own.answer, milliseconds(redis.answer_ms)),
        (own.keys, count(redis.keys)),
        (own.peak, format::size(redis.memory_peak_bytes)),
        (own.policy, redis.eviction_policy.clone()),
        (own.expired, count(redis.expired_keys)),
        (own.rejected, count(redis.rejected_connections)),
    ];
    facts(html, viewer.reader, &known.map(|(name, value)| (name, Some(value))));
}

/// Its slow commands.
pub(super) fn slow_log(html: &mut Html, viewer: &Viewer<'_>, look: &Look) {
    let own = viewer.own;
    html.element("<h3 class=\"slow-log\">", own.slow_log, "</h3>");
    let seen = &look.redis.slow_log;
    viewer.obstacles(html, own.slow_log, &seen.obstacles);
    let Some(commands) = &seen.value else { return };
    if commands.is_empty() {
        html.element("<p class=\"table-none\">", own.slow_none, "</p>");
        return;
    }
    begin_table(html, own.slow_log, &own.slow_columns);
    for command in commands {
        html.element("<tr><th scope=\"row\"><code>", &command.command, "</code></th>");
        html.element("<td class=\"number\">", &milliseconds(command.milliseconds), "</td>");
        html.element("<td class=\"number\">", &viewer.reader.moment(command.at), "</td></tr>");
    }
    end_table(html);
}
