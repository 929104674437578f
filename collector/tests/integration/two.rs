//! Two collectors on one database.

use std::path::Path;
use std::time::{Duration, Instant};

use collector::config::{Database, Schedule};
use collector::schedule::{Job, Upkeep};
use collector::{Right, Store, StoreError};
use jiff::Timestamp;
use rustix::process::{Signal, kill_process};
use sqlx::{Executor, PgConnection};
use uuid::Uuid;

use crate::helpers::{Collector, directory, execute, number, program, until};
use crate::server::Server;

/// What the specification allows for a dead one to be replaced.
const REPLACED_WITHIN: Duration = Duration::from_secs(5);

/// A ledger of every run of every job, by whom: the table of the program has only the last one.
const TURNS: &str = "TRUNCATE recipe_monitoring_state.job_runs;
    CREATE TABLE turns (job TEXT, host TEXT, scheduled_for TIMESTAMPTZ);
    CREATE FUNCTION note_turn() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO turns VALUES (NEW.job, NEW.host, NEW.scheduled_for); RETURN NULL; END $$;
    CREATE TRIGGER note_turn AFTER INSERT OR UPDATE ON recipe_monitoring_state.job_runs
        FOR EACH ROW EXECUTE FUNCTION note_turn()";

async fn start(server: &Server, directory: &Path, host: &str) -> Collector {
    start_with(server, directory, host, &[]).await
}

async fn start_with(server: &Server, directory: &Path, host: &str, settings: &[&str]) -> Collector {
    let place = directory.join(host);
    std::fs::create_dir(&place).unwrap();
    let mut command = program(&[]);
    command.env("DATABASE_URL", &server.url);
    let host = format!("system.host={host}");
    let arguments = [
        "--set",
        &host,
        "--set",
        "redis.enabled=false",
        "--set",
        "live.push=1s",
        "--set",
        "sampling.system=1s",
        "--set",
        "schedule.save=1s",
        "--set",
        "schedule.collect=1s",
        "--set",
        "schedule.retry=1s",
    ];
    let more = settings.iter().flat_map(|setting| ["--set", setting]);
    let arguments: Vec<_> = arguments.into_iter().chain(more).collect();
    Collector::start_as(command, &place.join("data"), &arguments).await
}

/// Who does the scheduled work, and since which change.
async fn holder(database: &mut PgConnection) -> Option<(String, i64)> {
    let sql = "SELECT host, epoch FROM recipe_monitoring_state.leases WHERE expires_at > clock_timestamp()";
    sqlx::query_as(sql).fetch_optional(database).await.unwrap()
}

async fn replaced(database: &mut PgConnection, old: &str) -> Duration {
    let started = Instant::now();
    until("another does the work", async || holder(database).await.filter(|(host, _)| host != old)).await;
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_are_heard_and_one_does_the_scheduled_work_until_it_dies_or_hangs() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    execute(&mut database, TURNS).await;
    let mut a = start(&server, directory.path(), "a").await;
    until("a does the work", async || holder(&mut database).await.filter(|(host, _)| host == "a")).await;
    let mut b = start(&server, directory.path(), "b").await;
    let samples = "SELECT count(DISTINCT labels ->> 'host') FROM system_metrics WHERE metric_name = 'cpu_usage'";
    until("samples of both", async || {
        let hosts: i64 = sqlx::query_scalar(samples).fetch_one(&mut database).await.unwrap();
        (hosts == 2).then_some(())
    })
    .await;

    // Paused: its connections stay open and say nothing.
    kill_process(a.pid(), Signal::STOP).unwrap();
    let elapsed = replaced(&mut database, "a").await;
    assert!(elapsed < REPLACED_WITHIN, "{elapsed:?}");
    kill_process(a.pid(), Signal::CONT).unwrap();
    // It sees that it is no longer the one.
    until("a has seen it", async || a.log().contains("no longer does the scheduled work").then_some(())).await;
    assert_eq!(holder(&mut database).await.unwrap().0, "b");

    assert_eq!(b.end(Signal::KILL).await, None);
    let elapsed = replaced(&mut database, "b").await;
    assert!(elapsed < REPLACED_WITHIN, "{elapsed:?}");
    // Everything that is done once was done, and nothing of it twice, by the next holder or the same.
    let jobs = "SELECT count(DISTINCT job) FROM turns WHERE job IN ('partitions', 'refresh', 'summarize', 'cleanup')";
    until("every job was done", async || (number(&mut database, jobs).await == 4).then_some(())).await;
    assert_eq!(a.end(Signal::TERM).await, Some(0));
    let twice = "SELECT count(*) FROM (SELECT FROM turns WHERE job IN ('partitions', 'refresh', 'summarize', 'cleanup')
                 GROUP BY job, scheduled_for HAVING count(*) > 1) AS twice";
    assert_eq!(number(&mut database, twice).await, 0);
    // This one is done in several transactions, all of them by one.
    let twice = "SELECT count(*) FROM (SELECT FROM turns WHERE job = 'aggregate'
                 GROUP BY scheduled_for HAVING count(DISTINCT host) > 1) AS twice";
    assert_eq!(number(&mut database, twice).await, 0);
    let twice = "SELECT count(*) - count(DISTINCT (timestamp, metric_name, labels)) FROM system_metrics";
    let twice: i64 = sqlx::query_scalar(twice).fetch_one(&mut database).await.unwrap();
    assert_eq!(twice, 0);
}

