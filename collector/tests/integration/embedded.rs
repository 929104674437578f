//! The private PostgreSQL and Redis: kept, stopped, healed and guarded.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use sqlx::Executor;

use crate::helpers::{Collector, directory, is_alive, outcome, postmaster, program, until};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_it_is_there_again_after_a_restart_and_nothing_keeps_running() {
    let directory = directory();
    let data_dir = directory.path().join("data");
    let mut collector = Collector::start(&data_dir, &["--set", "live.push=1s"]).await;
    let url = collector.url("DATABASE_URL").unwrap();
    assert!(!url.contains(":5432") && !collector.url("REDIS_URL").unwrap().contains(":6379"));
    collector.database().await.execute("CREATE TABLE kept AS SELECT 42 AS answer").await.unwrap();
    let postgres = collector.postgres_pid();
    collector.has_read().await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    assert!(!is_alive(postgres));
    assert!(!data_dir.join("connections").exists());

    let mut collector = Collector::start(&data_dir, &[]).await;
    let mut database = collector.database().await;
    let answer: i32 = sqlx::query_scalar("SELECT answer FROM kept").fetch_one(&mut database).await.unwrap();
    assert_eq!(answer, 42);
    // What was sampled before the stop was saved at the stop.
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM system_metrics").fetch_one(&mut database).await.unwrap();
    assert!(rows > 0);
    drop(database);
    assert_eq!(collector.end(Signal::INT).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_of_a_killed_program_stop_by_themselves() {
    let directory = directory();
    let data_dir = directory.path().join("data");
    let mut collector = Collector::start(&data_dir, &[]).await;
    let postgres = collector.postgres_pid();
    let redis = collector.url("REDIS_URL").unwrap();
    let redis = redis.rsplit(['@', '/']).nth(1).unwrap();
    assert!(std::net::TcpStream::connect(redis).is_ok());
    collector.end(Signal::KILL).await;
    until("both are gone", async || {
        (!is_alive(postgres) && std::net::TcpStream::connect(redis).is_err()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_start_copes_with_servers_that_are_still_stopping() {
    let directory = directory();
    let data_dir = directory.path().join("data");
    let mut collector = Collector::start(&data_dir, &[]).await;
    let postgres = collector.postgres_pid();
    collector.end(Signal::KILL).await;
    // At once: the next start has to cope with a server that is still stopping.
    let mut again = Collector::start(&data_dir, &[]).await;
    assert!(!is_alive(postgres));
    again.database().await;
    assert_eq!(again.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_left_by_a_power_cut_are_healed_even_if_their_number_is_another_process_now() {
    let directory = directory();
    let data_dir = directory.path().join("data");
    let mut collector = Collector::start(&data_dir, &[]).await;
    let lock = data_dir.join("postgres/postmaster.pid");
    let text = fs::read_to_string(&lock).unwrap();
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    // This test's own process: alive, and no PostgreSQL.
    let lines: Vec<_> = text.lines().skip(1).collect();
    fs::write(&lock, format!("{}\n{}\n", std::process::id(), lines.join("\n"))).unwrap();
    fs::write(data_dir.join("run/.s.PGSQL.5433.lock"), format!("{}\n", std::process::id())).unwrap();

    let mut again = Collector::start(&data_dir, &[]).await;
    again.database().await;
    assert_eq!(again.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_is_killed_is_started_again_and_the_samples_arrive() {
    let directory = directory();
    let data_dir = directory.path().join("data");
    let mut collector = Collector::start(&data_dir, &["--set", "schedule.save=1s", "--set", "live.push=1s"]).await;
    let postgres = collector.postgres_pid();
    kill_process(postgres, Signal::KILL).unwrap();
    until("another postgresql", async || postmaster(&data_dir).filter(|pid| *pid != postgres)).await;
    let url = collector.url("DATABASE_URL").unwrap();
    let count = async || {
        use sqlx::ConnectOptions;
        let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
        let mut database = options.connect().await.ok()?;
        let sql = "SELECT count(*) FROM system_metrics WHERE created_at > pg_postmaster_start_time()";
        sqlx::query_scalar(sql).fetch_one(&mut database).await.ok().filter(|rows: &i64| *rows > 0)
    };
    until("rows written after it", count).await;
    assert!(collector.is_running());
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_program_on_the_directory_is_refused_by_name() {
    let directory = directory();
    let data_dir = directory.path().join("data");
    let mut collector = Collector::start(&data_dir, &[]).await;
    let second = outcome(program(&["run", "--data-dir", data_dir.to_str().unwrap()]));
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8(second.stderr).unwrap();
    let first = format!("recipe-monitoring-collector (process {})", collector.pid().as_raw_nonzero());
    assert!(message.contains("is in use by") && message.contains(&first), "{message}");
    collector.database().await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_redis_to_be_had_it_runs_and_says_so() {
    let directory = directory();
    // A PATH with what the program needs and no redis-server.
    let path = directory.path().join("bin");
    fs::create_dir(&path).unwrap();
    for tool in ["id", "setpriv"] {
        let found = ["/usr/bin", "/bin"].map(|place| format!("{place}/{tool}"));
        symlink(found.iter().find(|file| fs::exists(file).unwrap()).unwrap(), path.join(tool)).unwrap();
    }
    let mut command = program(&[]);
    command.env("PATH", &path);
    let mut collector = Collector::start_as(command, &directory.path().join("data"), &[]).await;
    assert!(collector.log().contains("no redis-server is installed here: running without Redis"));
    assert!(collector.url("DATABASE_URL").is_some());
    assert_eq!(collector.url("REDIS_URL"), None);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

/// Where the tests run as root, the ordinary user is `nobody`; elsewhere it is this user anyway.
#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_user_needs_no_rights() {
    let directory = directory();
    let home = directory.path().join("home");
    fs::create_dir(&home).unwrap();
    let mut command = program(&[]);
    if rustix::process::geteuid().is_root() {
        let id = |flag| -> u32 {
            let output = Command::new("id").args([flag, "nobody"]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
        };
        let (uid, gid) = (id("-u"), id("-g"));
        std::os::unix::fs::chown(&home, Some(uid), Some(gid)).unwrap();
        // The build may lie where nobody else may look.
        let copy = directory.path().join("recipe-monitoring-collector");
        fs::copy(crate::helpers::PROGRAM, &copy).unwrap();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
        command = Command::new(copy);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir("/").uid(uid).gid(gid);
    }
    let mut collector = Collector::start_as(command, &home.join("data"), &[]).await;
    let owner = |pid: Pid| {
        fs::metadata(format!("/proc/{}", pid.as_raw_nonzero()))
            .map(|meta| std::os::unix::fs::MetadataExt::uid(&meta))
            .unwrap()
    };
    assert_eq!(owner(collector.postgres_pid()), owner(collector.pid()));
    assert_ne!(owner(collector.pid()), 0);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
