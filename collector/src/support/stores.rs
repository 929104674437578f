//! What PostgreSQL has: migrations, sizes of tables, and the names and times of the last alerts.

use serde_json::{Value, json};

use crate::config::{Database, Settings};
use crate::embedded::{self, Connections};
use crate::store::{AlertQuery, Store};

/// The newest of them.
const ALERTS: u16 = 100;

/// What it answered.
pub(super) struct Answer {
    pub(super) schema: Value,
    pub(super) alerts: Value,
}

/// URLs of the stores: as set, or else those of the running installation.
pub(super) fn urls(settings: &Settings) -> Connections {
    let running = embedded::running(&settings.storage).ok().flatten().unwrap_or_default();
    let set = |url: Option<&str>| url.map(str::to_owned);
    Connections {
        database_url: set(settings.database.url.expose()).or(running.database_url),
        redis_url: set(settings.redis.url.expose()).or(running.redis_url),
    }
}

/// Asks it, without changing anything.
pub(super) async fn postgresql(settings: &Settings, url: Option<&str>) -> Result<Answer, String> {
    let Some(url) = url else {
        return Err("nothing runs on the data directory, and DATABASE_URL is not set".to_owned());
    };
    let few = Database { pool_min: 0, pool_max: 2, ..settings.database.clone() };
    let store = Store::connect(url, &few).await.map_err(|error| error.to_string())?;
    let answer = ask(&store).await;
    store.close().await;
    answer
}

async fn ask(store: &Store) -> Result<Answer, String> {
    let or_why = |error: crate::store::StoreError| json!({ "missing": error.to_string() });
    let migrations = store.migrations_applied().await.map_or_else(or_why, |migrations| json!(migrations));
    let tables = store.own_tables().await.map_or_else(or_why, |tables| json!(tables));
    let jobs = store.job_runs().await;
    let jobs = jobs.map_or_else(or_why, |runs| {
        let run = |run: crate::store::JobRun| {
            json!({ "job": run.job, "host": run.host, "finished_at": run.finished_at, "seconds": run.seconds })
        };
        runs.into_iter().map(run).collect()
    });
    let version = store.version().await.map_or_else(or_why, |version| json!(version));
    let query = AlertQuery { from: None, to: None, rule_name: None, severity: None, limit: ALERTS };
    let alerts = store.alerts(&query).await.map_or_else(or_why, |alerts| {
        let alert = |alert: crate::alert::Alert| {
            json!({
                "rule_name": alert.rule_name,
                "severity": alert.severity,
                "fired_at": alert.fired_at.to_string(),
                "resolved_at": alert.resolved_at.map(|at| at.to_string()),
            })
        };
        alerts.into_iter().map(alert).collect()
    });
    let schema = json!({ "version": version, "migrations": migrations, "tables": tables, "jobs": jobs });
    Ok(Answer { schema, alerts })
}
