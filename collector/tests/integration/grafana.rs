//! The dashboard for Grafana, on a database as the collector makes it: every query of it, with Grafana's macros expanded
//! as <https://github.com/grafana/grafana/blob/main/pkg/tsdb/grafana-postgresql-datasource/macros.go> has them.

use std::path::Path;

use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Column as _, Executor as _, PgConnection, Row as _, TypeInfo as _};

use crate::helpers::{Collector, directory, until};

/// A query of the dashboard.
struct Query {
    of: String,
    time_series: bool,
    sql: String,
}

fn packaged(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/grafana").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn queries(dashboard: &Value) -> Vec<Query> {
    let of = |name: &Value, target: &Value| Query {
        of: name.as_str().unwrap().to_owned(),
        time_series: target["format"] == "time_series",
        sql: target["rawSql"].as_str().unwrap().to_owned(),
    };
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        queries.extend(panel["targets"].as_array().unwrap().iter().map(|target| of(&panel["title"], target)));
    }
    for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
        queries.push(of(&annotation["name"], &annotation["target"]));
    }
    queries
}

/// What Grafana sends: a time range of a day until a little after now, in steps of half a minute.
fn expanded(sql: &str, host: &str) -> String {
    let mut sql = sql.replace("${host:sqlstring}", &format!("'{host}'")).replace("$__interval", "30s");
    for column in ["timestamp", "hour"] {
        let between = format!("{column} BETWEEN now() - interval '1 day' AND now() + interval '1 minute'");
        let group = format!("floor(extract(epoch from {column})/30)*30 AS \"time\"");
        sql = sql
            .replace(&format!("$__timeFilter({column})"), &between)
            .replace(&format!("$__timeGroupAlias({column}, 30s)"), &group);
    }
    assert!(!sql.contains('$'), "a macro that is not known here: {sql}");
    sql
}

async fn ask(database: &mut PgConnection, sql: &str, of: &str) -> Vec<PgRow> {
    let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut *database).await;
    rows.unwrap_or_else(|error| panic!("{of}: {error}: {sql}"))
}

#[tokio::test]
async fn every_query_of_the_grafana_dashboard_runs_as_the_role_that_only_reads() {
    let directory = directory();
    let quick = ["--set", "live.push=1s", "--set", "sampling.system=1s", "--set", "schedule.first_save=1s"];
    let collector = Collector::start(&directory.path().join("data"), &quick).await;
    let mut database = collector.database().await;
    database.execute(AssertSqlSafe(packaged("reader.sql"))).await.unwrap();
    until("the first save", async || {
        let saved = "SELECT FROM latest_metrics WHERE metric_name = 'cpu_usage'";
        (!ask(&mut database, saved, "the newest").await.is_empty()).then_some(())
    })
    .await;
    database.execute("REFRESH MATERIALIZED VIEW metrics_last_24h").await.unwrap();
    let fired = "INSERT INTO alert_history (timestamp, rule_name, severity, category, message)
        VALUES (now(), 'Always', 'info', 'test', 'a message')";
    database.execute(fired).await.unwrap();
    let marked = "INSERT INTO annotations (text, tags) VALUES ('a deploy', '{deploy,web}')";
    database.execute(marked).await.unwrap();
    database.execute("SET ROLE grafana_reader").await.unwrap();

    let dashboard: Value = serde_json::from_str(&packaged("recipe-monitoring.json")).unwrap();
    let hosts = ask(&mut database, dashboard["templating"]["list"][0]["query"].as_str().unwrap(), "host").await;
    let host: String = hosts[0].get(0);
    let (mut asked, mut answered) = (0, Vec::new());
    for query in queries(&dashboard) {
        let rows = ask(&mut database, &expanded(&query.sql, &host), &query.of).await;
        asked += 1;
        let Some(row) = rows.first() else { continue };
        if query.time_series {
            let columns: Vec<_> = row.columns().iter().map(|column| column.name()).collect();
            assert_eq!(columns[0], "time", "{}: {columns:?}", query.of);
            let value = row.columns().last().unwrap();
            assert_eq!(value.type_info().name(), "NUMERIC", "{}: {columns:?}", query.of);
        }
        answered.push(query.of);
    }
    assert_eq!(asked, 16);
    // The rest are of an application and of full hours, of which there are none yet.
    for of in ["Active alerts", "CPU and memory", "Disks", "Load average", "The last 24 hours", "Alerts fired"] {
        assert!(answered.iter().any(|answered| answered == of), "{of} has no rows; these have: {answered:?}");
    }
    for of in ["Statistics of CPU usage, 7 days", "Annotations", "Alerts"] {
        assert!(answered.iter().any(|answered| answered == of), "{of} has no rows; these have: {answered:?}");
    }
    let refused = database.execute("DELETE FROM annotations").await.unwrap_err().to_string();
    assert!(refused.contains("permission denied"), "{refused}");
}
