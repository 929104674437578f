//! Beside a collector that runs: it is left alone, and what keeps it from saving is found.

use std::path::Path;
use std::process::Command;

use rustix::process::{Signal, kill_process};

use super::{Said, doctor, shell};
use crate::helpers::{Collector, connect, directory, execute, number, program, until};
use crate::server::Server;

/// Every second all is read and saved, and what takes seconds longer is late.
const OFTEN: [&str; 7] = [
    "live.push=1s",
    "sampling.system=1s",
    "schedule.collect=1s",
    "schedule.save=1s",
    "schedule.first_save=0s",
    "schedule.save_limit=2s",
    "system.host=web",
];

fn often() -> Vec<&'static str> {
    let others = ["application.enabled=false", "business.enabled=false"];
    OFTEN.into_iter().chain(others).flat_map(|setting| ["--set", setting]).collect()
}

async fn look(command: Command) -> Said {
    tokio::task::spawn_blocking(|| Said::of(command)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_installation_is_in_no_trouble_and_is_not_disturbed() {
    let directory = directory();
    let mut collector = Collector::start(&directory.path().join("data"), &often()).await;
    let mut database = collector.database().await;
    let rows = "SELECT count(*) FROM metrics_raw";
    until("samples arrive", async || (number(&mut database, rows).await > 3).then_some(())).await;
    let (postgres, log) = (collector.postgres_pid(), collector.log());
    let said = until("it is well", async || {
        let said = look(doctor(directory.path(), &often())).await;
        // How much room there is, and whether NTP runs, is this machine's business.
        (said.code == Some(0)).then_some(said)
    })
    .await;
    for id in [
        "settings",
        "env_file",
        "collector",
        "spool",
        "postgresql",
        "grants",
        "statements",
        "redis",
        "samples",
        "hosts",
    ] {
        said.is(id, "ok");
    }
    assert!(collector.is_running() && collector.postgres_pid() == postgres);
    let said_since = collector.log()[log.len()..].to_owned();
    assert!(!said_since.contains("\"level\":\"ERROR\"") && !said_since.contains("\"level\":\"WARN\""), "{said_since}");
    let before = number(&mut database, rows).await;
    until("samples go on", async || (number(&mut database, rows).await > before).then_some(())).await;

    kill_process(collector.pid(), Signal::STOP).unwrap();
    let said = look(doctor(directory.path(), &often())).await;
    let commands = said.finds("collector", "stopped", &["stands still"]);
    shell(&commands[0]);
    until("it goes on", async || {
        (look(doctor(directory.path(), &often())).await.check("collector")["result"] == "ok").then_some(())
    })
    .await;
    drop(database);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    let said = look(doctor(directory.path(), &often())).await;
    said.finds("collector", "not_running", &["recipe-monitoring-dashboard --data-dir", "--set system.host=web"]);
    said.is("postgresql", "not_looked_at").is("redis", "not_looked_at");
}

fn on(command: &mut Command, url: &str) {
    command.env("DATABASE_URL", url).env("RECIPE_MONITORING_REDIS__ENABLED", "false");
}

/// A collector on another's server, by a role of its own.
async fn start(server: &Server, place: &Path) -> (Collector, String) {
    let mut database = server.database().await;
    execute(&mut database, "CREATE ROLE app LOGIN PASSWORD 'hunter2'").await;
    execute(&mut database, "CREATE DATABASE production OWNER app").await;
    let password = server.url.split([':', '@']).nth(2).unwrap();
    let url = server.url.replace("recipe_user:", "app:").replace(password, "hunter2");
    let url = url.replace("/recipe_db?", "/production?");
    std::fs::create_dir_all(place).unwrap();
    let mut command = program(&[]);
    on(&mut command, &url);
    (Collector::start_as(command, &place.join("data"), &often()).await, url)
}

/// Looks beside the collector that was started there.
async fn look_at(place: &Path, url: &str) -> Said {
    let mut command = doctor(place, &often());
    on(&mut command, url);
    look(command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_saved_is_told_with_the_reason_and_the_way_out() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let place = directory.path().join("own");
    let (mut collector, url) = start(&server, &place).await;
    let look = async || look_at(&place, &url).await;
    let well = async || {
        until("samples arrive", async || (look().await.check("samples")["result"] == "ok").then_some(())).await;
    };
    let fault = async |fault: &str| {
        until(fault, async || Some(look().await).filter(|said| said.fault("samples") == Some(fault))).await
    };
    let mut database = connect(&server.url.replace("/recipe_db?", "/production?")).await;
    until("rows", async || (number(&mut database, "SELECT count(*) FROM metrics_raw").await > 2).then_some(())).await;
    well().await;

    execute(&mut database, "REVOKE INSERT ON system_metrics FROM app").await;
    let said = fault("missing_grant").await;
    let lines = said.finds("samples", "missing_grant", &["permission denied", "samples wait", "web"]);
    assert_eq!(lines, ["GRANT INSERT ON TABLE system_metrics TO app;"]);
    said.finds("grants", "missing_grant", &["app lacks 1 rights"]);
    execute(&mut database, &lines[0]).await;
    well().await;

    // What somebody has added refuses rows.
    execute(&mut database, "ALTER TABLE metrics_raw ADD CONSTRAINT no_more CHECK (false) NOT VALID").await;
    fault("refused").await.finds("samples", "refused", &["no_more", "constraint"]);
    execute(&mut database, "ALTER TABLE metrics_raw DROP CONSTRAINT no_more").await;
    well().await;

    for mode in ["EXCLUSIVE", "ACCESS EXCLUSIVE"] {
        let mut holder = connect(&server.url.replace("/recipe_db?", "/production?")).await;
        execute(&mut holder, &format!("BEGIN; LOCK TABLE system_metrics IN {mode} MODE")).await;
        let said = fault("locked").await;
        let lines = said.finds("samples", "locked", &["a transaction of recipe_user (process "]);
        if mode == "ACCESS EXCLUSIVE" {
            said.finds("samples", "locked", &[", idle in transaction, begun "]);
        }
        // With it one sees what others do.
        execute(&mut database, "GRANT pg_monitor TO app").await;
        execute(&mut database, &lines[0]).await;
        well().await;
    }

    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    let said = fault("not_running").await;
    said.finds("samples", "not_running", &["no collector runs here"]);
    said.finds("collector", "not_running", &["start it"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_collectors_that_call_their_host_the_same() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let place = directory.path().join("own");
    let (mut collector, url) = start(&server, &place).await;
    let look = async || look_at(&place, &url).await;
    let other = directory.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let mut command = program(&[]);
    on(&mut command, &url);
    let mut second = Collector::start_as(command, &other.join("data"), &often()).await;
    let said = until("both are seen", async || Some(look().await).filter(|said| said.fault("hosts").is_some())).await;
    said.is("hosts", "warning");
    said.finds("hosts", "same_host", &["samples of web", "RECIPE_MONITORING_SYSTEM__HOST"]);
    assert_eq!(second.end(Signal::TERM).await, Some(0));
    until("one is left", async || (look().await.check("hosts")["result"] == "ok").then_some(())).await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
