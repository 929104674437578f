//! What is wrong with an installation, why, and what to do about it: looked at part by part, whether
//! or not it runs. Nothing is changed, and nothing is waited for long.
//!
//! A check looks at one thing. Where one is in trouble, those that need it are not looked at: what they
//! would say follows from it. How it is shown is the command line's business.

mod advice;
mod application;
mod clock;
mod dashboard;
mod place;
mod postgresql;
mod redis;
mod samples;
mod settings;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cache::condition::Visit;
use crate::config::{ConfigError, Settings, Sources};
use crate::embedded::{self, Connections, Owner};
use crate::source::host_name;
use crate::store::Store;
use crate::store::condition::Condition;

pub(crate) use dashboard::readiness;

/// Every check: its id, which stays, what it is called, and those without which it says nothing.
const CHECKS: [(Check, &str, &str, &[Check]); 29] = [
    (Check::Settings, "settings", "settings", &[]),
    (Check::EnvFile, "env_file", ".env file", &[]),
    (Check::TimeZone, "time_zone", "time zones", &[]),
    (Check::Rules, "rules", "alert rules", &[]),
    (Check::Receivers, "receivers", "receivers of alerts", &[]),
    (Check::DataDirectory, "data_directory", "data directory", &[]),
    (Check::Disk, "disk", "disk of the data directory", &[Check::DataDirectory]),
    (Check::Collector, "collector", "collector", &[Check::DataDirectory]),
    (Check::Spool, "spool", "samples that wait on disk", &[Check::DataDirectory]),
    (Check::Clock, "clock", "clock of this host", &[]),
    (Check::Postgresql, "postgresql", "PostgreSQL connection", &[]),
    (Check::PostgresqlClock, "postgresql_clock", "clock of PostgreSQL", &[Check::Postgresql]),
    (Check::PostgresqlWrites, "postgresql_writes", "PostgreSQL takes writes", &[Check::Postgresql]),
    (Check::PostgresqlConnections, "postgresql_connections", "free connections", &[Check::Postgresql]),
    (Check::PostgresqlDisk, "postgresql_disk", "disk of PostgreSQL", &[Check::Postgresql]),
    (Check::Grants, "grants", "rights of the role", &[Check::Postgresql]),
    (Check::Migrations, "migrations", "migrations", &[Check::Postgresql]),
    (Check::Tables, "tables", "tables, views and functions", &[Check::Migrations]),
    (Check::Partitions, "partitions", "partitions of today and tomorrow", &[Check::Migrations]),
    (Check::Monitor, "monitor", "role pg_monitor", &[Check::Postgresql]),
    (Check::Statements, "statements", "pg_stat_statements", &[Check::Postgresql]),
    (Check::Redis, "redis", "Redis connection", &[]),
    (Check::RedisClock, "redis_clock", "clock of Redis", &[Check::Redis]),
    (Check::RedisWrites, "redis_writes", "Redis takes writes", &[Check::Redis]),
    (Check::RedisMemory, "redis_memory", "memory of Redis", &[Check::Redis]),
    (Check::Samples, "samples", "samples arrive", &[Check::Tables]),
    (Check::Hosts, "hosts", "one collector for this host", &[Check::Tables]),
    (Check::Application, "application", "metrics of the application", &[]),
    (Check::Dashboard, "dashboard", "port of the dashboard", &[]),
];

/// How many there are.
pub const COUNT: u64 = CHECKS.len() as u64;

/// A check that takes longer is in trouble.
const LIMIT: Duration = Duration::from_secs(10);
/// How long a server may take to let us in.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Settings,
    EnvFile,
    TimeZone,
    Rules,
    Receivers,
    DataDirectory,
    Disk,
    Collector,
    Spool,
    Clock,
    Postgresql,
    PostgresqlClock,
    PostgresqlWrites,
    PostgresqlConnections,
    PostgresqlDisk,
    Migrations,
    Grants,
    Tables,
    Partitions,
    Monitor,
    Statements,
    Redis,
    RedisClock,
    RedisWrites,
    RedisMemory,
    Samples,
    Hosts,
    Application,
    Dashboard,
}