/// A holder that renews its lease all the while, and whose work does not come to an end.
#[tokio::test(flavor = "multi_thread")]
async fn one_whose_work_is_stuck_is_replaced_and_stands_back() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let (mut database, mut other) = (server.database().await, server.database().await);
    let lock = "SELECT pg_advisory_lock(hashtext('recipe_monitoring job'), hashtext('aggregate'))";
    execute(&mut other, lock).await;
    let settings = ["schedule.job_limit=2s"];
    let mut a = start_with(&server, directory.path(), "a", &settings).await;
    until("a does the work", async || holder(&mut database).await.filter(|(host, _)| host == "a")).await;
    let mut b = start_with(&server, directory.path(), "b", &settings).await;
    let left = async || a.log().contains("it is left to another collector for a while").then_some(());
    until("a gives it up", left).await;
    let elapsed = replaced(&mut database, "a").await;
    assert!(elapsed < REPLACED_WITHIN, "{elapsed:?}");
    // What held it up is over; and the other has more luck.
    execute(&mut other, "SELECT pg_advisory_unlock_all()").await;
    let done = "SELECT count(*) FROM recipe_monitoring_state.job_runs WHERE job = 'aggregate' AND host = 'b'";
    until("b has done it", async || (number(&mut database, done).await == 1).then_some(())).await;
    assert!(a.log().contains("schedule.job_limit"), "{}", a.log());
    // The server did not go on with what was given up.
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    assert_eq!(number(&mut database, waiting).await, 0);
    assert_eq!((a.end(Signal::TERM).await, b.end(Signal::TERM).await), (Some(0), Some(0)));
}

/// There is no other: after a pause it tries again itself.
#[tokio::test(flavor = "multi_thread")]
async fn one_whose_work_was_stuck_and_that_is_alone_goes_on_after_a_pause() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let (mut database, mut other) = (server.database().await, server.database().await);
    let lock = "SELECT pg_advisory_lock(hashtext('recipe_monitoring job'), hashtext('aggregate'))";
    execute(&mut other, lock).await;
    let settings = ["schedule.job_limit=1s", "schedule.retry=1s"];
    let mut a = start_with(&server, directory.path(), "a", &settings).await;
    let left = async || (a.log().matches("it is left to another collector for a while").count() >= 2).then_some(());
    until("it gives it up, and again", left).await;
    execute(&mut other, "SELECT pg_advisory_unlock_all()").await;
    let done = "SELECT count(DISTINCT job) FROM recipe_monitoring_state.job_runs
                WHERE job IN ('partitions', 'aggregate', 'refresh', 'summarize', 'cleanup')";
    until("all is done", async || (number(&mut database, done).await == 5).then_some(())).await;
    assert_eq!(a.end(Signal::TERM).await, Some(0));
}

