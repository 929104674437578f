//! What is wrong with a store is told apart, and the alert that says so is out within seconds of
//! the fault, however rarely the host is read.

use std::path::Path;
use std::time::{Duration, Instant};

use collector::alert::Alert;
use collector::{Feed, LiveEvent, PartFault, PartName, Payload, Role, Running, Settings, Subscription};
use jiff::Timestamp;
use prometheus_client::registry::Registry;
use rustix::process::Signal;

use crate::helpers::{directory, execute, number, soon, until};
use crate::redis::{Redis, ask, end_others};
use crate::server::Server;

/// From the fault to the alert.
const LIMIT: Duration = Duration::from_secs(5);
const POSTGRESQL: &str = "DatabaseConnectionLost";
const REDIS: &str = "RedisConnectionLost";

/// A collector in this process.
async fn collector(place: &Path, database: &str, redis: &str) -> Running {
    let mut settings = Settings::default();
    settings.storage.data_dir = place.join("data");
    settings.database.url = database.to_owned().into();
    (settings.database.pool_min, settings.database.pool_max) = (0, 3);
    settings.redis.enabled = !redis.is_empty();
    settings.redis.url = redis.to_owned().into();
    // Nothing but the probes tells of anything.
    settings.live.push = Duration::from_secs(60);
    settings.sampling.system = Duration::from_secs(60);
    (settings.application.enabled, settings.business.enabled) = (false, false);
    let running = Running::start(&settings, Role::Collector, &mut Registry::default()).await.unwrap();
    for part in [PartName::Postgresql, PartName::Redis].into_iter().take(if redis.is_empty() { 1 } else { 2 }) {
        until("it is asked", async || running.feed().health().part(part)?.last_seen.map(drop)).await;
    }
    running
}

/// What a browser gets of the alerts of one rule.
struct Page {
    rule: &'static str,
    feed: Feed,
    events: Subscription,
}

impl Page {
    fn of(running: &Running, rule: &'static str) -> Self {
        let feed = running.feed().clone();
        Self { rule, events: feed.subscribe(None, Timestamp::now()), feed }
    }

    /// The next one that fires, or is over.
    async fn next(&mut self, is_over: bool) -> Alert {
        loop {
            let frame = soon(self.rule, self.events.next()).await.unwrap();
            match serde_json::from_slice::<LiveEvent>(&frame.text).unwrap().payload {
                Payload::AlertNew(alert) if alert.rule_name == self.rule && !is_over => return *alert,
                Payload::AlertResolved(alert) if alert.rule_name == self.rule && is_over => return *alert,
                _ => {}
            }
        }
    }

    /// The alert for this fault comes in time and says so, and the part does too.
    async fn says(&mut self, fault: PartFault, since: Instant, [english, japanese]: [&str; 2]) {
        let alert = self.next(false).await;
        let took = since.elapsed();
        let (name, part) = match self.rule {
            POSTGRESQL => ("PostgreSQL", PartName::Postgresql),
            _ => ("Redis", PartName::Redis),
        };
        assert_eq!(alert.message, format!("{name} does not answer: {english}"));
        assert_eq!(alert.message_ja, format!("{name} が応答しません: {japanese}"));
        assert!(took < LIMIT, "{fault:?} took {took:?}");
        eprintln!("{name}, {fault:?}: {took:?}");
        let labels: Vec<_> = alert.labels.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(labels, ["host", "part"]);
        assert_eq!(self.feed.health().part(part).unwrap().fault, Some(fault));
    }

    async fn is_well(&mut self) {
        self.next(true).await;
    }
}

