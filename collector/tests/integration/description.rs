//! The SQL of the description that this project began with (Japanese, for Node.js), as people copy
//! it from there.

use collector::config::{Database, Schedule};
use collector::schedule::{Job, Upkeep};
use collector::{Right, Store, StoreError};
use jiff::Timestamp;
use rustix::process::Signal;
use sqlx::{Executor, Row};

use crate::cli::{installed, on, run, setup};
use crate::helpers::{connect, directory, execute, new_database, number, quiet};
use crate::server::Server;

/// Every query of the description that this project began with, as it is printed there; what an
/// administrator runs is in the tests below.
const DESCRIPTION: [&str; 19] = [
    "SELECT timestamp, metric_value
     FROM system_metrics
     WHERE metric_name = 'cpu_usage'
       AND timestamp >= NOW() - INTERVAL '1 hour'
     ORDER BY timestamp DESC;",
    "SELECT
         AVG(metric_value) as avg_cpu,
         MIN(metric_value) as min_cpu,
         MAX(metric_value) as max_cpu
     FROM system_metrics
     WHERE metric_name = 'cpu_usage'
       AND timestamp >= NOW() - INTERVAL '24 hours';",
    "SELECT rule_name, severity, message, timestamp
     FROM alert_history
     WHERE resolved = FALSE
     ORDER BY timestamp DESC;",
    "SELECT
         severity,
         COUNT(*) as count
     FROM alert_history
     WHERE timestamp >= NOW() - INTERVAL '24 hours'
     GROUP BY severity;",
    "SELECT metric_name, metric_value, labels, timestamp
     FROM latest_metrics
     ORDER BY metric_name;",
    "SELECT rule_name, severity, message, age_seconds
     FROM active_alerts
     ORDER BY timestamp DESC;",
    "SELECT refresh_metrics_views();",
    "SELECT metric_name, avg_value, p50, p95, p99
     FROM metrics_last_24h
     ORDER BY metric_name;",
    "SELECT * FROM cleanup_old_metrics(30);",
    "SELECT * FROM get_metric_stats('cpu_usage', 24);",
    "SELECT * FROM latest_metrics ORDER BY metric_name;",
    "SELECT * FROM active_alerts ORDER BY timestamp DESC;",
    "SELECT
         pg_size_pretty(pg_database_size('recipe_db')) as db_size;",
    "SELECT
         table_name,
         pg_size_pretty(pg_total_relation_size(quote_ident(table_name)::regclass)) as size
     FROM information_schema.tables
     WHERE table_schema = 'public'
     ORDER BY pg_total_relation_size(quote_ident(table_name)::regclass) DESC;",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY metrics_last_24h;",
    "SELECT * FROM cleanup_old_metrics(7);",
    "SELECT
         query,
         mean_exec_time,
         calls
     FROM pg_stat_statements
     ORDER BY mean_exec_time DESC
     LIMIT 10;",
    "CREATE TABLE system_metrics_2025_11 PARTITION OF system_metrics
         FOR VALUES FROM ('2025-11-01') TO ('2025-12-01');",
    "CREATE TABLE system_metrics_2025_12 PARTITION OF system_metrics
         FOR VALUES FROM ('2025-12-01') TO ('2026-01-01');",
];

/// Names of users and paths aside, so are these: a role of its own makes itself at home.
const DATABASE: &str = "CREATE DATABASE cooking;";
const USER: &str = "CREATE USER cook WITH PASSWORD 'your_secure_password';";
const RIGHTS: &str = "GRANT ALL PRIVILEGES ON DATABASE cooking TO cook;";
const VACUUMS: [&str; 2] = ["VACUUM ANALYZE;", "VACUUM FULL;"];
const INDEXES: &str = "SELECT
         schemaname,
         tablename,
         indexname,
         idx_scan,
         idx_tup_read,
         idx_tup_fetch
     FROM pg_stat_user_indexes
     WHERE schemaname = 'public'
     ORDER BY idx_scan;";
const PARTITIONS: [&str; 2] = [DESCRIPTION[17], DESCRIPTION[18]];

