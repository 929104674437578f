//! `check`: the 15 checks of an installation, safe on a production database while collectors run.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{print, stores};
use crate::embedded::Connections;
use crate::{Cache, Object, SchemaError, Settings, Store, Trial, host_name, shutdown};

/// Every check, with the numbers of those without which it says nothing.
const CHECKS: [(u8, &str, &[u8]); 15] = [
    (POSTGRESQL, "PostgreSQL connection", &[]),
    (REDIS, "Redis connection", &[]),
    (TABLES, "tables", &[POSTGRESQL]),
    (VIEWS, "views", &[POSTGRESQL]),
    (METRIC_WRITE, "metric write", &[TABLES]),
    (6, "metric read", &[METRIC_WRITE]),
    (7, "latest_metrics", &[VIEWS, METRIC_WRITE]),
    (ALERT_WRITE, "alert write", &[TABLES]),
    (9, "alert read", &[ALERT_WRITE]),
    (10, "active_alerts", &[VIEWS, ALERT_WRITE]),
    (11, "statistics function", &[METRIC_WRITE]),
    (REDIS_WRITE, "Redis write", &[REDIS]),
    (13, "Redis read", &[REDIS_WRITE]),
    (14, "materialized view refresh", &[VIEWS, METRIC_WRITE]),
    (REMOVAL, "own test rows removed", &[POSTGRESQL]),
];
const POSTGRESQL: u8 = 1;
const REDIS: u8 = 2;
const TABLES: u8 = 3;
const VIEWS: u8 = 4;
const METRIC_WRITE: u8 = 5;
const ALERT_WRITE: u8 = 8;
const REDIS_WRITE: u8 = 12;
/// Done also where others failed, and when interrupted.
const REMOVAL: u8 = 15;

/// A check that takes longer has failed.
const LIMIT: Duration = Duration::from_secs(60);

/// Flags of `check`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

/// The result of one check.
#[derive(Debug, Serialize)]
struct Checked {
    number: u8,
    name: &'static str,
    result: Outcome,
    milliseconds: u64,
    /// Why it did not succeed and what to do, or what is to be known of a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Ok,
    Failed,
    /// Another check it depends on failed: counts as failed.
    Skipped,
}

impl Checked {
    fn line(&self) -> String {
        let Self { number, name, milliseconds, .. } = self;
        let result = match self.result {
            Outcome::Ok => "ok",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "skipped",
        };
        let note = self.note.as_ref().map(|note| format!("  {note}")).unwrap_or_default();
        format!("{number:>2} {name:<26} {result:<8} {milliseconds:>5} ms{note}")
    }
}

pub(super) async fn run(settings: &Settings, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let stop = shutdown::signal()?;
    tokio::spawn({
        let interrupted = Arc::clone(&interrupted);
        async move {
            stop.await;
            interrupted.store(true, Ordering::Relaxed);
        }
    });
    let urls = stores::urls(settings)?;
    let mut checking = Checking { settings, urls, store: None, trial: None, cache: None, value: None };
    let mut done: Vec<Checked> = Vec::with_capacity(CHECKS.len());
    let mut printed = Ok(());
    for (number, name, needs) in CHECKS {
        // A check that writes is never left in the middle: nobody would know what it wrote.
        let checked = if interrupted.load(Ordering::Relaxed) && number != REMOVAL {
            let note = Some("interrupted".to_owned());
            Checked { number, name, result: Outcome::Skipped, milliseconds: 0, note }
        } else {
            checking.check(number, name, needs, &done).await
        };
        if let (Ok(()), false) = (&printed, arguments.json) {
            printed = print(&checked.line());
            // Nobody reads on, as with `| head`: no reason to leave rows behind.
            interrupted.fetch_or(printed.is_err(), Ordering::Relaxed);
        }
        done.push(checked);
    }
    checking.end().await;
    printed?;
    let failed = done.iter().filter(|checked| checked.result != Outcome::Ok).count();
    if arguments.json {
        print(&serde_json::json!({ "ok": failed == 0, "checks": done }).to_string())?;
    }
    match failed {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} checks failed", CHECKS.len()).into()),
    }
}

/// What the checks have opened.
struct Checking<'a> {
    settings: &'a Settings,
    urls: Connections,
    store: Option<Store>,
    trial: Option<Trial>,
    cache: Option<Cache>,
    /// What was written to Redis.
    value: Option<String>,
}