/// What came of one check.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Its name for programs, which stays the same.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// How it went: that of the worst finding.
    pub result: Outcome,
    /// What was looked at and seen, or why it was not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub seen: String,
    /// What is wrong; nothing where all is well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// How long it took.
    pub milliseconds: u64,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All is well.
    Ok,
    /// It was not looked at, because another one is in trouble or it is not in use.
    NotLookedAt,
    /// It works, and not as well as it could.
    Warning,
    /// It does not work.
    Trouble,
}

/// Something that is wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// [`Outcome::Warning`] or [`Outcome::Trouble`].
    pub severity: Outcome,
    /// Its name for programs, which stays the same.
    pub fault: &'static str,
    /// Why, with what was seen.
    pub cause: String,
    /// What to do.
    pub remedy: String,
    /// Lines to copy for that: of a shell, of SQL or of a file, as the remedy says.
    pub commands: Vec<String>,
}

impl Finding {
    fn trouble(fault: &'static str, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (cause, remedy) = (cause.into(), remedy.into());
        Self { severity: Outcome::Trouble, fault, cause, remedy, commands: Vec::new() }
    }

    fn warning(fault: &'static str, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Outcome::Warning, ..Self::trouble(fault, cause, remedy) }
    }

    /// With lines to copy.
    fn with(self, commands: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { commands: commands.into_iter().map(Into::into).collect(), ..self }
    }

    /// What is wrong by a sentence that says what to do behind its last semicolon, as all of ours do.
    fn of(fault: &'static str, sentence: &str) -> Self {
        let (cause, remedy) = sentence.rsplit_once("; ").unwrap_or((sentence, "see the log of the program"));
        Self::trouble(fault, cause, remedy)
    }
}

/// What a check says.
#[derive(Debug, Default)]
struct Answer {
    seen: String,
    findings: Vec<Finding>,
    is_skipped: bool,
}

impl Answer {
    fn ok(seen: impl Into<String>) -> Self {
        Self { seen: seen.into(), ..Self::default() }
    }

    fn skipped(why: impl Into<String>) -> Self {
        Self { is_skipped: true, ..Self::ok(why) }
    }

    fn found(seen: impl Into<String>, findings: impl IntoIterator<Item = Finding>) -> Self {
        Self { findings: findings.into_iter().collect(), ..Self::ok(seen) }
    }
}

impl From<Finding> for Answer {
    fn from(finding: Finding) -> Self {
        Self::found("", [finding])
    }
}

/// Looks at everything that `sources` mean, and tells of each check when it is done.
pub async fn examine(sources: &Sources, mut tell: impl FnMut(&Checked)) -> Vec<Checked> {
    let mut examination = Examination::begin(sources);
    let mut done: Vec<Checked> = Vec::with_capacity(CHECKS.len());
    for (check, id, name, needs) in CHECKS {
        let started = Instant::now();
        let lacking = needs.iter().find_map(|need| {
            let place = CHECKS.iter().position(|(check, ..)| check == need)?;
            done.get(place).filter(|checked| matches!(checked.result, Outcome::Trouble | Outcome::NotLookedAt))
        });
        let answer = match lacking {
            Some(Checked { result: Outcome::NotLookedAt, seen, .. }) => Answer::skipped(seen),
            Some(checked) => Answer::skipped(format!("needs {} ({})", checked.name, checked.id)),
            None => tokio::time::timeout(LIMIT, examination.look(check, &done)).await.unwrap_or_else(|_| {
                let remedy =
                    "see what holds it up: a disk or file system that does not answer, or a server that is stopped";
                Finding::trouble("hanging", format!("no answer within {LIMIT:?}"), remedy).into()
            }),
        };
        let worst = answer.findings.iter().map(|finding| finding.severity).max();
        let result = worst.unwrap_or(if answer.is_skipped { Outcome::NotLookedAt } else { Outcome::Ok });
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let checked = Checked { id, name, result, seen: answer.seen, findings: answer.findings, milliseconds };
        tell(&checked);
        done.push(checked);
    }
    examination.end().await;
    done
}

/// What is known so far, and what is open.
struct Examination {
    sources: Sources,
    settings: Settings,
    wrong: Vec<ConfigError>,
    host: String,
    /// Where the stores are, as set or as the running program says.
    urls: Connections,
    data_dir: Option<PathBuf>,
    owner: Option<Owner>,
    store: Option<Store>,
    condition: Option<Condition>,
    redis: Option<Visit>,
}