#[tokio::test(flavor = "multi_thread")]
async fn every_query_runs_as_printed_and_answers_sensibly() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let mut database = connect(&url).await;
    execute(
        &mut database,
        "INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
         SELECT now() - make_interval(secs => 10 * n), 'cpu_usage', n % 100, '{\"host\": \"web\"}'
         FROM generate_series(0, 99) AS n;
         INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
         VALUES (now(), 'disk_usage', 40, '{\"host\": \"web\"}'),
                (now(), 'disk_usage', 99, '{\"host\": \"web\", \"mount\": \"/boot\"}');
         INSERT INTO metrics_raw (timestamp, metric_type, data)
         VALUES (now() - INTERVAL '20 days', 'system', '{}'), (now() - INTERVAL '40 days', 'system', '{}');
         INSERT INTO alert_history (timestamp, rule_name, severity, category, message)
         VALUES (now() - INTERVAL '90 seconds', 'HighCPU', 'warning', 'system', 'CPU > 80 %')",
    )
    .await;
    let mut rows = Vec::new();
    for statement in DESCRIPTION {
        rows.push(database.fetch_all(statement).await.unwrap());
    }
    assert_eq!(rows[0].len(), 100);
    let sql = "SELECT (avg(metric_value) = 49.5 AND min(metric_value) = 0 AND max(metric_value) = 99)::int::bigint
               FROM system_metrics WHERE metric_name = 'cpu_usage'";
    assert_eq!((rows[1].len(), number(&mut database, sql).await), (1, 1));
    assert_eq!(rows[2].len(), 1);
    assert_eq!((rows[3][0].get::<&str, _>("severity"), rows[3][0].get::<i64, _>("count")), ("warning", 1));
    // The newest of each series: cpu_usage, disk_usage of the whole and of a mount.
    assert_eq!((rows[4].len(), rows[10].len()), (3, 3));
    assert!((90..=120).contains(&rows[5][0].get::<i64, _>("age_seconds")));
    assert_eq!(rows[11][0].get::<&str, _>("rule_name"), "HighCPU");
    assert_eq!(rows[7].len(), 2);
    for (cleanup, raw) in [(8, 1), (15, 1)] {
        let deleted: Vec<(&str, i64)> =
            rows[cleanup].iter().map(|row| (row.get("table_name"), row.get("deleted_count"))).collect();
        let expected = [("system_metrics", 0), ("metrics_raw", raw), ("metrics_hourly", 0), ("alert_history", 0)];
        assert_eq!(deleted, expected);
    }
    assert_eq!(rows[9][0].get::<i64, _>("count"), 100);
    let sql = "SELECT p50::float8 FROM get_metric_stats('cpu_usage', 24)";
    let median: f64 = sqlx::query_scalar(sql).fetch_one(&mut database).await.unwrap();
    assert_eq!(median, 49.5);
    // A part does not count where there is a whole.
    let sql = "SELECT max_value::float8 FROM metrics_last_24h WHERE metric_name = 'disk_usage'";
    let largest: f64 = sqlx::query_scalar(sql).fetch_one(&mut database).await.unwrap();
    assert_eq!(largest, 40.0);
    let is_size = |text: &str| {
        let (number, unit) = text.split_once(' ').unwrap();
        number.parse::<u64>().is_ok() && ["bytes", "kB", "MB"].contains(&unit)
    };
    assert!(is_size(rows[12][0].get("db_size")) && rows[12][0].get::<&str, _>("db_size") != "0 bytes");
    let sizes: Vec<(&str, &str)> = rows[13].iter().map(|row| (row.get("table_name"), row.get("size"))).collect();
    assert!(sizes.iter().all(|(_, size)| is_size(size)), "{sizes:?}");
    for table in ["system_metrics", "metrics_raw", "metrics_hourly", "daily_summaries", "alert_history"] {
        assert!(sizes.iter().any(|(name, _)| *name == table), "{sizes:?} lacks {table}");
    }
    // The largest come first: the partitions with rows in them, and not what has none of its own.
    assert!(sizes[0].0.starts_with("system_metrics_") && sizes[0].1.ends_with("kB"), "{sizes:?}");
    assert_eq!(number(&mut database, "SELECT count FROM get_metric_stats('nonsense', 24)").await, 0);
    assert_eq!(rows[16].len(), 10);
    assert!(rows[16].iter().all(|row| row.get::<i64, _>("calls") > 0 && row.get::<f64, _>("mean_exec_time") > 0.0));
    let refused = database.execute("SELECT * FROM cleanup_old_metrics(0)").await.unwrap_err().to_string();
    assert!(refused.contains("retention_days is 0"), "{refused}");

    // pg_stat_user_indexes of no PostgreSQL has these names: they are of pg_indexes.
    let error = database.execute(INDEXES).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("42703"));
    let corrected = INDEXES.replace("tablename", "relname").replace("indexname", "indexrelname");
    let indexes = database.fetch_all(sqlx::AssertSqlSafe(corrected)).await.unwrap();
    let used = |name: &str| indexes.iter().any(|row| row.get::<&str, _>("indexrelname").contains(name));
    assert!(used("metric_name_timestamp_idx") && used("idx_metrics_last_24h_name"), "{}", indexes.len());
    drop(database);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