/// A holder that was paused in the middle of its work, and wakes up when another has the lease.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_lost_the_lease_changes_nothing_any_more() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let settings = Database { pool_min: 0, ..Database::default() };
    let store = Store::open(&server.url, &settings).await.unwrap();
    let mut database = server.database().await;
    database
        .execute("INSERT INTO system_metrics (timestamp, metric_name, metric_value) VALUES ('2026-11-24 03:30+00', 'cpu_usage', 1)")
        .await
        .unwrap();
    let (old, new) = (Uuid::now_v7(), Uuid::now_v7());
    let epoch = store.hold_lease(old, "old", 0.05).await.unwrap().unwrap();
    assert_eq!(store.hold_lease(old, "old", 0.05).await.unwrap(), Some(epoch));
    let next = until("it has run out", async || store.hold_lease(new, "new", 60.0).await.unwrap()).await;
    assert!(next > epoch);
    assert_eq!(store.hold_lease(old, "old", 60.0).await.unwrap(), None);

    let upkeep = Upkeep::new(store.clone(), None, &Schedule::default(), "old");
    let now: Timestamp = "2026-11-24T04:01:00Z".parse().unwrap();
    for job in [Job::Aggregate, Job::Refresh, Job::Summarize, Job::Cleanup, Job::Partitions] {
        let right = Right::Lease { holder: old, epoch };
        let outcome = upkeep.perform(job, now, now, right).await;
        assert!(matches!(outcome, Err(StoreError::LostLease)), "{outcome:?}");
    }
    for untouched in [
        "SELECT count(*) FROM metrics_hourly",
        "SELECT count(*) FROM recipe_monitoring_state.job_runs WHERE host = 'old'",
        "SELECT 1 - count(*) FROM recipe_monitoring_state.hours_to_aggregate",
    ] {
        let rows: i64 = sqlx::query_scalar(untouched).fetch_one(&mut database).await.unwrap();
        assert_eq!(rows, 0, "{untouched}");
    }
    let right = Right::Lease { holder: new, epoch: next };
    upkeep.perform(Job::Aggregate, now, now, right).await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM metrics_hourly").fetch_one(&mut database).await.unwrap();
    assert_eq!(rows, 1);
    // Given up, it is free at once.
    store.give_up_lease(new).await.unwrap();
    assert!(store.hold_lease(old, "old", 60.0).await.unwrap().is_some());
}

/// A pooler that hands every transaction to another server connection cannot carry NOTIFY and
/// prepared statements.
#[tokio::test(flavor = "multi_thread")]
async fn pgbouncer_in_transaction_mode_is_refused_with_a_sentence_and_in_session_mode_used() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let socket = server.socket_dir();
    let socket = socket.display();
    let password = server.url.split([':', '@']).nth(2).unwrap();
    for (mode, works) in [("transaction", false), ("statement", false), ("session", true)] {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let place = directory.path().join(mode);
        std::fs::create_dir(&place).unwrap();
        let settings = place.join("pgbouncer.ini");
        std::fs::write(
            &settings,
            format!(
                "[databases]\nrecipe_db = host={socket} port=5433 user=recipe_user password={password}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n\
             ignore_startup_parameters = extra_float_digits\nmax_client_conn = 100\ndefault_pool_size = 20\n"
            ),
        )
        .unwrap();
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = std::process::Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--", "pgbouncer"]);
            command
        } else {
            std::process::Command::new("pgbouncer")
        };
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap());
        let log = std::fs::File::create(place.join("log")).unwrap();
        let mut pooler = command.arg(&settings).env("PATH", path).stderr(log).spawn().unwrap();
        until("pgbouncer listens", async || std::net::TcpStream::connect(("127.0.0.1", port)).ok()).await;
        let url = format!("postgres://recipe_user@127.0.0.1:{port}/recipe_db");
        let opened = Store::open(&url, &Database { pool_min: 0, ..Database::default() }).await;
        match (works, &opened) {
            (true, Ok(store)) => store.close().await,
            (false, Err(error)) => {
                let error = error.to_string();
                assert!(error.contains("pooler") && error.contains("pool_mode = session"), "{error}");
            }
            _ => panic!("{mode}: {opened:?}"),
        }
        pooler.kill().unwrap();
        pooler.wait().unwrap();
    }
}
