//! The server: its tiles, its connections and our pool, its facts, and who follows it.

use collector::database::{Connections, Look, Pool, Postgresql, Replication, Seen};

use super::super::graph::{self, Graph};
use super::super::{begin, begin_table, end_table, facts};
use super::line::{self, Lines, Wanted};
use super::{Viewer, count, known_size};
use crate::charts::Unit;
use crate::format;
use crate::widgets::{self, Html};

/// A tile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tile {
    Connections,
    CacheHit,
    Transactions,
    Locks,
    Size,
    Memory,
    Hits,
    Clients,
    Commands,
    Evictions,
}

/// On the overview.
pub(super) const OVERVIEW: &[Tile] = &[Tile::Connections, Tile::CacheHit, Tile::Transactions, Tile::Memory];
/// On the page, of PostgreSQL.
const POSTGRESQL: &[Tile] = &[Tile::Connections, Tile::CacheHit, Tile::Transactions, Tile::Locks, Tile::Size];
/// On the page, of Redis.
pub(super) const REDIS: &[Tile] = &[Tile::Memory, Tile::Hits, Tile::Commands, Tile::Clients, Tile::Evictions];

/// What a tile says: the number and its unit, and a line of small print.
type Said = (Option<(String, String)>, Option<String>);

/// Numbers with their last hour.
pub(super) fn tiles(html: &mut Html, viewer: &Viewer<'_>, look: &Look, lines: &Lines, tiles: &[Tile]) {
    html.mark("<ul class=\"tiles database-tiles\">");
    for tile in tiles {
        let (name, wanted, color, unit) = tile.kind(viewer);
        let (reading, more) = tile.said(viewer, look, lines);
        let past = |html: &mut Html| lines.draw(html, viewer.reader, (name, color), wanted, unit);
        widgets::Tile { name, reading, more, level: "" }.write(html, viewer.reader.words, &past);
    }
    html.mark("</ul>");
}

impl Tile {
    fn kind(self, viewer: &Viewer<'_>) -> (&'static str, Wanted, &'static str, Unit) {
        let own = viewer.own;
        match self {
            Self::Connections => (own.connections, line::ACTIVE, "series-1", Unit::Count),
            Self::CacheHit => (own.cache_hit, line::CACHE_HIT, "series-3", Unit::Percent),
            Self::Transactions => (own.transactions, line::COMMITS, "series-2", Unit::PerSecond),
            Self::Locks => (own.locks_waiting, line::LOCKS, "series-5", Unit::Count),
            Self::Size => (own.size, line::SIZE, "series-4", Unit::Bytes),
            Self::Memory => (own.redis_memory, line::MEMORY, "series-4", Unit::Bytes),
            Self::Hits => (own.hit_ratio, line::HITS, "series-3", Unit::Percent),
            Self::Clients => (own.clients, line::CLIENTS, "series-1", Unit::Count),
            Self::Commands => (own.commands, line::COMMANDS, "series-2", Unit::PerSecond),
            Self::Evictions => (own.evictions, line::EVICTIONS, "series-5", Unit::PerSecond),
        }
    }

    fn said(self, viewer: &Viewer<'_>, look: &Look, lines: &Lines) -> Said {
        let own = viewer.own;
        let server = look.postgresql.server.value.as_ref();
        let redis = look.redis.server.value.as_ref();
        let newest = |wanted, unit: Unit| lines.newest(wanted).map(|value| unit.parts(value));
        let plain = |value: u64| (count(value), String::new());
        let size = |bytes: u64| {
            let (number, unit) = format::bytes(bytes);
            (number, unit.to_owned())
        };
        match self {
            Self::Connections => {
                let all = look.postgresql.sessions.value.as_ref().map(|sessions| all(&sessions.connections));
                (all.map(plain), server.map(|server| (own.of_most)(&count(server.max_connections))))
            }
            Self::CacheHit => {
                let in_all = server.and_then(|server| server.cache_hit_ratio);
                let in_all = in_all.map(|ratio| (own.in_all)(&Unit::Percent.text(ratio)));
                (newest(line::CACHE_HIT, Unit::Percent), in_all)
            }
            Self::Transactions => {
                let rolled_back = lines.newest(line::ROLLBACKS);
                let rolled_back = rolled_back.map(|rate| (own.rolled_back)(&Unit::PerSecond.text(rate)));
                (newest(line::COMMITS, Unit::PerSecond), rolled_back)
            }
            Self::Locks => {
                let waiting = look.postgresql.locks.value.as_ref();
                let waiting = waiting.map(|locks| locks.iter().filter(|locked| !locked.blocked_by.is_empty()).count());
                let longest = lines.newest(line::LONGEST);
                let longest = longest.map(|seconds| (own.longest_transaction)(&viewer.duration(seconds)));
                (waiting.map(|waiting| plain(waiting as u64)), longest)
            }
            Self::Size => {
                let bytes = server.and_then(|server| server.database_bytes);
                (bytes.map(size), server.map(|server| (own.of_database)(&server.database)))
            }
            Self::Memory => {
                let limit = |redis: &collector::database::RedisServer| {
                    Some(redis.memory_limit_bytes).filter(|limit| *limit > 0).map(format::size)
                };
                let more = redis.map(|redis| (own.memory_limit)(limit(redis).as_deref()));
                (redis.map(|redis| size(redis.memory_used_bytes)), more)
            }
            Self::Hits => {
                let in_all = redis.and_then(|redis| redis.hit_ratio);
                (newest(line::HITS, Unit::Percent), in_all.map(|ratio| (own.in_all)(&Unit::Percent.text(ratio))))
            }
            Self::Clients => (
                redis.map(|redis| plain(redis.connected_clients)),
                redis.map(|redis| (own.blocked)(&count(redis.blocked_clients))),
            ),
            Self::Commands => {
                (newest(line::COMMANDS, Unit::PerSecond), redis.map(|redis| (own.in_all)(&count(redis.commands))))
            }
            Self::Evictions => {
                (newest(line::EVICTIONS, Unit::PerSecond), redis.map(|redis| (own.in_all)(&count(redis.evicted_keys))))
            }
        }
    }
}

