//! An alert keeps its moment: what was busiest is in its row, and no secret is.

use std::fs;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;
use sqlx::types::Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::helpers::{Collector, directory, execute, until};

/// Fires when every list has been read.
const RULE: &str = "[[rule]]\nalert = 'Always'\nexpr = 'load_average_1m >= 0'\nfor = '13s'\n";

/// An application that has answered so many requests a second on `/busy`, and half of them on `/idle`.
async fn application() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let started = Instant::now();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4_096]).await;
            let busy = started.elapsed().as_millis();
            let line =
                |route: &str, count| format!("http_requests_total{{method=\"GET\",route=\"{route}\"}} {count}\n");
            let body = line("/busy", busy) + &line("/idle", busy / 2);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n", body.len());
            let _ = stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes()).await;
        }
    });
    format!("http://{address}/metrics")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firing_has_the_processes_routes_and_statements_of_its_moment_and_no_literal_of_them() {
    let directory = directory();
    let rules = directory.path().join("rules.toml");
    fs::write(&rules, RULE).unwrap();
    let settings = [
        format!("alerts.rules={}", rules.display()),
        format!("application.targets=[\"{}\"]", application().await),
        "business.enabled=false".to_owned(),
        "redis.enabled=false".to_owned(),
        "sampling.application=1s".to_owned(),
        "live.push=1s".to_owned(),
    ];
    let arguments: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
    let mut collector = Collector::start(&directory.path().join("data"), &arguments).await;
    let mut database = collector.database().await;
    let mut busy = collector.database().await;
    let running = tokio::spawn(async move {
        execute(&mut busy, "SELECT pg_sleep(120), 'hunter2', 471147114711 /* hunter2 */").await;
    });
    let snapshot = "SELECT metrics_snapshot FROM alert_history WHERE rule_name = 'Always'";
    let fired = async || sqlx::query_scalar::<_, Json<Value>>(snapshot).fetch_optional(&mut database).await.unwrap();
    let Json(snapshot) = until("it fires", fired).await;
    running.abort();

    for list in ["processes_by_cpu", "processes_by_memory", "routes", "queries", "statements"] {
        let at: jiff::Timestamp =
            snapshot[list]["at"].as_str().unwrap_or_else(|| panic!("no {list}: {snapshot}")).parse().unwrap();
        let fired_at: jiff::Timestamp = snapshot["system"]["at"].as_str().unwrap().parse().unwrap();
        let age = fired_at.duration_since(at).as_secs_f64();
        assert!((-1.0..if list == "statements" { 60.0 } else { 12.0 }).contains(&age), "{list}: {age}");
        assert!(!snapshot[list]["top"].as_array().unwrap().is_empty(), "{list}: {snapshot}");
    }
    let order = |list: &str, number: &str| -> Vec<f64> {
        snapshot[list]["top"].as_array().unwrap().iter().map(|entry| entry[number].as_f64().unwrap()).collect()
    };
    for (list, number) in
        [("processes_by_cpu", "cpu_percent"), ("processes_by_memory", "memory_bytes"), ("routes", "per_second")]
    {
        assert!(order(list, number).is_sorted_by(|one, other| one >= other), "{list}: {snapshot}");
    }
    assert_eq!(order("processes_by_memory", "memory_bytes").len(), 5);
    assert_eq!(snapshot["routes"]["top"][0]["route"], "/busy", "{snapshot}");
    let rate = snapshot["routes"]["top"][0]["per_second"].as_f64().unwrap();
    assert!((900.0..1_100.0).contains(&rate), "{rate}");
    let queries = snapshot["queries"]["top"].as_array().unwrap();
    let query = queries.iter().find(|query| query["query"] == "SELECT pg_sleep(?), ?, ?");
    let query = query.unwrap_or_else(|| panic!("it is not there: {snapshot}"));
    assert_eq!((query["state"].as_str(), query["user"].as_str()), (Some("active"), Some("recipe_user")));
    assert_eq!(query["wait"], "Timeout:PgSleep");
    assert!(query["seconds"].as_f64().unwrap() > 0.0);
    let text = snapshot.to_string();
    // Four digits are in some number of a snapshot by chance.
    assert!(!text.contains("hunter2") && !text.contains("471147114711"), "{text}");
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
