//! The schema as people query it, and the work that is done on it by the timetable.

use std::path::Path;
use std::time::Duration;

use collector::config::{CollectorMode, Database, Schedule, Secret};
use collector::schedule::{By, Job, TIMETABLE, Timetable, Upkeep, collect_now};
use collector::{Right, Role, Running, Settings, Store, System};
use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;
use rustix::process::Signal;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::helpers::{Collector, connect, directory, execute, new_database, number, program, quiet, until};
use crate::server::Server;
use crate::store::batch;

/// All of a table, to the last byte.
async fn dump(database: &mut PgConnection, table: &str) -> String {
    let sql = format!("SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM {table} AS t");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(database).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_have_the_columns_types_and_indexes_of_the_contract() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let mut database = connect(&url).await;
    for (relation, columns) in [
        (
            "system_metrics",
            "id bigint, timestamp timestamp with time zone, metric_name character varying(100), metric_value numeric, \
             labels jsonb, created_at timestamp with time zone",
        ),
        (
            "metrics_raw",
            "id bigint, timestamp timestamp with time zone, metric_type character varying(50), data jsonb, \
             created_at timestamp with time zone",
        ),
        (
            "metrics_hourly",
            "id bigint, hour timestamp with time zone, metric_name character varying(100), avg_value numeric, \
             min_value numeric, max_value numeric, count integer, created_at timestamp with time zone",
        ),
        (
            "daily_summaries",
            "id bigint, date date, summary_data jsonb, created_at timestamp with time zone, \
             updated_at timestamp with time zone",
        ),
        (
            "alert_history",
            "id bigint, timestamp timestamp with time zone, rule_name character varying(100), \
             severity character varying(20), category character varying(50), message text, metrics_snapshot jsonb, \
             resolved boolean, resolved_at timestamp with time zone, created_at timestamp with time zone",
        ),
        ("business_events", "minute timestamp with time zone, event character varying(100), count bigint"),
        (
            "annotations",
            "id text, timestamp timestamp with time zone, ends_at timestamp with time zone, text text, tags text[], \
             created_by text, created_at timestamp with time zone",
        ),
        (
            "audit_log",
            "id uuid, timestamp timestamp with time zone, actor text, role text, action text, object text, \
             detail jsonb, address text, ok boolean, created_at timestamp with time zone",
        ),
        (
            "latest_metrics",
            "metric_name character varying(100), metric_value numeric, labels jsonb, timestamp timestamp with time zone",
        ),
        (
            "active_alerts",
            "id bigint, timestamp timestamp with time zone, rule_name character varying(100), \
             severity character varying(20), category character varying(50), message text, metrics_snapshot jsonb, \
             age_seconds bigint",
        ),
        (
            "metrics_last_24h",
            "metric_name character varying(100), avg_value numeric, min_value numeric, max_value numeric, p50 numeric, \
             p95 numeric, p99 numeric, count bigint",
        ),
    ] {
        let sql = "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
                   FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0";
        let found: String = sqlx::query_scalar(sql).bind(relation).fetch_one(&mut database).await.unwrap();
        assert_eq!(found, columns, "{relation}");
    }
    let sql = "SELECT string_agg(relname::text, ' ' ORDER BY relname) FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
                 AND NOT relispartition AND relname NOT LIKE '\\_sqlx%'
                 AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')";
    let relations: String = sqlx::query_scalar(sql).fetch_one(&mut database).await.unwrap();
    assert_eq!(
        relations,
        "active_alerts alert_history annotations audit_log business_events daily_summaries latest_metrics metrics_hourly \
         metrics_last_24h metrics_raw system_metrics"
    );
    for (index, definition) in [
        ("idx_system_metrics_timestamp", "system_metrics USING btree (\"timestamp\" DESC)"),
        ("idx_system_metrics_name", "system_metrics USING btree (metric_name)"),
        ("idx_system_metrics_name_timestamp", "system_metrics USING btree (metric_name, \"timestamp\" DESC)"),
        ("idx_system_metrics_labels", "system_metrics USING gin (labels)"),
        ("metrics_hourly_hour_metric_name_key", "UNIQUE metrics_hourly USING btree (hour, metric_name)"),
        ("daily_summaries_date_key", "UNIQUE daily_summaries USING btree (date)"),
        ("idx_annotations_timestamp", "annotations USING btree (\"timestamp\" DESC)"),
        ("idx_audit_log_timestamp", "audit_log USING btree (\"timestamp\" DESC, id DESC)"),
        ("idx_metrics_last_24h_name", "UNIQUE metrics_last_24h USING btree (metric_name)"),
        (
            "idx_metrics_raw_once",
            "UNIQUE metrics_raw USING btree (\"timestamp\", metric_type, ((data ->> 'host'::text)))",
        ),
    ] {
        let sql = "SELECT regexp_replace(indexdef, '^CREATE (UNIQUE )?INDEX .* ON (ONLY )?public\\.', '\\1')
                   FROM pg_indexes WHERE schemaname = 'public' AND indexname = $1";
        let found: Option<String> = sqlx::query_scalar(sql).bind(index).fetch_optional(&mut database).await.unwrap();
        assert_eq!(found.as_deref(), Some(definition), "{index}");
    }
    // And every partition has them all.
    let sql = "SELECT count(DISTINCT lacking) FROM pg_inherits AS partition
               CROSS JOIN LATERAL (
                   SELECT index.indexrelid FROM pg_index AS index WHERE index.indrelid = partition.inhparent
                   EXCEPT
                   SELECT child.inhparent FROM pg_inherits AS child JOIN pg_index AS own ON own.indexrelid = child.inhrelid
                   WHERE own.indrelid = partition.inhrelid) AS lacking
               WHERE partition.inhparent = 'system_metrics'::regclass";
    assert_eq!(number(&mut database, sql).await, 0);
    let sql = "INSERT INTO metrics_hourly (hour, metric_name, avg_value, min_value, max_value, count)
               VALUES ('2026-11-24 03:00+00', 'x', 1, 1, 1, 1)";
    execute(&mut database, sql).await;
    assert!(database.execute(sql).await.is_err(), "UNIQUE(hour, metric_name)");
    drop(database);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_each_earlier_version_is_brought_up_to_date_with_its_samples() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files: Vec<_> = std::fs::read_dir(migrations).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for version in 0..files.len() {
        let url = new_database(&url, &format!("version_{version}")).await;
        let earlier = directory.path().join(format!("migrations_{version}"));
        std::fs::create_dir(&earlier).unwrap();
        for file in &files[..version] {
            std::fs::copy(file, earlier.join(file.file_name().unwrap())).unwrap();
        }
        let mut database = connect(&url).await;
        sqlx::migrate::Migrator::new(earlier).await.unwrap().run(&mut database).await.unwrap();
        if version > 0 {
            execute(
                &mut database,
                "CREATE TABLE system_metrics_2026_11 PARTITION OF system_metrics
                     FOR VALUES FROM ('2026-11-01 00:00+00') TO ('2026-12-01 00:00+00');
                 INSERT INTO system_metrics (timestamp, metric_name, metric_value)
                 VALUES ('2026-11-24 03:15+00', 'cpu_usage', 12.5), ('2026-11-24 03:45+00', 'cpu_usage', 37.5)",
            )
            .await;
        }
        for _ in 0..2 {
            Store::open(&url, &Database { pool_min: 0, ..Database::default() }).await.unwrap().close().await;
        }
        let samples = if version > 0 { 2 } else { 0 };
        assert_eq!(number(&mut database, "SELECT count(*) FROM system_metrics").await, samples);
        assert_eq!(number(&mut database, "SELECT count(*) FROM latest_metrics").await, samples / 2);
        let upkeep = upkeep(&url, &Schedule::default()).await;
        perform(&upkeep, Job::Aggregate, "2026-11-24T04:01:00Z").await;
        let sql = "SELECT coalesce(sum(avg_value), 0)::bigint FROM metrics_hourly";
        assert_eq!(number(&mut database, sql).await, 25 * samples / 2);
    }
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

async fn upkeep(url: &str, schedule: &Schedule) -> Upkeep {
    let settings = Database { pool_min: 0, ..Database::default() };
    Upkeep::new(Store::open(url, &settings).await.unwrap(), None, schedule, "web")
}

async fn perform(upkeep: &Upkeep, job: Job, now: &str) -> String {
    let now: Timestamp = now.parse().unwrap();
    upkeep.perform(job, now, now, Right::Command).await.unwrap()
}

/// A month of an hourly sample, by a clock that is handed in, over a change of the clocks and two
/// steps of an hour, with an outage of the jobs for a day and samples that come late.
#[tokio::test(flavor = "multi_thread")]
async fn a_month_leaves_every_hour_and_day_aggregated_once_and_a_second_time_changes_nothing() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let url = new_database(&url, "month").await;
    let schedule = Schedule { time_zone: "Europe/Berlin".to_owned(), retention_days: 60, ..Schedule::default() };
    let upkeep = upkeep(&url, &schedule).await;
    let mut database = connect(&url).await;
    let mut timetable = Timetable::new(&schedule, By::One);
    let start: Timestamp = "2026-03-10T00:00:00Z".parse().unwrap();
    let days = 31;
    let mut runs = 0;
    for half_hour in 0..days * 48 {
        let truly = start + SignedDuration::from_mins(30 * half_hour);
        // The clock is an hour late from the 8th day on, and an hour early from the 16th.
        let shown = match half_hour / 48 {
            ..8 => truly,
            8..16 => truly - SignedDuration::from_hours(1),
            _ => truly + SignedDuration::from_hours(1),
        };
        let sql = format!(
            "SELECT recipe_monitoring_state.make_partition('{shown}');
             INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
             VALUES ('{shown}', 'cpu_usage', {half_hour}, '{{\"host\": \"web\"}}')"
        );
        execute(&mut database, &sql).await;
        // Nobody does the work on the 20th day.
        if half_hour / 48 == 20 {
            continue;
        }
        for (job, due) in timetable.due(shown) {
            upkeep.perform(job, due, shown, Right::Command).await.unwrap();
            timetable.done(job, due);
            runs += 1;
        }
    }
    assert!(runs > days * 48, "{runs}");
    execute(
        &mut database,
        "INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
         VALUES ('2026-03-20 12:10+00', 'cpu_usage', 5000, '{\"host\": \"web\"}')",
    )
    .await;
    let end = (start + SignedDuration::from_hours(24 * days + 30)).to_string();
    for (job, ..) in TIMETABLE {
        perform(&upkeep, job, &end).await;
    }
    // What a query on the samples themselves says is what the rollups say.
    let differences = "SELECT count(*) FROM (
            SELECT date_trunc('hour', timestamp) AS hour, avg(metric_value), min(metric_value), max(metric_value), count(*)::int
            FROM system_metrics GROUP BY 1) AS truth (hour, avg_value, min_value, max_value, count)
        FULL JOIN metrics_hourly USING (hour, avg_value, min_value, max_value, count)
        WHERE metric_name IS NULL OR truth.hour IS NULL";
    assert_eq!(number(&mut database, differences).await, 0);
    assert_eq!(number(&mut database, "SELECT max(max_value)::bigint FROM metrics_hourly").await, 5000);
    let differences = "SELECT count(*) FROM (
            SELECT (timestamp AT TIME ZONE 'Europe/Berlin')::date AS date, count(*) AS count FROM system_metrics GROUP BY 1) AS truth
        FULL JOIN daily_summaries ON truth.date = daily_summaries.date
            AND truth.count = (summary_data #>> '{metrics,cpu_usage,count}')::bigint
        WHERE truth.date IS NULL OR daily_summaries.date IS NULL";
    assert_eq!(number(&mut database, differences).await, 0);
    // The day of 23 hours.
    let sql =
        "SELECT (summary_data #>> '{metrics,cpu_usage,count}')::bigint FROM daily_summaries WHERE date = '2026-03-29'";
    assert_eq!(number(&mut database, sql).await, 46);

    let tables =
        ["metrics_hourly", "daily_summaries", "system_metrics", "metrics_raw", "alert_history", "metrics_last_24h"];
    let mut before = Vec::new();
    for table in tables {
        before.push(dump(&mut database, table).await);
    }
    // As if everything had to be done again.
    execute(
        &mut database,
        "INSERT INTO recipe_monitoring_state.hour_marks SELECT DISTINCT hour FROM metrics_hourly;
         INSERT INTO recipe_monitoring_state.days_to_summarize SELECT date FROM daily_summaries ON CONFLICT DO NOTHING",
    )
    .await;
    for (job, ..) in TIMETABLE {
        perform(&upkeep, job, &end).await;
    }
    for (table, before) in tables.iter().zip(before) {
        assert_eq!(dump(&mut database, table).await, before, "{table}");
    }
    drop(database);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

/// Everything that users see, to the last byte; but the view whose ages go by.
async fn dump_contract(database: &mut PgConnection) -> Vec<String> {
    let mut dumps = Vec::new();
    for table in [
        "system_metrics",
        "metrics_raw",
        "metrics_hourly",
        "daily_summaries",
        "alert_history",
        "metrics_last_24h",
        "latest_metrics",
    ] {
        dumps.push(format!("{table}\n{}", dump(database, table).await));
    }
    dumps
}

/// Each of the timetable's jobs, on samples of the last hours.
#[tokio::test(flavor = "multi_thread")]
async fn every_job_that_is_run_twice_leaves_every_table_as_after_the_first_time() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let url = new_database(&url, "twice").await;
    // The same moment is due in both runs; within an hour, twice a second.
    let schedule = Schedule { collect: Duration::from_secs(3_600), retention_days: 2, ..Schedule::default() };
    let mut settings = Settings { schedule, ..Settings::default() };
    settings.system.host = "web".to_owned();
    let upkeep = upkeep(&url, &settings.schedule).await;
    let store = Store::open(&url, &Database { pool_min: 0, ..Database::default() }).await.unwrap();
    let mut database = connect(&url).await;
    execute(
        &mut database,
        "INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
         SELECT now() - make_interval(mins => 10 * n), 'cpu_usage', n % 100 / 3.0, jsonb_build_object('host', 'web')
         FROM generate_series(1, 600) AS n;
         INSERT INTO alert_history (timestamp, rule_name, severity, category, message, resolved, resolved_at)
         SELECT at, 'HighCPU', 'warning', 'system', '', TRUE, at
         FROM unnest(ARRAY[now() - INTERVAL '3 days', now() - INTERVAL '1 day']) AS at",
    )
    .await;
    let now = Timestamp::now();
    let at =
        |seconds| System { at: now - SignedDuration::from_secs(seconds), cpu_usage: Some(1.5), ..System::default() };
    let batch = batch(directory.path(), &[at(20), at(10)]).await;
    for (job, ..) in TIMETABLE {
        let untouched = dump_contract(&mut database).await;
        let mut after = Vec::new();
        for _ in 0..2 {
            match job {
                Job::Collect => {
                    let (snapshots, new) = collect_now(&store, &settings).await.unwrap();
                    assert_eq!((snapshots.len(), new), (1, u64::from(after.is_empty())));
                }
                Job::Save => {
                    let saved = store.save(&batch, "web").await.unwrap();
                    assert_eq!(saved.records, if after.is_empty() { 2 } else { 0 });
                }
                _ => drop(upkeep.perform(job, now, now, Right::Command).await.unwrap()),
            }
            after.push(dump_contract(&mut database).await);
        }
        assert_eq!(after[0], after[1], "{job:?}");
        // Partitions are no rows, and a backup only reads; all else has something to do.
        assert_eq!(after[0] == untouched, matches!(job, Job::Partitions | Job::Backup), "{job:?}");
    }
    assert_eq!(number(&mut database, "SELECT count(*) FROM metrics_last_24h").await, 1);
    store.close().await;
    drop(database);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

/// What a collector says about itself: in its log, and on the page that Prometheus reads.
#[tokio::test(flavor = "multi_thread")]
async fn each_job_says_what_it_did_and_strays_in_the_default_partition_are_counted_and_warned_of() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    execute(
        &mut database,
        "INSERT INTO system_metrics (timestamp, metric_name, metric_value)
         SELECT '2031-05-05 05:05+00'::timestamptz + make_interval(mins => n), 'psql', n FROM generate_series(1, 10) AS n;
         -- Of a database that is a day old there is to be a backup.
         UPDATE _sqlx_migrations SET installed_on = installed_on - INTERVAL '2 days'",
    )
    .await;
    let database_settings = Database { url: Secret::from(server.url.clone()), pool_min: 0, ..Database::default() };
    let mut settings = Settings { database: database_settings, ..Settings::default() };
    settings.redis.enabled = false;
    settings.storage.data_dir = directory.path().join("reader");
    settings.server.collector = CollectorMode::Separate;
    let mut registry = Registry::default();
    let reader = Running::start(&settings, Role::Dashboard, &mut registry).await.unwrap();
    let page = || {
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
        page
    };
    until("the strays are counted", async || {
        page().contains("recipe_monitoring_default_partition_rows 10\n").then_some(())
    })
    .await;
    let place = directory.path().join("place");
    std::fs::create_dir(&place).unwrap();
    let mut command = program(&[]);
    command.env("DATABASE_URL", &server.url);
    let arguments = [
        "--set",
        "redis.enabled=false",
        "--set",
        "system.host=web",
        "--set",
        "live.push=1s",
        "--set",
        "sampling.system=1s",
        "--set",
        "schedule.collect=1s",
        "--set",
        "schedule.save=1s",
        "--set",
        "backup.schedule=on",
    ];
    let mut collector = Collector::start_as(command, &place.join("data"), &arguments).await;
    for (job, ..) in TIMETABLE {
        let line = until("the job has said what it did", async || {
            let name = format!("\"job\":\"{}\"", job.name());
            let log = collector.log();
            let mut lines = log.lines().filter(|line| line.contains(&name) && line.contains("\"job done\""));
            lines.next().map(str::to_owned)
        })
        .await;
        assert!(line.contains("\"seconds\":"), "{line}");
        assert!(line.contains("\"did\":") || job == Job::Save && line.contains("\"rows\":"), "{line}");
        let metric =
            format!("recipe_monitoring_job_last_success_timestamp_seconds{{job=\"{}\",host=\"web\"}} ", job.name());
        let at = until("its last success is on the page", async || {
            let page = page();
            let at = page.lines().find_map(|line| line.strip_prefix(&metric))?;
            Some(at.parse::<f64>().unwrap())
        })
        .await;
        assert!((Timestamp::now().as_duration().as_secs_f64() - at).abs() < 120.0, "{at}");
    }
    let log = collector.log();
    let warning = log.lines().find(|line| line.contains("lay in the default partition")).unwrap();
    assert!(warning.contains("WARN") && warning.contains("\"rows\":10"), "{warning}");
    until("no stray is left", async || page().contains("recipe_monitoring_default_partition_rows 0\n").then_some(()))
        .await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    reader.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_made_ahead_and_rows_of_others_never_stay_in_the_default_one() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let url = new_database(&url, "partitions").await;
    let upkeep = upkeep(&url, &Schedule::default()).await;
    let mut database = connect(&url).await;
    let partitions = "SELECT string_agg(relname::text, ' ' ORDER BY relname) FROM pg_class
                      WHERE relispartition AND relkind = 'r' AND relname <> 'system_metrics_default'";
    let names = async |database: &mut PgConnection| -> String {
        sqlx::query_scalar(partitions).fetch_one(database).await.unwrap()
    };
    perform(&upkeep, Job::Partitions, "2026-11-30T23:30:00Z").await;
    let expected =
        "system_metrics_2026_11 system_metrics_2026_12 system_metrics_2027_01 system_metrics_2027_02".to_owned();
    assert_eq!(names(&mut database).await, expected);
    execute(
        &mut database,
        "INSERT INTO system_metrics (timestamp, metric_name, metric_value)
         SELECT '2031-05-05 05:05+00'::timestamptz + make_interval(mins => n), 'psql', n FROM generate_series(1, 10) AS n",
    )
    .await;
    assert_eq!(number(&mut database, "SELECT count(*) FROM system_metrics_default").await, 10);
    let did = perform(&upkeep, Job::Partitions, "2026-11-30T23:30:00Z").await;
    assert_eq!(did, "1 made, 10 rows moved there");
    assert_eq!(names(&mut database).await, format!("{expected} system_metrics_2031_05"));
    assert_eq!(number(&mut database, "SELECT count(*) FROM system_metrics_default").await, 0);
    assert_eq!(number(&mut database, "SELECT count(*) FROM system_metrics_2031_05").await, 10);
    drop(database);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

/// Such as the description makes by hand, in a session of another zone.
#[tokio::test(flavor = "multi_thread")]
async fn a_partition_of_another_zones_month_leaves_the_rest_to_the_default_one() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let mut database = connect(&url).await;
    execute(
        &mut database,
        "SET timezone = 'Asia/Tokyo';
         CREATE TABLE system_metrics_2025_11 PARTITION OF system_metrics
             FOR VALUES FROM ('2025-11-01') TO ('2025-12-01');
         SELECT recipe_monitoring_state.make_partition('2025-10-31 12:00+00');
         INSERT INTO system_metrics (timestamp, metric_name, metric_value)
         VALUES ('2025-10-31 12:00+00', 'cpu_usage', 1), ('2025-10-31 20:00+00', 'cpu_usage', 2)",
    )
    .await;
    assert_eq!(number(&mut database, "SELECT count(*) FROM system_metrics_default").await, 1);
    assert_eq!(number(&mut database, "SELECT count(*) FROM system_metrics_2025_11").await, 1);
    drop(database);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn clean_up_drops_months_whole_and_deletes_the_rest() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let url = new_database(&url, "cleanup").await;
    let upkeep = upkeep(&url, &Schedule::default()).await;
    let mut database = connect(&url).await;
    execute(
        &mut database,
        "SELECT recipe_monitoring_state.make_partition(month) FROM
             generate_series('2026-08-15 00:00+00'::timestamptz, '2026-11-15 00:00+00', INTERVAL '1 month') AS month;
         INSERT INTO system_metrics (timestamp, metric_name, metric_value)
         SELECT day, 'cpu_usage', 1 FROM
             generate_series('2026-08-01 12:00+00'::timestamptz, '2026-11-24 12:00+00', INTERVAL '1 day') AS day;
         INSERT INTO metrics_raw (timestamp, metric_type, data)
         VALUES ('2026-09-01', 'system', '{}'), ('2026-11-24', 'system', '{}');
         INSERT INTO alert_history (timestamp, rule_name, severity, category, message, resolved, resolved_at)
         VALUES ('2026-08-01', 'old', 'info', 'x', '', TRUE, '2026-08-02'), ('2026-08-01', 'active', 'info', 'x', '', FALSE, NULL)",
    )
    .await;
    let did = perform(&upkeep, Job::Cleanup, "2026-11-24T18:00:00Z").await;
    // August and September are dropped, and 25 days of October deleted.
    assert_eq!(did, "rows deleted: system_metrics 86, metrics_raw 1, metrics_hourly 0, alert_history 1");
    assert_eq!(number(&mut database, "SELECT count(*) FROM system_metrics").await, 30);
    let months = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'system_metrics'::regclass";
    assert_eq!(number(&mut database, months).await, 3);
    assert_eq!(number(&mut database, "SELECT count(*) FROM active_alerts").await, 1);
    drop(database);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