fn all(connections: &Connections) -> u64 {
    let Connections { active, idle, idle_in_transaction, waiting, hidden } = connections;
    active + idle + idle_in_transaction + waiting + hidden
}

/// All of the server on its page.
pub(super) fn section(html: &mut Html, viewer: &Viewer<'_>, look: &Look, lines: &Lines) {
    let (own, seen) = (viewer.own, &look.postgresql);
    viewer.obstacles(html, "PostgreSQL", &seen.server.obstacles);
    tiles(html, viewer, look, lines, POSTGRESQL);
    html.mark("<div class=\"database-bars\">");
    pool(html, viewer, seen);
    if let (Some(sessions), Some(server)) = (&seen.sessions.value, &seen.server.value) {
        let Connections { active, idle, idle_in_transaction, waiting, hidden } = sessions.connections;
        let parts = [active, idle, idle_in_transaction, waiting, hidden].into_iter().zip(own.states).zip(COLORS);
        let parts = parts.filter(|((value, _), color)| *color != COLORS[4] || *value > 0);
        let parts: Vec<_> = parts.map(|((value, name), color)| (name, value, color)).collect();
        bar(html, own.connections, &parts, server.max_connections, &(own.of_most)(&count(server.max_connections)));
    }
    html.mark("</div>");
    let Some(server) = &seen.server.value else { return };
    let moment = server.counted_since.map(|at| viewer.reader.moment(at));
    html.element("<p class=\"desk-note database-note\">", &(own.counted_since)(moment.as_deref()), "</p>");
    let known = [
        (own.version, server.version.clone()),
        (own.uptime, server.started_at.map_or_else(|| "–".to_owned(), |at| viewer.reader.age(at))),
        (own.commits, count(server.commits)),
        (own.rollbacks, count(server.rollbacks)),
        (own.deadlocks, count(server.deadlocks)),
        (own.temporary, format::size(server.temporary_bytes)),
        (own.transaction_age, format!("{} / {}", count(server.transaction_age), count(server.freeze_max_age))),
    ];
    facts(html, viewer.reader, &known.map(|(name, value)| (name, Some(value))));
}

/// The past of the server, over the page's range.
pub(super) fn graphs(viewer: &Viewer<'_>) -> [Graph; 6] {
    let own = viewer.own;
    let states = own.states.into_iter().zip(["active", "idle", "idle_in_transaction", "waiting"]);
    let states = states.map(|(name, state)| line("postgresql_connections", name, Some(("state", state))));
    let [active, idle, waiting, _] = own.pool_states;
    let pool = [(active, "active"), (idle, "idle"), (waiting, "waiting")];
    let pool = pool.map(|(name, state)| line("postgresql_pool_connections", name, Some(("state", state))));
    [
        graph("graph-connections", own.connections, Unit::Count, states.collect()),
        graph(
            "graph-transactions",
            own.transactions,
            Unit::PerSecond,
            vec![
                line("postgresql_commits_per_second", own.commits, None),
                line("postgresql_rollbacks_per_second", own.rollbacks, None),
            ],
        ),
        graph("graph-cache-hit", own.cache_hit, Unit::Percent, vec![line(line::CACHE_HIT.0, own.cache_hit, None)]),
        graph("graph-pool", own.pool, Unit::Count, pool.into()),
        graph("graph-locks", own.locks_waiting, Unit::Count, vec![line(line::LOCKS.0, own.locks_waiting, None)]),
        graph("graph-size", own.size, Unit::Bytes, vec![line(line::SIZE.0, own.size, None)]),
    ]
}

