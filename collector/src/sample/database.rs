//! What PostgreSQL, our pool of connections to it and Redis have open and have counted, as it is
//! sampled. The names follow those of Prometheus' exporters: `state`, `table` and so on are labels,
//! sizes are bytes, times seconds, shares percent as everywhere in `system_metrics`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Labels, Point};
use crate::Counters;

/// Name and meaning of every metric of PostgreSQL and Redis.
pub const DATABASE_METRICS: [(&str, &str); 16] = [
    (
        "postgresql_connections",
        "Client connections to the server, by state; waiting ones are active and wait for a lock",
    ),
    ("postgresql_longest_transaction_seconds", "Age of the oldest open transaction of a client, in seconds"),
    ("postgresql_commits_per_second", "Transactions of the database that were committed, per second"),
    ("postgresql_rollbacks_per_second", "Transactions of the database that were rolled back, per second"),
    (
        "postgresql_cache_hit_ratio",
        "Blocks of the database that were found in PostgreSQL's memory, in percent of those read",
    ),
    ("postgresql_locks_waiting", "Locks of the whole server that are waited for"),
    ("postgresql_database_bytes", "Size of the database on disk, in bytes"),
    (
        "postgresql_replication_lag_seconds",
        "How far a standby is behind, in seconds; with label standby as its primary sees it",
    ),
    ("postgresql_table_bytes", "Size of a table on disk without its indexes, in bytes; the largest, once an hour"),
    ("postgresql_index_bytes", "Size of an index on disk, in bytes; the largest, once an hour"),
    (
        "postgresql_pool_connections",
        "The collector's own pool: connections that are idle or active, and tasks waiting for one",
    ),
    ("redis_memory_used_bytes", "Memory that Redis has allocated, in bytes"),
    ("redis_connected_clients", "Client connections to Redis"),
    ("redis_commands_per_second", "Commands that Redis processed, per second"),
    ("redis_keyspace_hit_ratio", "Lookups of keys that found one, in percent of all"),
    ("redis_evicted_keys_per_second", "Keys that Redis dropped for lack of memory, per second"),
];

/// Connections of clients to the whole server, each in one state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Connections {
    /// A statement runs.
    pub active: u64,
    /// Nothing runs and no transaction is open.
    pub idle: u64,
    /// Nothing runs and a transaction is open.
    pub idle_in_transaction: u64,
    /// A statement waits for a lock.
    pub waiting: u64,
    /// Of other roles, so that ours may not see what they do.
    pub hidden: u64,
}

/// The pool of connections of one of our processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pool {
    /// Connections that nobody uses.
    pub idle: u64,
    /// Connections that are in use.
    pub active: u64,
    /// Tasks that wait for a connection.
    pub waiting: u64,
    /// Connections that there may be.
    pub most: u64,
}

/// What PostgreSQL has open now, and has counted since it was set up or its statistics were reset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PostgresqlReading {
    /// Of the whole server.
    pub connections: Connections,
    /// Age of the oldest open transaction of a client; `None` where there is none, or it is hidden.
    pub longest_transaction_seconds: Option<f64>,
    /// Transactions of the database.
    pub commits: u64,
    /// Transactions of the database.
    pub rollbacks: u64,
    /// Blocks that were found in PostgreSQL's memory.
    pub block_hits: u64,
    /// Blocks that were asked of the operating system.
    pub block_reads: u64,
    /// Of the whole server.
    pub locks_waiting: u64,
    /// `None` where it was not asked for, which is not each time.
    pub database_bytes: Option<u64>,
    /// Seconds that each standby is behind, by its name; on a standby its own, under no name.
    pub replication_lag: BTreeMap<String, f64>,
}

/// What Redis has open now, and has counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedisReading {
    /// In bytes.
    pub memory_used_bytes: Option<u64>,
    /// Connections.
    pub connected_clients: Option<u64>,
    /// Commands.
    pub commands: Option<u64>,
    /// Lookups that found a key.
    pub keyspace_hits: Option<u64>,
    /// Lookups that found none.
    pub keyspace_misses: Option<u64>,
    /// Keys that were dropped for lack of memory.
    pub evicted_keys: Option<u64>,
}