/// From 15 on, PostgreSQL lets nobody but the owner make tables in public: GRANT ALL on the
/// database does not help.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_and_a_role_as_printed_need_one_more_line_which_migrate_and_setup_say() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    for statement in [DATABASE, USER, RIGHTS] {
        execute(&mut database, statement).await;
    }
    let password = server.url.split([':', '@']).nth(2).unwrap();
    let administrator = server.url.replace("/recipe_db?", "/cooking?");
    let cook = administrator.replace("recipe_user:", "cook:").replace(password, "your_secure_password");
    let program = installed(directory.path());
    let setup = || setup(&program, &server, directory.path(), "cooking", "cook", "your_secure_password");
    let version = number(&mut database, "SELECT current_setting('server_version_num')::bigint").await;
    let line = "GRANT USAGE, CREATE ON SCHEMA public TO cook;";
    if version >= 15_00_00 {
        for command in
            [on(&cook, directory.path(), &["migrate"]), on(&cook, directory.path(), &["partitions"]), setup()]
        {
            let refused = run(command);
            assert_eq!(refused.code, Some(1));
            // The one line and no other.
            assert!(refused.err.contains(line) && refused.err.matches("GRANT ").count() == 1, "{refused:?}");
        }
        execute(&mut connect(&administrator).await, line).await;
    }
    let migrated = run(on(&cook, directory.path(), &["migrate"]));
    assert_eq!((migrated.code, &*migrated.out), (Some(0), "the tables are up to date\n"), "{migrated:?}");
    let ended = run(setup());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for job in ["partitions", "aggregate", "refresh", "summarize", "cleanup"] {
        let ended = run(on(&cook, directory.path(), &[job]));
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    // What the role runs each week and when the disk is full.
    let mut own = connect(&cook).await;
    execute(&mut own, "INSERT INTO metrics_raw (timestamp, metric_type, data) VALUES (now(), 'system', '{}')").await;
    let file = "SELECT pg_relation_filenode('metrics_raw')::bigint";
    let counted = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'metrics_raw'::regclass";
    let before = (number(&mut own, file).await, number(&mut own, counted).await);
    execute(&mut own, VACUUMS[0]).await;
    assert_eq!((before.1, number(&mut own, counted).await), (-1, 1));
    execute(&mut own, VACUUMS[1]).await;
    assert_ne!(number(&mut own, file).await, before.0);
    assert_eq!(number(&mut own, "SELECT count(*) FROM metrics_raw").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_made_by_hand_is_one_like_the_others_and_one_that_is_there_is_said_to_be() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let url = new_database(&url, "by_hand").await;
    let store = Store::open(&url, &Database { pool_min: 0, ..Database::default() }).await.unwrap();
    let upkeep = Upkeep::new(store.clone(), None, &Schedule::default(), "web");
    let mut database = connect(&url).await;
    execute(&mut database, PARTITIONS[0]).await;
    let insert = "INSERT INTO system_metrics (timestamp, metric_name, metric_value)
                  VALUES ('2025-11-15 12:00+00', 'cpu_usage', 1), ('2025-12-15 12:00+00', 'cpu_usage', 2)";
    execute(&mut database, insert).await;
    assert_eq!(number(&mut database, "SELECT count(*) FROM system_metrics_2025_11").await, 1);
    let code = async |database: &mut sqlx::PgConnection, sql: &'static str| {
        let error = database.execute(sql).await.unwrap_err();
        error.as_database_error().unwrap().code().unwrap().into_owned()
    };
    // duplicate_table: it is there, and nothing has changed.
    assert_eq!(code(&mut database, PARTITIONS[0]).await, "42P07");
    // check_violation: the default partition has rows of that month, which the job moves there.
    assert_eq!(code(&mut database, PARTITIONS[1]).await, "23514");
    let now: Timestamp = "2026-11-24T04:00:00Z".parse().unwrap();
    let did: Result<String, StoreError> = upkeep.perform(Job::Partitions, now, now, Right::Command).await;
    assert_eq!(did.unwrap(), "5 made, 1 rows moved there");
    assert_eq!(code(&mut database, PARTITIONS[1]).await, "42P07");
    assert_eq!(number(&mut database, "SELECT count(*) FROM system_metrics_2025_12").await, 1);
    // And both are dropped when their time has come.
    let did = upkeep.perform(Job::Cleanup, now, now, Right::Command).await.unwrap();
    assert!(did.starts_with("rows deleted: system_metrics 2,"), "{did}");
    let left = "SELECT count(*) FROM pg_class WHERE relname IN ('system_metrics_2025_11', 'system_metrics_2025_12')";
    assert_eq!(number(&mut database, left).await, 0);
    store.close().await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
