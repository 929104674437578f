//! The way of a reading: host, feed, Redis, NOTIFY, PostgreSQL.

use fred::interfaces::{ClientLike, EventInterface, KeysInterface, PubsubInterface};
use fred::types::CustomCommand;
use rustix::process::Signal;
use sqlx::postgres::PgListener;

use crate::helpers::{Collector, directory, program, reading, soon, until};

const FAST: [&str; 6] = ["--set", "live.push=1s", "--set", "sampling.system=2s", "--set", "schedule.save=1s"];

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_is_in_redis_under_its_keys_and_on_its_channel() {
    let directory = directory();
    let mut collector = Collector::start(&directory.path().join("data"), &FAST).await;
    let redis = collector.redis().await;
    let mut messages = redis.message_rx();
    redis.subscribe("metrics:system").await.unwrap();
    let message = soon("a message", messages.recv()).await.unwrap();
    assert_eq!(message.channel, "metrics:system");
    let live = reading(&message.value.into_string().unwrap());
    assert!(live.cpu_usage.is_some() && live.memory_usage.is_some() && live.disk_usage.is_some());

    let other = collector.redis().await;
    for key in ["metrics:system:current", "metrics:integrated:current", "metrics:current"] {
        let json: String = other.get(key).await.unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let system = value.get("system").unwrap_or(&value);
        assert_eq!(system["host"], live.host, "{key}");
        let ttl: i64 = other.ttl(key).await.unwrap();
        assert!((290..=300).contains(&ttl), "{key} {ttl}");
    }
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_types_planted_in_redis_and_a_flush_do_no_harm() {
    let directory = directory();
    let mut collector = Collector::start(&directory.path().join("data"), &FAST).await;
    let redis = collector.redis().await;
    redis.flushall::<()>(false).await.unwrap();
    let list = CustomCommand::new_static("RPUSH", None, false);
    let _: i64 = redis.custom(list, vec!["metrics:current", "nonsense"]).await.unwrap();
    // Until it is renewed, reading it as a text is an error.
    let json = until("the key is back", async || redis.get::<Option<String>, _>("metrics:current").await.ok()?).await;
    assert!(json.contains("cpu_usage"));
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_nobody_gets_through_redis_goes_out_by_notify() {
    let directory = directory();
    let without = [&FAST[..], &["--set", "redis.enabled=false"]].concat();
    let mut collector = Collector::start(&directory.path().join("data"), &without).await;
    let mut listener = PgListener::connect(&collector.url("DATABASE_URL").unwrap()).await.unwrap();
    listener.listen("recipe_monitoring_live").await.unwrap();
    let payload = soon("a notification", listener.recv()).await.unwrap().payload().to_owned();
    let text = payload.splitn(4, ' ').nth(3).unwrap();
    assert!(reading(text).uptime_seconds > 0);
    drop(listener);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_of_the_specification_is_saved_in_the_partition_of_its_month() {
    let directory = directory();
    let mut collector = Collector::start(&directory.path().join("data"), &FAST).await;
    let mut database = collector.database().await;
    let sql = "SELECT DISTINCT metric_name::text FROM system_metrics WHERE labels - 'host' = '{}' ORDER BY 1";
    let wanted = ["cpu_usage", "disk_usage", "load_average_15m", "load_average_1m", "load_average_5m", "memory_usage"];
    until("all metrics", async || {
        let names: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut database).await.unwrap();
        wanted.iter().all(|name| names.iter().any(|known| known == name)).then_some(())
    })
    .await;
    let sql = "SELECT count(*) FROM system_metrics
               WHERE tableoid::regclass::text <> 'system_metrics_' || to_char(timestamp AT TIME ZONE 'UTC', 'YYYY_MM')";
    let elsewhere: i64 = sqlx::query_scalar(sql).fetch_one(&mut database).await.unwrap();
    assert_eq!(elsewhere, 0);
    let sql = "SELECT count(*) FROM system_metrics WHERE metric_name = 'disk_usage' AND labels ? 'mount'";
    let mounts: i64 = sqlx::query_scalar(sql).fetch_one(&mut database).await.unwrap();
    assert!(mounts > 0);
    let sql = "SELECT indexname::text FROM pg_indexes WHERE tablename = 'system_metrics' ORDER BY 1";
    let indexes: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut database).await.unwrap();
    for name in ["labels", "name", "name_timestamp", "timestamp"] {
        assert!(indexes.contains(&format!("idx_system_metrics_{name}")), "{indexes:?}");
    }
    drop(database);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

/// As after a reboot, when Redis comes up later.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_starts_late_is_used() {
    let directory = directory();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("redis://127.0.0.1:{port}");
    let mut command = program(&[]);
    command.env("REDIS_URL", &url);
    let mut collector = Collector::start_as(command, &directory.path().join("data"), &FAST).await;
    until("redis is missed", async || collector.log().contains("\"part\":\"Redis\"").then_some(())).await;
    let mut redis = std::process::Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
        .arg(directory.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    until("redis listens", async || std::net::TcpStream::connect(("127.0.0.1", port)).ok()).await;
    collector.has_read().await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    redis.kill().unwrap();
    redis.wait().unwrap();
}