impl Checking<'_> {
    async fn check(&mut self, number: u8, name: &'static str, needs: &[u8], done: &[Checked]) -> Checked {
        let started = Instant::now();
        let failed = needs.iter().find(|need| {
            let of = done.iter().find(|checked| checked.number == **need);
            of.is_none_or(|checked| checked.result != Outcome::Ok)
        });
        let outcome = tokio::time::timeout(LIMIT, self.perform(number, failed.is_none())).await;
        let (result, note) = match (failed, outcome) {
            (Some(failed), _) => (Outcome::Skipped, Some(format!("needs check {failed}"))),
            (None, Ok(Ok(note))) => (Outcome::Ok, note),
            (None, Ok(Err(error))) => (Outcome::Failed, Some(error.to_string())),
            (None, Err(_)) => {
                let late = format!("no answer within {LIMIT:?}; see what holds the server up and try again");
                (Outcome::Failed, Some(late))
            }
        };
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Checked { number, name, result, milliseconds, note }
    }

    /// Does one check where it has what it needs; answers what is to be known of a success.
    async fn perform(&mut self, number: u8, has_needs: bool) -> Result<Option<String>, Box<dyn Error>> {
        if number == REMOVAL {
            // What of it can be done is done in any case.
            return self.remove().await.map(|()| None);
        }
        if !has_needs {
            return Ok(None);
        }
        if !self.settings.redis.enabled && [REDIS, REDIS_WRITE, 13].contains(&number) {
            return Ok(Some("not used: redis.enabled is false".to_owned()));
        }
        match number {
            POSTGRESQL => self.connect().await?,
            REDIS => self.connect_cache().await?,
            TABLES => self.tables().await?,
            VIEWS => self.store()?.check_objects(&[Object::View]).await?,
            METRIC_WRITE => self.trial()?.write_metric().await?,
            6 => self.trial()?.read_metric().await?,
            7 => self.trial()?.read_latest().await?,
            ALERT_WRITE => self.trial()?.write_alert().await?,
            9 => self.trial()?.read_alert().await?,
            10 => self.trial()?.read_active().await?,
            11 => self.trial()?.read_stats().await?,
            REDIS_WRITE => self.write_cache().await?,
            13 => self.read_cache().await?,
            14 => self.trial()?.refresh().await?,
            _ => {}
        }
        Ok(None)
    }

    async fn connect(&mut self) -> Result<(), Box<dyn Error>> {
        let url = self.urls.database_url.as_deref().ok_or(
            "there is no database: set DATABASE_URL, or start the dashboard or recipe-monitoring-collector run first",
        )?;
        let store = Store::connect(url, &stores::few(self.settings)).await?;
        self.trial = Some(store.begin_check(&host_name(&self.settings.system.host)).await?);
        self.store = Some(store);
        Ok(())
    }

    async fn connect_cache(&mut self) -> Result<(), Box<dyn Error>> {
        let url =
            self.urls.redis_url.as_deref().ok_or(
                "there is no Redis: install redis-server, set REDIS_URL, or do without by redis.enabled = false",
            )?;
        let cache = Cache::connect(url, self.settings.redis.password.expose())?;
        cache.reach().await?;
        self.cache = Some(cache);
        Ok(())
    }

    async fn tables(&self) -> Result<(), SchemaError> {
        let Some(store) = &self.store else { return Ok(()) };
        store.check_rights().await?;
        store.check_objects(&[Object::Table, Object::Trigger, Object::Routine]).await
    }

    async fn write_cache(&mut self) -> Result<(), Box<dyn Error>> {
        let value = uuid::Uuid::now_v7().to_string();
        self.cache()?.write_check(&value).await?;
        self.value = Some(value);
        Ok(())
    }

    async fn read_cache(&self) -> Result<(), Box<dyn Error>> {
        let read = self.cache()?.read_check().await?;
        if read == self.value {
            return Ok(());
        }
        let read = read.unwrap_or_else(|| "nothing".to_owned());
        Err(format!("Redis answers {read} for what was written a moment ago; see its maxmemory-policy and replicas")
            .into())
    }

    async fn remove(&mut self) -> Result<(), Box<dyn Error>> {
        let cache = match &self.cache {
            Some(cache) => cache.remove_check().await,
            None => Ok(()),
        };
        if let Some(trial) = &mut self.trial {
            trial.remove().await?;
        }
        Ok(cache?)
    }

    fn store(&self) -> Result<&Store, &'static str> {
        self.store.as_ref().ok_or("PostgreSQL is not connected")
    }

    fn trial(&mut self) -> Result<&mut Trial, &'static str> {
        self.trial.as_mut().ok_or("PostgreSQL is not connected")
    }

    fn cache(&self) -> Result<&Cache, &'static str> {
        self.cache.as_ref().ok_or("Redis is not connected")
    }

    async fn end(self) {
        if let Some(trial) = self.trial {
            trial.end().await;
        }
        if let Some(store) = self.store {
            store.close().await;
        }
        if let Some(cache) = self.cache {
            cache.close().await;
        }
    }
}
