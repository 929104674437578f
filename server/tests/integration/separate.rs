//! A dashboard beside a separate collector.

use std::path::Path;
use std::process::Command;

use collector::Payload;
use rustix::process::{Pid, Signal, kill_process};

use crate::helpers::{Dashboard, Place, Running, Socket, next_event, outcome, until};

const SEPARATE: [&str; 2] = ["--set", "server.collector=separate"];

/// `recipe-monitoring-collector`, which cargo puts beside the dashboard when both are built.
async fn collector(place: &Place, arguments: &[&str]) -> Running {
    let path = Path::new(crate::helpers::PROGRAM).with_file_name("recipe-monitoring-collector");
    assert!(path.exists(), "build it first: cargo build -p collector --features runtime");
    let mut command = Command::new(path);
    command.args(["run", "--set", "live.push=1s", "--data-dir"]).arg(place.data_dir()).args(arguments);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(place.path());
    Running::start(command, place.path().join("collector.log"), "collecting").await
}

async fn next_reading(socket: &mut Socket) {
    while !matches!(next_event(socket).await.payload, Payload::System(_)) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn its_samples_are_shown_live_also_when_redis_dies_and_the_collector_comes_back() {
    let place = Place::new();
    let mut collecting = collector(&place, &[]).await;
    let mut dashboard = Dashboard::start(&place, &SEPARATE).await;
    let mut socket = dashboard.connect("").await;
    next_reading(&mut socket).await;

    // Redis hangs.
    let url = std::fs::read_to_string(place.data_dir().join("connections")).unwrap();
    let port =
        url.lines().find(|line| line.starts_with("REDIS_URL")).unwrap().rsplit([':', '/']).nth(1).unwrap().to_owned();
    signal_redis_on(&port, Signal::STOP);
    until("redis is down", async || {
        let ready = dashboard.get("/readyz", &[]).await.json();
        (ready["parts"]["redis"]["state"] == "down").then_some(())
    })
    .await;
    for _ in 0..3 {
        next_reading(&mut socket).await;
    }

    signal_redis_on(&port, Signal::CONT);
    assert_eq!(collecting.end(Signal::TERM).await, Some(0));
    until("the collector is missed", async || {
        let ready = dashboard.get("/readyz", &[]).await.json();
        (ready["parts"]["collector"]["state"] == "down").then_some(())
    })
    .await;
    let mut collecting = collector(&place, &[]).await;
    next_reading(&mut socket).await;
    // At the same address as before, so that both ways work again.
    until("redis is up", async || {
        let ready = dashboard.get("/readyz", &[]).await.json();
        (ready["parts"]["redis"]["state"] == "up").then_some(())
    })
    .await;
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
    assert_eq!(collecting.end(Signal::TERM).await, Some(0));
}

/// Sends a signal to the Redis that listens on this port.
fn signal_redis_on(port: &str, signal: Signal) {
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(command) = std::fs::read_to_string(process.path().join("cmdline")) else { continue };
        let is_it = command.contains("redis-server") && command.contains(&format!(":{port}"));
        if let (true, Ok(pid)) = (is_it, process.file_name().to_string_lossy().parse()) {
            kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
            return;
        }
    }
    panic!("nothing listens on {port}");
}

#[test]
fn without_a_collector_it_says_what_to_start() {
    let place = Place::new();
    let output = outcome(place.program(&SEPARATE));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("recipe-monitoring-collector run") && message.contains("DATABASE_URL"), "{message}");
    assert!(!place.data_dir().exists());
}