pub(super) fn graph(id: &str, title: &str, unit: Unit, lines: Vec<graph::Wanted>) -> Graph {
    Graph { id: id.to_owned(), title: title.to_owned(), unit, lines }
}

pub(super) fn line(metric: &str, name: &str, label: Option<(&str, &str)>) -> graph::Wanted {
    let labels = label.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    graph::Wanted { name: name.to_owned(), metric: metric.to_owned(), labels, per_second: false }
}

/// Colours of the states, in their order.
const COLORS: [&str; 5] = ["bar-active", "bar-idle", "bar-open", "bar-waiting", "bar-hidden"];

/// Our own pool.
pub(super) fn pool(html: &mut Html, viewer: &Viewer<'_>, seen: &Postgresql) {
    let Pool { idle, active, waiting, most } = seen.pool;
    let [active_name, idle_name, waiting_name, _] = viewer.own.pool_states;
    let parts = [(active_name, active, COLORS[0]), (idle_name, idle, COLORS[1]), (waiting_name, waiting, COLORS[3])];
    bar(html, viewer.own.pool, &parts, most, &(viewer.own.of_most)(&count(most)));
}

/// A bar of parts of a whole, with what they are beside it.
fn bar(html: &mut Html, name: &str, parts: &[(&str, u64, &'static str)], whole: u64, of: &str) {
    html.element("<div class=\"stack\"><p class=\"stack-names\"><span>", name, "</span>");
    for (name, value, color) in parts {
        html.mark("<span class=\"")
            .mark(color)
            .mark("\"><i></i><b>")
            .text(&count(*value))
            .element("</b> ", name, "</span>");
    }
    html.element("<span>", of, "</span></p>");
    html.mark("<svg class=\"stack-bar\" aria-hidden=\"true\">");
    let all: u64 = parts.iter().map(|(_, value, _)| value).sum();
    let whole = whole.max(all).max(1);
    let mut from = 0;
    for (_, value, color) in parts.iter().filter(|(_, value, _)| *value > 0) {
        html.mark("<rect class=\"").mark(color).element("\" x=\"", &share(from, whole), "%\" width=\"");
        html.text(&share(*value, whole)).mark("%\" height=\"100%\"/>");
        from += value;
    }
    html.mark("</svg></div>");
}

fn share(part: u64, whole: u64) -> String {
    format::fixed(format::float(part) / format::float(whole) * 100.0, 2)
}

/// Who follows, or is followed; nothing where nobody does.
pub(super) fn replication(html: &mut Html, viewer: &Viewer<'_>, seen: &Seen<Replication>) {
    let own = viewer.own;
    let Some(replication) = &seen.value else { return };
    let Replication { own_lag_seconds, standbys, slots } = replication;
    if own_lag_seconds.is_none() && standbys.is_empty() && slots.is_empty() {
        return;
    }
    begin(html, "replication-title", own.replication);
    viewer.obstacles(html, own.replication, &seen.obstacles);
    let seconds = |seconds: Option<f64>| {
        seconds.map_or_else(|| "–".to_owned(), |seconds| format!("{} s", format::short(seconds)))
    };
    if own_lag_seconds.is_some() {
        html.element("<p>", &(own.own_lag)(&seconds(*own_lag_seconds)), "</p>");
    }
    if !standbys.is_empty() {
        begin_table(html, own.replication, &own.standby_columns);
        for standby in standbys {
            html.element("<tr><th scope=\"row\">", &standby.name, "</th>");
            html.element("<td>", &standby.address, "</td>");
            html.element("<td>", standby.state.as_deref().unwrap_or("–"), "</td>");
            html.element("<td class=\"number\">", &seconds(standby.lag_seconds), "</td>");
            html.element("<td class=\"number\">", &known_size(standby.lag_bytes), "</td></tr>");
        }
        end_table(html);
    }
    if !slots.is_empty() {
        begin_table(html, own.replication, &own.slot_columns);
        for slot in slots {
            html.element("<tr><th scope=\"row\">", &slot.name, "</th>");
            html.element("<td>", (own.slot_state)(slot.is_active), "</td>");
            html.element("<td class=\"number\">", &known_size(slot.kept_bytes), "</td></tr>");
        }
        end_table(html);
    }
    html.mark("</section>");
}
