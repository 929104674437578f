//! What others write, and transactions that others leave open, stop nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use collector::config::{Database, Schedule};
use collector::schedule::{Job, Upkeep};
use collector::{Right, Store, StoreError, System};
use jiff::Timestamp;
use rustix::process::Signal;
use sqlx::Executor;

use crate::helpers::{connect, directory, execute, new_database, number, quiet, until};
use crate::store::batch;

/// Longer than a save takes on a busy machine, and far shorter than anybody's lunch.
const AT_ONCE: Duration = Duration::from_secs(30);

fn migrations() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

async fn open(url: &str) -> Store {
    Store::open(url, &Database { pool_min: 0, ..Database::default() }).await.unwrap()
}

async fn perform(store: &Store, job: Job, now: &str) -> Result<String, StoreError> {
    let now: Timestamp = now.parse().unwrap();
    Upkeep::new(store.clone(), None, &Schedule::default(), "web").perform(job, now, now, Right::Command).await
}

fn sample(at: &str, cpu: f64) -> System {
    System { at: at.parse().unwrap(), host: "web".into(), cpu_usage: Some(cpu), ..System::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_no_rollup_can_work_with_are_repaired_and_refused_from_then_on() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let files = migrations();
    let guarded = files.iter().position(|file| file.ends_with("20261125000001_guards.sql")).unwrap();
    for version in 1..=guarded {
        let url = new_database(&url, &format!("guards_{version}")).await;
        let earlier = directory.path().join(format!("earlier_{version}"));
        std::fs::create_dir(&earlier).unwrap();
        for file in &files[..version] {
            std::fs::copy(file, earlier.join(file.file_name().unwrap())).unwrap();
        }
        let mut database = connect(&url).await;
        sqlx::migrate::Migrator::new(earlier).await.unwrap().run(&mut database).await.unwrap();
        execute(
            &mut database,
            "CREATE TABLE system_metrics_2026_11 PARTITION OF system_metrics
                 FOR VALUES FROM ('2026-11-01 00:00+00') TO ('2026-12-01 00:00+00');
             INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
             VALUES ('2026-11-23 03:15+00', 'cpu_usage', 1, '5'), ('2026-11-23 03:16+00', 'cpu_usage', 2, 'null'),
                    ('2026-11-23 03:17+00', 'cpu_usage', 3, '[\"host\"]'), ('2026-11-23 03:18+00', 'cpu_usage', 4, '\"a\"'),
                    ('2026-11-23 03:19+00', 'cpu_usage', 5, '{\"host\": \"web\"}'),
                    ('2026-11-23 03:20+00', 'huge', 1e400, '{}'), ('2026-11-23 03:20+00', 'tiny', -1e-400, '{}')",
        )
        .await;
        if version > 1 {
            // Only since then there is a partition for them.
            execute(
                &mut database,
                "INSERT INTO system_metrics (timestamp, metric_name, metric_value)
                 VALUES ('-infinity', 'never', 1), ('infinity', 'never', 1), ('2000-01-01 BC', 'never', 1);
                 INSERT INTO metrics_raw (timestamp, metric_type, data)
                 SELECT '2026-11-23 03:15+00', 'system', data::jsonb
                 FROM generate_series(1, 3), unnest(ARRAY['{}', '{\"host\": \"web\"}']) AS data",
            )
            .await;
        }
        open(&url).await.close().await;
        let store = open(&url).await;
        let now = "2026-11-24T04:00:00Z";
        for job in [Job::Partitions, Job::Aggregate, Job::Refresh, Job::Summarize, Job::Cleanup] {
            perform(&store, job, now).await.unwrap();
        }
        assert_eq!(number(&mut database, "SELECT count(*) FROM recipe_monitoring_state.hours_to_aggregate").await, 0);
        let whole = "SELECT count::bigint FROM metrics_hourly WHERE metric_name = 'cpu_usage'";
        assert_eq!(number(&mut database, whole).await, 5);
        let repaired = "SELECT count(*) FROM system_metrics WHERE metric_name = 'cpu_usage' AND labels = '{}'";
        assert_eq!(number(&mut database, repaired).await, 4);
        let stats = "SELECT sum(count)::bigint FROM (SELECT (get_metric_stats(name, 1000000)).count
                     FROM unnest(ARRAY['cpu_usage', 'huge', 'tiny', 'never']) AS name) AS stats";
        assert_eq!(number(&mut database, stats).await, 7);
        assert_eq!(number(&mut database, "SELECT count(*) FROM latest_metrics").await, 4);
        if version > 1 {
            // Those without a host are of nobody.
            assert_eq!(number(&mut database, "SELECT count(*) FROM metrics_raw").await, 4);
        }
        for (row, constraint) in [
            ("now(), 'x', 1, '5'", "labels_are_an_object"),
            ("now(), 'x', 1, 'null'", "labels_are_an_object"),
            ("now(), 'x', 1, '[]'", "labels_are_an_object"),
            ("now(), 'x', 1e309, '{}'", "value_is_a_double"),
            ("now(), 'x', -1e-309, '{}'", "value_is_a_double"),
            ("'-infinity', 'x', 1, '{}'", "timestamp_is_of_the_calendar"),
        ] {
            let sql =
                format!("INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels) VALUES ({row})");
            let error = database.execute(sqlx::AssertSqlSafe(sql)).await.unwrap_err().to_string();
            assert!(error.contains(constraint), "{row}: {error}");
        }
        // And what can be worked with comes from whoever may insert it.
        let writer = format!("writer_{version}");
        execute(
            &mut database,
            &format!(
                "CREATE ROLE {writer};
                 GRANT INSERT ON system_metrics TO {writer};
                 GRANT USAGE ON SEQUENCE system_metrics_id_seq TO {writer};
                 SET ROLE {writer};
                 INSERT INTO system_metrics (timestamp, metric_name, metric_value) VALUES ('2026-11-23 05:00+00', 'x', 1);
                 RESET ROLE"
            ),
        )
        .await;
        assert_eq!(number(&mut database, "SELECT count(*) FROM recipe_monitoring_state.hours_to_aggregate").await, 1);
        store.close().await;
    }
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

/// As after `BEGIN; INSERT ...` in psql, and then lunch.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_transaction_of_somebody_else_holds_up_no_save_and_no_row_of_it_is_forgotten() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let url = new_database(&url, "lunch").await;
    let store = open(&url).await;
    let (mut lunch, mut database) = (connect(&url).await, connect(&url).await);
    let now = "2026-11-24T04:00:00Z";
    perform(&store, Job::Partitions, now).await.unwrap();
    let before = batch(directory.path(), &[sample("2026-11-24T03:00:00Z", 1.0)]).await;
    store.save(&before, "web").await.unwrap();
    // A series that is known, one that is not, and the hour that everybody writes to.
    execute(
        &mut lunch,
        "BEGIN;
         INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
         VALUES ('2026-11-24 03:30+00', 'cpu_usage', 91, '{\"host\": \"web\"}');
         INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
         VALUES ('2026-11-24 03:31+00', 'cpu_usage', 92, '{\"host\": \"new\"}'),
                ('2026-11-24 03:32+00', 'memory_usage', 93, '{\"host\": \"web\"}')",
    )
    .await;
    let (known, new) =
        (sample("2026-11-24T03:40:00Z", 2.0), System { host: "new".into(), ..sample("2026-11-24T03:40:01Z", 3.0) });
    let memory = System { memory_usage: Some(4.0), ..sample("2026-11-24T03:40:02Z", 5.0) };
    let meanwhile = batch(directory.path(), &[known, new, memory]).await;
    let saved = tokio::time::timeout(AT_ONCE, store.save(&meanwhile, "web")).await.expect("it waits").unwrap();
    assert_eq!(saved.records, 3);
    for job in [Job::Aggregate, Job::Refresh, Job::Summarize, Job::Cleanup, Job::Partitions] {
        tokio::time::timeout(AT_ONCE, perform(&store, job, now)).await.expect("it waits").unwrap();
    }
    let cpu = "SELECT count::bigint FROM metrics_hourly WHERE metric_name = 'cpu_usage'";
    assert_eq!(number(&mut database, cpu).await, 4);
    execute(&mut lunch, "COMMIT").await;
    let did = perform(&store, Job::Aggregate, now).await.unwrap();
    assert_eq!(did, "1 hours, 2 rows new or changed");
    assert_eq!(number(&mut database, cpu).await, 6);
    let largest = "SELECT max(max_value)::bigint FROM metrics_hourly";
    assert_eq!(number(&mut database, largest).await, 93);
    // Every series is known once, with its newest sample.
    assert_eq!(number(&mut database, "SELECT count(*) FROM recipe_monitoring_state.series").await, 3);
    assert_eq!(number(&mut database, "SELECT count(*) FROM recipe_monitoring_state.sightings").await, 3);
    assert_eq!(number(&mut database, "SELECT sum(metric_value)::bigint FROM latest_metrics").await, 5 + 3 + 4);
    store.close().await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_month_that_others_hold_wait_in_the_default_partition_and_are_moved_later() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let url = new_database(&url, "held").await;
    let store = open(&url).await;
    let (mut lunch, mut database) = (connect(&url).await, connect(&url).await);
    execute(&mut lunch, "BEGIN; SELECT count(*) FROM system_metrics").await;
    let late = batch(directory.path(), &[sample("2025-06-01T03:00:00Z", 1.0)]).await;
    let saved = tokio::time::timeout(AT_ONCE, store.save(&late, "web")).await.expect("it waits").unwrap();
    assert_eq!(saved.records, 1);
    let strays = "SELECT count(*) FROM system_metrics_default";
    assert_eq!(number(&mut database, strays).await, 1);
    // The job, which has to make it, says who is in the way.
    let error = perform(&store, Job::Partitions, "2026-11-24T04:00:00Z").await.unwrap_err();
    assert!(matches!(error, StoreError::Locked) && error.to_string().contains("pg_stat_activity"), "{error}");
    execute(&mut lunch, "ROLLBACK").await;
    perform(&store, Job::Partitions, "2026-11-24T04:00:00Z").await.unwrap();
    assert_eq!(number(&mut database, strays).await, 0);
    assert_eq!(number(&mut database, "SELECT count(*) FROM system_metrics_2025_06").await, 1);
    store.close().await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_move_to_their_month_are_never_missed_by_who_reads_meanwhile() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let url = new_database(&url, "moving").await;
    open(&url).await.close().await;
    let (mut holder, mut mover, mut reader, mut database) =
        (connect(&url).await, connect(&url).await, connect(&url).await, connect(&url).await);
    execute(
        &mut database,
        "INSERT INTO system_metrics (timestamp, metric_name, metric_value) VALUES ('2025-06-01 03:00+00', 'x', 1)",
    )
    .await;
    execute(&mut holder, "BEGIN; SELECT count(*) FROM system_metrics_default").await;
    let moving = tokio::spawn(async move {
        number(&mut mover, "SELECT recipe_monitoring_state.partition_month('2025-06-01 00:00+00')").await
    });
    let held_up = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database =
                       (SELECT oid FROM pg_database WHERE datname = current_database())";
    until("the move waits", async || (number(&mut database, held_up).await == 1).then_some(())).await;
    let reading = tokio::spawn(async move { number(&mut reader, "SELECT count(*) FROM system_metrics").await });
    until("the reader waits", async || (number(&mut database, held_up).await == 2).then_some(())).await;
    execute(&mut holder, "ROLLBACK").await;
    assert_eq!((moving.await.unwrap(), reading.await.unwrap()), (1, 1));
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_does_not_wait_for_rows_that_others_have_changed_and_not_committed() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let url = new_database(&url, "edited").await;
    let store = open(&url).await;
    let (mut lunch, now) = (connect(&url).await, "2026-11-24T04:00:00Z");
    store.save(&batch(directory.path(), &[sample("2026-11-24T03:00:00Z", 1.0)]).await, "web").await.unwrap();
    perform(&store, Job::Aggregate, now).await.unwrap();
    store.save(&batch(directory.path(), &[sample("2026-11-24T03:10:00Z", 3.0)]).await, "web").await.unwrap();
    execute(&mut lunch, "BEGIN; UPDATE metrics_hourly SET count = 0").await;
    let outcome = tokio::time::timeout(AT_ONCE, perform(&store, Job::Aggregate, now)).await.expect("it waits");
    assert!(matches!(outcome, Err(StoreError::Locked)), "{outcome:?}");
    execute(&mut lunch, "ROLLBACK").await;
    assert_eq!(perform(&store, Job::Aggregate, now).await.unwrap(), "1 hours, 1 rows new or changed");
    store.close().await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