impl Examination {
    fn begin(sources: &Sources) -> Self {
        let (settings, wrong) = Settings::load_what_is_right(sources);
        Self {
            host: host_name(&settings.system.host),
            data_dir: embedded::data_dir(&settings.storage).ok(),
            sources: sources.clone(),
            urls: set_urls(&settings),
            settings,
            wrong,
            owner: None,
            store: None,
            condition: None,
            redis: None,
        }
    }

    async fn look(&mut self, check: Check, done: &[Checked]) -> Answer {
        match check {
            Check::Settings => self.look_at_settings(),
            Check::EnvFile => self.look_at_env_file(),
            Check::TimeZone => self.look_at_time_zones(),
            Check::Rules => self.look_at_rules().await,
            Check::Receivers => self.look_at_receivers().await,
            Check::DataDirectory => self.look_at_data_directory().await,
            Check::Disk => self.look_at_disk().await,
            Check::Collector => self.look_at_collector().await,
            Check::Spool => self.look_at_spool().await,
            Check::Clock => self.look_at_clock().await,
            Check::Postgresql => self.look_at_postgresql().await,
            Check::PostgresqlClock => self.look_at_postgresql_clock().await,
            Check::PostgresqlWrites => self.look_at_postgresql_writes(),
            Check::PostgresqlConnections => self.look_at_connections(),
            Check::PostgresqlDisk => self.look_at_postgresql_disk().await,
            Check::Migrations => self.look_at_migrations().await,
            Check::Grants => self.look_at_grants().await,
            Check::Tables => self.look_at_tables().await,
            Check::Partitions => self.look_at_partitions().await,
            Check::Monitor => self.look_at_monitor(),
            Check::Statements => self.look_at_statements().await,
            Check::Redis => self.look_at_redis().await,
            Check::RedisClock => self.look_at_redis_clock().await,
            Check::RedisWrites => self.look_at_redis_writes().await,
            Check::RedisMemory => self.look_at_redis_memory().await,
            Check::Samples => self.look_at_samples(done).await,
            Check::Hosts => self.look_at_hosts().await,
            Check::Application => self.look_at_application().await,
            Check::Dashboard => self.look_at_dashboard().await,
        }
    }

    /// Whether a setting of this section is wrong, so that what it says is not what was meant.
    fn is_wrong(&self, section: &str) -> bool {
        self.wrong.iter().filter_map(ConfigError::key).any(|key| key.split('.').next() == Some(section))
    }

    /// Whether PostgreSQL, or Redis, is the private one of the data directory.
    fn has_private_postgresql(&self) -> bool {
        self.settings.database.url.expose().is_none()
    }

    fn has_private_redis(&self) -> bool {
        self.settings.redis.url.expose().is_none()
    }

    async fn end(self) {
        if let Some(store) = self.store {
            let _ = tokio::time::timeout(PATIENCE, store.close()).await;
        }
    }
}

/// URLs of the stores that settings name.
fn set_urls(settings: &Settings) -> Connections {
    let set = |url: Option<&str>| url.map(str::to_owned);
    Connections { database_url: set(settings.database.url.expose()), redis_url: set(settings.redis.url.expose()) }
}

/// Work that may block, on a thread that the end of the program does not wait for.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = tell.send(work());
    });
    told.await.ok()
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    let mib = bytes >> 20;
    if mib >= 10_240 { format!("{} GiB", mib >> 10) } else { format!("{mib} MiB") }
}

/// Whole seconds for people.
fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_check_is_once_in_the_table_and_after_those_that_it_needs() {
        let ids: BTreeSet<_> = CHECKS.iter().map(|(_, id, ..)| *id).collect();
        assert_eq!(ids.len(), CHECKS.len());
        for (place, (check, id, name, needs)) in CHECKS.iter().enumerate() {
            assert_eq!(CHECKS.iter().position(|(other, ..)| other == check), Some(place), "{id}");
            assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && name.len() <= 34, "{id}");
            for need in *needs {
                assert!(CHECKS[..place].iter().any(|(other, ..)| other == need), "{id}");
            }
        }
    }

    #[test]
    fn a_sentence_is_cause_and_remedy() {
        let finding = Finding::of("x", "it is broken; and lost; repair it");
        assert_eq!((&*finding.cause, &*finding.remedy), ("it is broken; and lost", "repair it"));
    }
}