const REFUSED: [&str; 2] = ["connection refused", "接続が拒否されました"];
const HANGING: [&str; 2] = ["no answer in time", "時間内に返答がありません"];
const PASSWORD: [&str; 2] = ["the user or password is refused", "ユーザーまたはパスワードが受け付けられません"];
const READ_ONLY: [&str; 2] = ["it is read-only and takes no writes", "読み取り専用で、書き込めません"];
const EXHAUSTED: [&str; 2] = ["all connections of the pool are in use", "プールの接続がすべて使用中です"];
const NO_MORE: [&str; 2] = ["it takes no more connections", "接続数が上限に達しています"];
const FULL: [&str; 2] = ["it is out of memory", "メモリが不足しています"];

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_postgresql_is_an_alert_that_says_which_within_seconds() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let place = directory.path().join("own");
    std::fs::create_dir(&place).unwrap();
    let running = collector(&place, &server.url, "").await;
    let mut page = Page::of(&running, POSTGRESQL);

    let since = Instant::now();
    server.kill();
    page.says(PartFault::Refused, since, REFUSED).await;
    server.run().await;
    page.is_well().await;

    let since = Instant::now();
    let paused = server.pause();
    page.says(PartFault::Hanging, since, HANGING).await;
    paused.resume();
    page.is_well().await;

    let mut database = server.database().await;
    let password = server.url.split([':', '@']).nth(2).unwrap().to_owned();
    let end_others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
    execute(&mut database, "ALTER ROLE recipe_user PASSWORD 'another'").await;
    let since = Instant::now();
    execute(&mut database, end_others).await;
    page.says(PartFault::WrongPassword, since, PASSWORD).await;
    execute(&mut database, &format!("ALTER ROLE recipe_user PASSWORD '{password}'")).await;
    page.is_well().await;

    execute(&mut database, "ALTER SYSTEM SET default_transaction_read_only = on").await;
    let since = Instant::now();
    execute(&mut database, "SELECT pg_reload_conf()").await;
    page.says(PartFault::ReadOnly, since, READ_ONLY).await;
    execute(&mut database, "ALTER SYSTEM RESET default_transaction_read_only").await;
    execute(&mut database, "SELECT pg_reload_conf()").await;
    page.is_well().await;

    // Three statements of the collector wait for a lock, over all connections that it may have.
    let store = running.archive().clone();
    let mut holder = server.database().await;
    execute(&mut holder, "BEGIN; LOCK TABLE system_metrics, metrics_hourly, alert_history").await;
    let since = Instant::now();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.stats("cpu_usage", 24).await.map(drop) })
        })
        .collect();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    until("they wait", async || (number(&mut database, waits).await >= 3).then_some(())).await;
    page.says(PartFault::PoolExhausted, since, EXHAUSTED).await;
    execute(&mut holder, "ROLLBACK").await;
    for waiting in waiting {
        let _ = waiting.await;
    }
    page.is_well().await;

    // Every firing is a row, also of what was said while there was no PostgreSQL.
    running.save_soon();
    let rows =
        "SELECT count(DISTINCT message) FROM alert_history WHERE rule_name = 'DatabaseConnectionLost' AND resolved";
    until("the rows are there", async || (number(&mut database, rows).await == 5).then_some(())).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_redis_is_an_alert_that_says_which_within_seconds() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let place = directory.path().join("own");
    std::fs::create_dir(&place).unwrap();
    let mut redis = Redis::start(&place).await;
    let running = collector(&place, &server.url, &redis.url()).await;
    let mut page = Page::of(&running, REDIS);

    let since = Instant::now();
    redis.kill();
    page.says(PartFault::Refused, since, REFUSED).await;
    redis.run(&place).await;
    page.is_well().await;

    let since = Instant::now();
    redis.signal(Signal::STOP);
    page.says(PartFault::Hanging, since, HANGING).await;
    redis.signal(Signal::CONT);
    page.is_well().await;

    let client = redis.client().await;
    ask(&client, "CONFIG", &["SET", "requirepass", "another"]).await;
    let since = Instant::now();
    end_others(&client).await;
    page.says(PartFault::WrongPassword, since, PASSWORD).await;
    ask(&client, "CONFIG", &["SET", "requirepass", "hunter2"]).await;
    page.is_well().await;

    let master = Redis::start(directory.path()).await;
    let since = Instant::now();
    ask(&client, "REPLICAOF", &["127.0.0.1", &master.port.to_string()]).await;
    page.says(PartFault::ReadOnly, since, READ_ONLY).await;
    ask(&client, "REPLICAOF", &["NO", "ONE"]).await;
    page.is_well().await;

    ask(&client, "CONFIG", &["SET", "maxmemory-policy", "noeviction"]).await;
    let since = Instant::now();
    ask(&client, "CONFIG", &["SET", "maxmemory", "1"]).await;
    page.says(PartFault::OutOfMemory, since, FULL).await;
    ask(&client, "CONFIG", &["SET", "maxmemory", "0"]).await;
    page.is_well().await;

    ask(&client, "CONFIG", &["SET", "maxclients", "1"]).await;
    let since = Instant::now();
    end_others(&client).await;
    page.says(PartFault::TooManyConnections, since, NO_MORE).await;
    ask(&client, "CONFIG", &["SET", "maxclients", "100"]).await;
    page.is_well().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_stores_dead_at_once_are_two_alerts_within_seconds() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let place = directory.path().join("own");
    std::fs::create_dir(&place).unwrap();
    let mut redis = Redis::start(&place).await;
    let running = collector(&place, &server.url, &redis.url()).await;
    let (mut history, mut cache) = (Page::of(&running, POSTGRESQL), Page::of(&running, REDIS));
    let since = Instant::now();
    server.kill();
    redis.kill();
    let refused = PartFault::Refused;
    tokio::join!(history.says(refused, since, REFUSED), cache.says(refused, since, REFUSED));
    running.stop().await;
}
