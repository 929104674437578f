//! What Redis says of itself.

use std::time::Instant;

use fred::error::Error;
use fred::interfaces::ClientLike;
use fred::types::{CustomCommand, Value};
use jiff::Timestamp;

use super::{Cache, options};
use crate::database::{Obstacle, ObstacleKind, Redis, RedisServer, Seen, SlowCommand, hit_ratio};
use crate::sample::RedisReading;

/// Entries of the slow log that are shown.
const SLOW: &str = "32";

impl Cache {
    /// The numbers of the history; a second later at the most.
    pub(crate) async fn numbers(&self) -> Result<RedisReading, String> {
        let text = self.info().await.map_err(|error| error.to_string())?;
        let info = Info(&text);
        Ok(RedisReading {
            memory_used_bytes: info.number("used_memory"),
            connected_clients: info.number("connected_clients"),
            commands: info.number("total_commands_processed"),
            keyspace_hits: info.number("keyspace_hits"),
            keyspace_misses: info.number("keyspace_misses"),
            evicted_keys: info.number("evicted_keys"),
        })
    }

    /// All that can be seen; two seconds later at the most.
    pub(crate) async fn look(&self) -> Redis {
        let asked = Instant::now();
        let server = match self.info().await {
            Ok(text) => Seen::all(server(&Info(&text), asked.elapsed().as_secs_f64() * 1_000.0)),
            Err(error) => Seen::nothing(self.obstacle(&error, "+info")),
        };
        let slow_log = match server.obstacles.iter().find(|obstacle| obstacle.kind == ObstacleKind::Away) {
            Some(away) => Seen::nothing(away.clone()),
            None => match self.slow_log().await {
                Ok(entries) => Seen::all(entries),
                Err(error) => Seen::nothing(self.obstacle(&error, "+slowlog|get")),
            },
        };
        Redis { server, slow_log }
    }

    async fn info(&self) -> Result<String, Error> {
        self.client.with_options(&options()).info(None).await
    }

    async fn slow_log(&self) -> Result<Vec<SlowCommand>, Error> {
        let command = CustomCommand::new_static("SLOWLOG", None, false);
        let arguments = vec!["GET".to_owned(), SLOW.to_owned()];
        let entries: Vec<Value> = self.client.with_options(&options()).custom(command, arguments).await?;
        let mut entries: Vec<SlowCommand> = entries.into_iter().filter_map(slow_command).collect();
        entries.sort_by(|a, b| b.milliseconds.total_cmp(&a.milliseconds));
        Ok(entries)
    }

    fn obstacle(&self, error: &Error, right: &str) -> Obstacle {
        if error.details().starts_with("NOPERM") {
            let config = self.builder.get_config();
            let user = config.and_then(|config| config.username.as_deref()).unwrap_or("default");
            return Obstacle::permission(vec![format!("ACL SETUSER {user} {right}")]);
        }
        tracing::debug!(%error, "redis did not say how it stands");
        Obstacle::of(ObstacleKind::Away)
    }
}

/// The answer of `INFO`: lines of `name:value`.
pub(super) struct Info<'a>(pub(super) &'a str);

impl<'a> Info<'a> {
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// Keys of all databases: `db0:keys=3,expires=1,avg_ttl=0`.
    fn keys(&self) -> u64 {
        let databases = self.0.lines().filter_map(|line| {
            let (name, rest) = line.strip_prefix("db")?.split_once(":keys=")?;
            name.parse::<u16>().ok()?;
            rest.split(',').next()?.parse::<u64>().ok()
        });
        databases.sum()
    }
}

fn server(info: &Info<'_>, answer_ms: f64) -> RedisServer {
    let number = |name| info.number(name).unwrap_or(0);
    let text = |name| info.text(name).unwrap_or_default().to_owned();
    RedisServer {
        version: text("redis_version"),
        role: text("role"),
        uptime_seconds: number("uptime_in_seconds"),
        answer_ms,
        memory_used_bytes: number("used_memory"),
        memory_peak_bytes: number("used_memory_peak"),
        memory_limit_bytes: number("maxmemory"),
        eviction_policy: text("maxmemory_policy"),
        keys: info.keys(),
        connected_clients: number("connected_clients"),
        blocked_clients: number("blocked_clients"),
        hit_ratio: hit_ratio(number("keyspace_hits"), number("keyspace_misses")),
        evicted_keys: number("evicted_keys"),
        expired_keys: number("expired_keys"),
        commands: number("total_commands_processed"),
        rejected_connections: number("rejected_connections"),
    }
}

/// `[id, seconds, microseconds, [argument, ...], ...]`
#[expect(clippy::cast_precision_loss, reason = "microseconds of one command stay far below 2^53")]
fn slow_command(entry: Value) -> Option<SlowCommand> {
    let entry = entry.into_array();
    let at = Timestamp::from_second(entry.get(1)?.as_i64()?).ok()?;
    let milliseconds = entry.get(2)?.as_i64()? as f64 / 1_000.0;
    let arguments = entry.get(3)?.clone().into_array();
    let arguments: Vec<String> = arguments.into_iter().filter_map(Value::into_string).collect();
    Some(SlowCommand { at, milliseconds, command: shown(&arguments) })
}

/// A command without what may be secret in it.
fn shown(arguments: &[String]) -> String {
    let mut words = arguments.iter().map(String::as_str);
    let name = words.next().unwrap_or_default().to_uppercase();
    let Some(second) = words.next() else { return name };
    // What the name and the second word are together.
    const OF_TWO: [&str; 12] = [
        "ACL", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DEBUG", "FUNCTION", "LATENCY", "MEMORY", "OBJECT", "SCRIPT",
        "SLOWLOG",
    ];
    if OF_TWO.contains(&name.as_str()) {
        let rest = if words.next().is_some() { " …" } else { "" };
        return format!("{name} {}{rest}", second.to_uppercase());
    }
    match second.split_once(':').filter(|(prefix, _)| !prefix.is_empty() && prefix.chars().all(is_plain)) {
        Some((prefix, _)) if !matches!(name.as_str(), "AUTH" | "HELLO" | "EVAL" | "ECHO" | "PUBLISH") => {
            format!("{name} {prefix}:…")
        }
        _ => format!("{name} …"),
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_info_is_read_by_name_whatever_else_is_in_it() {
        let text = "# Server\r\nredis_version:7.0.15\r\nused_memory:100\r\nused_memory_human:100B\r\n\
                    maxmemory_policy:noeviction\r\n# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=0\r\n\
                    db12:keys=4,expires=0,avg_ttl=0\r\ndbs:keys=9\r\n";
        let server = server(&Info(text), 0.4);
        assert_eq!((server.version.as_str(), server.memory_used_bytes, server.keys), ("7.0.15", 100, 7));
        assert_eq!((server.eviction_policy.as_str(), server.hit_ratio), ("noeviction", None));
        assert_eq!(Info(text).number("evicted_keys"), None);
    }

    #[test]
    fn of_a_slow_command_neither_its_key_nor_its_values_are_shown() {
        let shown = |words: &[&str]| shown(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        for (words, expected) in [
            (&["KEYS", "*"][..], "KEYS …"),
            (&["get", "session:4fd1c0"], "GET session:…"),
            (&["SET", "user@example.com:token", "secret"], "SET …"),
            (&["AUTH", "user:x", "secret"], "AUTH …"),
            (&["CONFIG", "SET", "requirepass", "secret"], "CONFIG SET …"),
            (&["slowlog", "get"], "SLOWLOG GET"),
            (&["PING"], "PING"),
        ] {
            assert_eq!(shown(words), expected);
        }
    }
}