/// Makes of readings the numbers that are kept: of what is counted, its increase per second.
#[derive(Debug, Default)]
pub struct DatabaseMeter(Counters<&'static str>);

impl DatabaseMeter {
    /// Numbers of PostgreSQL. `seconds` have passed since the last reading; `None` at the first one
    /// and after a gap, whose rates would be of no moment.
    pub fn postgresql(&mut self, reading: &PostgresqlReading, seconds: Option<f64>) -> Vec<Point> {
        let Connections { active, idle, idle_in_transaction, waiting, hidden } = reading.connections;
        let states = [
            ("active", active),
            ("idle", idle),
            ("idle_in_transaction", idle_in_transaction),
            ("waiting", waiting),
            ("hidden", hidden),
        ];
        let states = states.into_iter().filter(|(state, count)| *state != "hidden" || *count > 0);
        let mut points: Vec<_> =
            states.map(|(state, count)| point("postgresql_connections", &[("state", state)], float(count))).collect();
        let longest = reading.longest_transaction_seconds;
        points.extend(longest.map(|longest| point("postgresql_longest_transaction_seconds", &[], longest)));
        points.push(point("postgresql_locks_waiting", &[], float(reading.locks_waiting)));
        points.extend(reading.database_bytes.map(|bytes| point("postgresql_database_bytes", &[], float(bytes))));
        for (standby, lag) in &reading.replication_lag {
            let label = [("standby", standby.as_str())];
            let labels: &[_] = if standby.is_empty() { &[] } else { &label };
            points.push(point("postgresql_replication_lag_seconds", labels, *lag));
        }
        points.extend(self.rate("postgresql_commits_per_second", Some(reading.commits), seconds));
        points.extend(self.rate("postgresql_rollbacks_per_second", Some(reading.rollbacks), seconds));
        let found = [("block_hits", reading.block_hits), ("block_reads", reading.block_reads)];
        points.extend(self.ratio(
            "postgresql_cache_hit_ratio",
            found.map(|(name, value)| (name, Some(value))),
            seconds,
        ));
        points
    }

    /// Numbers of Redis; `seconds` as for PostgreSQL.
    pub fn redis(&mut self, reading: &RedisReading, seconds: Option<f64>) -> Vec<Point> {
        let mut points = Vec::new();
        let memory = reading.memory_used_bytes;
        points.extend(memory.map(|bytes| point("redis_memory_used_bytes", &[], float(bytes))));
        let clients = reading.connected_clients;
        points.extend(clients.map(|clients| point("redis_connected_clients", &[], float(clients))));
        points.extend(self.rate("redis_commands_per_second", reading.commands, seconds));
        points.extend(self.rate("redis_evicted_keys_per_second", reading.evicted_keys, seconds));
        let found = [("keyspace_hits", reading.keyspace_hits), ("keyspace_misses", reading.keyspace_misses)];
        points.extend(self.ratio("redis_keyspace_hit_ratio", found, seconds));
        points
    }

    fn rate(&mut self, name: &'static str, counted: Option<u64>, seconds: Option<f64>) -> Option<Point> {
        let increase = self.0.increase(name, counted?)?;
        Some(point(name, &[], float(increase) / seconds.filter(|seconds| *seconds > 0.0)?))
    }

    /// The first of two counters in percent of both together; nothing where neither went up.
    fn ratio(
        &mut self,
        name: &'static str,
        [hits, misses]: [(&'static str, Option<u64>); 2],
        seconds: Option<f64>,
    ) -> Option<Point> {
        let [hits, misses] = [hits, misses].map(|(name, counted)| self.0.increase(name, counted?));
        let ratio = hit_ratio(hits?, misses?)?;
        seconds.map(|_| point(name, &[], ratio))
    }
}

impl Pool {
    /// Its numbers.
    #[must_use]
    pub fn points(self) -> Vec<Point> {
        let states = [("idle", self.idle), ("active", self.active), ("waiting", self.waiting)];
        states.map(|(state, count)| point("postgresql_pool_connections", &[("state", state)], float(count))).into()
    }
}

/// Hits in percent of all; `None` where there was nothing.
#[must_use]
pub fn hit_ratio(hits: u64, misses: u64) -> Option<f64> {
    let all = hits.saturating_add(misses);
    (all > 0).then(|| float(hits) / float(all) * 100.0)
}

/// A number of a table, or of an index of it, by their names.
#[must_use]
pub fn size_point(table: &str, index: Option<&str>, bytes: u64) -> Point {
    match index {
        None => point("postgresql_table_bytes", &[("table", table)], float(bytes)),
        Some(index) => point("postgresql_index_bytes", &[("table", table), ("index", index)], float(bytes)),
    }
}

fn point(name: &'static str, labels: &[(&str, &str)], value: f64) -> Point {
    let labels: Labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Point { metric_name: name.into(), value, labels }
}

#[expect(clippy::cast_precision_loss, reason = "what is counted and measured here stays far below 2^53")]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(points: &[Point], name: &str) -> Option<f64> {
        points.iter().find(|point| point.metric_name == name).map(|point| point.value)
    }

    fn reading(commits: u64, hits: u64, reads: u64) -> PostgresqlReading {
        PostgresqlReading { commits, block_hits: hits, block_reads: reads, ..PostgresqlReading::default() }
    }

    #[test]
    fn what_is_counted_becomes_a_rate_also_over_a_reset_and_not_over_a_gap() {
        let mut meter = DatabaseMeter::default();
        let rate = |points: Vec<Point>| value(&points, "postgresql_commits_per_second");
        assert_eq!(rate(meter.postgresql(&reading(1_000, 0, 0), None)), None);
        assert_eq!(rate(meter.postgresql(&reading(1_100, 0, 0), Some(10.0))), Some(10.0));
        assert_eq!(rate(meter.postgresql(&reading(50, 0, 0), Some(10.0))), Some(5.0));
        assert_eq!(rate(meter.postgresql(&reading(9_000, 0, 0), None)), None);
        assert_eq!(rate(meter.postgresql(&reading(9_010, 0, 0), Some(10.0))), Some(1.0));
    }

    #[test]
    fn the_hit_ratio_is_of_the_time_since_the_last_reading_and_missing_where_nothing_was_read() {
        let mut meter = DatabaseMeter::default();
        let ratio = |points: Vec<Point>| value(&points, "postgresql_cache_hit_ratio");
        meter.postgresql(&reading(0, 5_000, 5_000), None);
        assert_eq!(ratio(meter.postgresql(&reading(0, 5_090, 5_010), Some(10.0))), Some(90.0));
        assert_eq!(ratio(meter.postgresql(&reading(0, 5_090, 5_010), Some(10.0))), None);
        let redis = |hits, misses| RedisReading {
            keyspace_hits: Some(hits),
            keyspace_misses: Some(misses),
            ..RedisReading::default()
        };
        assert_eq!(meter.redis(&redis(1, 1), None), []);
        assert_eq!(value(&meter.redis(&redis(4, 2), Some(10.0)), "redis_keyspace_hit_ratio"), Some(75.0));
    }

    #[test]
    fn every_number_has_a_documented_name_and_hidden_connections_are_there_only_where_there_are_some() {
        let mut meter = DatabaseMeter::default();
        let redis = RedisReading {
            memory_used_bytes: Some(1),
            connected_clients: Some(1),
            commands: Some(1),
            evicted_keys: Some(1),
            ..RedisReading::default()
        };
        let lag = BTreeMap::from([(String::new(), 1.0), ("a".to_owned(), 2.0)]);
        let full = PostgresqlReading {
            database_bytes: Some(9),
            longest_transaction_seconds: Some(1.0),
            replication_lag: lag,
            ..reading(1, 1, 1)
        };
        meter.postgresql(&full, None);
        meter.redis(&redis, None);
        let full = PostgresqlReading { block_hits: 2, ..full };
        let mut points = meter.postgresql(&full, Some(1.0));
        points.extend(meter.redis(&redis, Some(1.0)));
        points.extend(Pool { idle: 1, active: 2, waiting: 3, most: 4 }.points());
        points.extend([size_point("public.a", None, 1), size_point("public.a", Some("a_pkey"), 1)]);
        for (name, _) in DATABASE_METRICS.iter().filter(|(name, _)| *name != "redis_keyspace_hit_ratio") {
            assert!(value(&points, name).is_some(), "{name}");
        }
        assert!(points.iter().all(|point| DATABASE_METRICS.iter().any(|(name, _)| *name == point.metric_name)));
        let states =
            |points: &[Point]| points.iter().filter(|point| point.metric_name == "postgresql_connections").count();
        assert_eq!(states(&points), 4);
        let hidden = Connections { hidden: 1, ..Connections::default() };
        let reading = PostgresqlReading { connections: hidden, ..PostgresqlReading::default() };
        assert_eq!(states(&meter.postgresql(&reading, None)), 5);
    }
}
