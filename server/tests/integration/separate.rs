//! A dashboard beside a separate collector.

use std::path::Path;
use std::process::Command;

use collector::Payload;
use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, Signal, kill_process};

use crate::helpers::{Dashboard, Place, Running, Socket, next_event, outcome, until};

pub const SEPARATE: [&str; 2] = ["--set", "server.collector=separate"];

/// `recipe-monitoring-collector`, which cargo puts beside the dashboard when both are built.
pub async fn collector(place: &Place, arguments: &[&str]) -> Running {
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

#[tokio::test(flavor = "multi_thread")]
async fn what_people_do_about_alerts_there_reaches_its_collector() {
    let place = Place::new();
    let rules = crate::alerting::rules(&place);
    let mut collecting = collector(&place, &["--set", &rules]).await;
    let mut dashboard = Dashboard::start(&place, &SEPARATE).await;
    crate::alerting::play(&dashboard).await;
    assert_eq!(collecting.end(Signal::TERM).await, Some(0));
    let away = dashboard.get("/api/v1/alerting", &[]).await;
    assert_eq!((away.status, away.json()["error"]["code"].as_str()), (503, Some("unavailable")), "{}", away.body);
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}

/// By the dashboard, and by a command in a third process.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_marked_anywhere_is_on_its_pages_within_two_seconds() {
    let place = Place::new();
    let mut collecting = collector(&place, &[]).await;
    let mut dashboard = Dashboard::start(&place, &SEPARATE).await;
    crate::annotations::play(&dashboard).await;
    let mut socket = dashboard.connect("").await;
    let path = Path::new(crate::helpers::PROGRAM).with_file_name("recipe-monitoring-collector");
    let annotate = |arguments: &[&str]| {
        let mut command = Command::new(&path);
        command.arg("annotate").args(arguments).arg("--data-dir").arg(place.data_dir());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(place.path());
        let ended = outcome(command);
        assert!(ended.status.success(), "{ended:?}");
        String::from_utf8(ended.stdout).unwrap()
    };
    annotate(&["Deploy 1.4.2", "--tag", "deploy", "--id", "one"]);
    crate::annotations::told_of(&mut socket, "one").await;
    annotate(&["--remove", "one"]);
    crate::annotations::told_of(&mut socket, "one").await;

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

const JSON: &str = "Content-Type: application/json";

/// What an OpenTelemetry SDK pushes: so many requests since it started.
fn pushed(seconds: i64, count: u64) -> String {
    let ns = |at: Timestamp| at.as_nanosecond().to_string();
    let point = serde_json::json!({
        "attributes": [
            { "key": "http.request.method", "value": { "stringValue": "GET" } },
            { "key": "http.route", "value": { "stringValue": "/recipes/{id}" } },
            { "key": "http.response.status_code", "value": { "intValue": "200" } },
        ],
        "startTimeUnixNano": ns(Timestamp::now() - SignedDuration::from_secs(3_600)),
        "timeUnixNano": ns(Timestamp::now() + SignedDuration::from_secs(seconds)),
        "count": count.to_string(), "sum": 1.0, "explicitBounds": [0.1], "bucketCounts": [count.to_string(), "0"],
    });
    let metric = serde_json::json!({
        "name": "http.server.request.duration", "unit": "s",
        "histogram": { "aggregationTemporality": 2, "dataPoints": [point] },
    });
    let service = serde_json::json!({ "key": "service.name", "value": { "stringValue": "recipes" } });
    let resource = serde_json::json!({ "attributes": [service] });
    serde_json::json!({ "resourceMetrics": [{ "resource": resource, "scopeMetrics": [{ "metrics": [metric] }] }] })
        .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_to_it_is_the_collectors_and_kept_once_over_its_end() {
    let place = Place::new();
    let settings = ["--set", "sampling.application=1s", "--set", "sampling.business=1s"];
    let mut collecting = collector(&place, &settings).await;
    let mut dashboard = Dashboard::start(&place, &SEPARATE).await;
    let push = async |path: &str, body: &str| dashboard.request(&format!("POST {path}"), &[JSON], body).await;
    let event = |id: &str| format!(r#"{{"event":"recipe_created","count":2,"id":"{id}"}}"#);

    assert_eq!(push("/v1/metrics", &pushed(-1, 100)).await.status, 200);
    assert_eq!(push("/v1/metrics", &pushed(0, 130)).await.status, 200);
    let answer = push("/api/v1/events", &event("one")).await;
    assert_eq!((answer.status, answer.json()), (202, serde_json::json!({ "accepted": 1, "repeated": 0 })));
    assert_eq!(push("/api/v1/events", &event("one")).await.json()["repeated"], 1);
    let refused = push("/api/v1/events", r#"{"event":"Recipe"}"#).await;
    assert_eq!((refused.status, refused.json()["error"]["field"].clone()), (400, "[0].event".into()));
    let garbled = push("/v1/metrics", r#"{"resourceMetrics":7}"#).await;
    assert_eq!(garbled.status, 400);
    assert!(garbled.json()["error"]["message"].as_str().unwrap().contains("ExportMetricsServiceRequest"));
    until("both are shown", async || {
        let current = dashboard.get("/api/v1/current", &[]).await.json();
        let created =
            current["business"]["metrics"].as_array()?.iter().find(|m| m["name"] == "recipes_created_daily")?;
        (current["application"]["http_requests_total"] == 30.0 && created["today"] == 2.0).then_some(())
    })
    .await;

    assert_eq!(collecting.end(Signal::KILL).await, None);
    let away = push("/api/v1/events", &event("two")).await;
    assert!(away.status == 503 && away.headers.contains("retry-after: 5"), "{away:?}");
    assert!(away.body.contains("recipe-monitoring-collector run"), "{}", away.body);
    let mut collecting = collector(&place, &settings).await;
    for (id, accepted) in [("two", 1), ("one", 0)] {
        assert_eq!(push("/api/v1/events", &event(id)).await.json()["accepted"], accepted, "{id}");
    }
    until("it is counted once", async || {
        let current = dashboard.get("/api/v1/current", &[]).await.json();
        let created =
            current["business"]["metrics"].as_array()?.iter().find(|m| m["name"] == "recipes_created_daily")?;
        (created["today"] == 4.0).then_some(())
    })
    .await;
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
    assert_eq!(collecting.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_databases_are_looked_into_from_the_dashboards_own_process() {
    let place = Place::new();
    let mut collecting = collector(&place, &["--set", "sampling.system=1s"]).await;
    let mut dashboard = Dashboard::start(&place, &SEPARATE).await;
    let look = crate::database::look(&dashboard).await;
    assert_eq!(look["postgresql"]["server"]["value"]["database"], "recipe_db");
    // What the collector has sampled is there, too, before it is in PostgreSQL.
    until("the samples", async || {
        let path = "/api/v1/range?metric=postgresql_pool_connections&labels=%7B%22state%22%3A%22idle%22%7D";
        let range = dashboard.get(path, &[]).await.json();
        range["series"][0]["points"][0]["avg"].is_number().then_some(())
    })
    .await;
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
    assert_eq!(collecting.end(Signal::TERM).await, Some(0));
}
