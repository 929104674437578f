//! What `doctor` asks Redis: whether it can be used, and what of it is in the way. Nothing here
//! changes anything: what we do to it is queued in a transaction that is never run.

use std::time::{Duration, Instant};

use fred::error::Error;
use fred::interfaces::ClientLike;
use fred::types::config::Options;
use fred::types::{CustomCommand, Value};
use jiff::{SignedDuration, Timestamp};

use super::info::Info;
use super::probe::{Link, fault, link};
use super::{ALERTS_KEY, CURRENT_KEYS, Cache, CacheError, HOURLY_KEY, KINDS, options};
use crate::PartFault;
use crate::failure::Failure;

/// A connection to a Redis that lets us in.
pub(crate) struct Visit {
    link: Link,
    user: String,
    /// For each answer.
    limit: Duration,
}

/// What Redis is.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    /// Such as `7.0.15`.
    pub(crate) version: String,
    pub(crate) role: String,
    pub(crate) memory_used_bytes: u64,
    /// 0: none.
    pub(crate) memory_limit_bytes: u64,
    pub(crate) eviction_policy: String,
    pub(crate) evicted_keys: u64,
}

/// A command that is refused.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) command: &'static str,
    /// Whether it is for want of a right; else Redis takes no writes.
    pub(crate) is_right: bool,
    pub(crate) reason: String,
}

/// Where a URL leads, without its password.
pub(crate) fn shown(url: &str) -> String {
    let config = fred::types::config::Config::from_url(url).ok();
    let server = config.and_then(|config| config.server.hosts().into_iter().next());
    server.map(|server| format!("{}:{}", server.host, server.port)).unwrap_or_default()
}

/// Connects to the Redis at `url` within `limit`, which each later answer has, too: a person waits for
/// it, and a host that is busy for a second is no trouble.
///
/// # Errors
///
/// [`CacheError::Url`], or within why it does not let us in.
pub(crate) async fn visit(
    url: &str,
    password: Option<&str>,
    limit: Duration,
) -> Result<Result<Visit, Failure>, CacheError> {
    let (mut builder, config) = Cache::builder(url, password)?;
    builder
        .with_connection_config(|connection| {
            connection.connection_timeout = limit;
            connection.internal_command_timeout = limit;
        })
        .with_performance_config(|performance| performance.default_command_timeout = limit);
    let user = config.username.clone().unwrap_or_else(|| "default".to_owned());
    let connected = async {
        let visit = Visit { link: link(&builder, config).await?, user, limit };
        visit.ask("PING", &[]).await?;
        Ok(visit)
    };
    Ok(match tokio::time::timeout(limit, connected).await {
        Ok(visit) => visit.map_err(|error: Error| Failure::new(fault(&error), error.details())),
        Err(_) => Err(Failure::new(PartFault::Hanging, format!("no answer within {limit:?}"))),
    })
}

impl Visit {
    /// Who we are to it.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// What Redis says of itself; `None` where the user may not ask.
    pub(crate) async fn condition(&self) -> Result<Option<Condition>, String> {
        let text: Result<String, Error> = self.link.client.with_options(&self.options()).info(None).await;
        let text = match text {
            Err(error) if error.details().starts_with("NOPERM") => return Ok(None),
            text => text.map_err(|error| error.details().to_owned())?,
        };
        let info = Info(&text);
        let of = |name| info.text(name).unwrap_or_default().to_owned();
        let number = |name| info.number(name).unwrap_or(0);
        Ok(Some(Condition {
            version: of("redis_version"),
            role: of("role"),
            memory_used_bytes: number("used_memory"),
            memory_limit_bytes: number("maxmemory"),
            eviction_policy: of("maxmemory_policy"),
            evicted_keys: number("evicted_keys"),
        }))
    }

    /// How far its clock is ahead of this host's, and how exactly that is known; `None` where the user may
    /// not ask.
    pub(crate) async fn clock_ahead(&self) -> Result<Option<(SignedDuration, Duration)>, String> {
        let (asked, before) = (Instant::now(), Timestamp::now());
        let answer = match self.ask("TIME", &[]).await {
            Err(error) if error.details().starts_with("NOPERM") => return Ok(None),
            answer => answer.map_err(|error| error.details().to_owned())?.into_array(),
        };
        let took = asked.elapsed();
        let number = |place: usize| answer.get(place).and_then(Value::as_i64).unwrap_or_default();
        let theirs = Timestamp::from_microsecond(number(0) * 1_000_000 + number(1)).unwrap_or_default();
        let ours = before + SignedDuration::try_from(took / 2).unwrap_or_default();
        Ok(Some((theirs.duration_since(ours), took / 2)))
    }

    /// The first of the commands that we need which it refuses. A transaction that is discarded has each
    /// of them looked at and none run: <https://redis.io/docs/latest/develop/interact/transactions/>.
    pub(crate) async fn refused(&self) -> Result<Option<Refused>, String> {
        let (_, channel, _) = KINDS[0];
        let needed: [(&str, &[&str]); 6] = [
            ("SET", &[CURRENT_KEYS[1], "", "EX", "300"]),
            ("DEL", &[ALERTS_KEY]),
            ("HSET", &[HOURLY_KEY, "", ""]),
            ("GET", &[CURRENT_KEYS[1]]),
            ("HGETALL", &[HOURLY_KEY]),
            ("PUBLISH", &[channel, ""]),
        ];
        let failed = |error: Error| error.details().to_owned();
        self.ask("MULTI", &[]).await.map_err(failed)?;
        let mut refused = None;
        for (name, arguments) in needed {
            let Err(error) = self.ask(name, arguments).await else { continue };
            let reason = error.details().to_owned();
            refused = Some(Refused { command: name, is_right: reason.starts_with("NOPERM"), reason });
            break;
        }
        self.ask("DISCARD", &[]).await.map_err(failed)?;
        Ok(refused)
    }

    async fn ask(&self, name: &'static str, arguments: &[&str]) -> Result<Value, Error> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let command = CustomCommand::new_static(name, None, false);
        self.link.client.with_options(&self.options()).custom(command, arguments).await
    }

    fn options(&self) -> Options {
        Options { timeout: Some(self.limit), ..options() }
    }
}
