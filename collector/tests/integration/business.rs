//! What happened in the application is counted once, by the day it happened on, whatever restarts
//! or is away meanwhile.

use std::path::Path;
use std::time::Duration;

use collector::config::{Business, Database, Metric, Schedule};
use collector::schedule::{Job, Saving, Upkeep};
use collector::{
    Buffer, BusinessMetric, Counting, Event, Exposed, ExposedValue, Exposition, Instruments, Occasion, Right, Store,
    Taken,
};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;
use sqlx::Executor;
use tokio::sync::mpsc;

use crate::helpers::{directory, until};
use crate::server::Server;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Noon of today in UTC, which is what the tests take for now.
fn noon() -> Timestamp {
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    TimeZone::UTC.to_timestamp(today.at(12, 0, 0, 0)).unwrap()
}

fn event(count: u64, at: Timestamp, id: Option<&str>) -> Event {
    Event { event: "order".to_owned(), count, at, id: id.map(str::to_owned) }
}

fn taken(accepted: u64, repeated: u64) -> Taken {
    Taken { accepted, repeated }
}

/// Metrics of an event, of a counter and of these queries.
fn settings(url: &str, queries: &[(&str, &str)]) -> Business {
    let metric = |name: &str| Metric { name: name.to_owned(), ..Metric::default() };
    let mut metrics = vec![
        Metric { event: "order".to_owned(), ..metric("orders_daily") },
        Metric { counter: "orders_total{state=\"paid\"}".to_owned(), ..metric("paid_daily") },
    ];
    metrics.extend(queries.iter().map(|(name, sql)| Metric { sql: (*sql).to_owned(), ..metric(name) }));
    let mut settings = Business { metrics, statement_timeout: Duration::from_secs(1), ..Business::default() };
    if !queries.is_empty() {
        settings.database_url = url.to_owned().into();
    }
    settings
}

/// One run of a collector, as far as it counts.
struct Run {
    store: Store,
    buffer: Buffer,
    counting: Counting,
    host: String,
    instruments: Instruments,
}

impl Run {
    async fn start(store: &Store, directory: &Path, settings: &Business) -> Self {
        let instruments = Instruments::register(&mut Registry::default());
        let buffer = Buffer::open(directory, u64::MAX, 1_000, instruments.clone()).unwrap();
        let host = directory.file_name().unwrap().to_str().unwrap().to_owned();
        let counting = Counting::open(settings, TimeZone::UTC, store.clone(), buffer.clone(), &host).await.unwrap();
        Self { store: store.clone(), buffer, counting, host, instruments }
    }

    async fn save(&self) {
        // What is just being written would be in the next one.
        until("all is on disk", async || (self.buffer.waiting_for_disk() == 0).then_some(())).await;
        let (store, buffer) = (self.store.clone(), self.buffer.clone());
        Saving::new(store, buffer, &self.host, self.instruments.clone()).perform().await.unwrap();
    }

    fn metric(&self, name: &str) -> BusinessMetric {
        let reading = self.counting.reading(noon());
        reading.metrics.into_iter().find(|metric| metric.name == name).unwrap()
    }

    /// As known without asking.
    fn today(&self) -> Option<f64> {
        self.metric("orders_daily").today
    }

    async fn asked(&self) -> Option<f64> {
        assert!(self.counting.refresh(noon()).await);
        self.today()
    }

    /// Looks at an instance with so many paid orders.
    fn look(&self, paid: f64, started: Option<Timestamp>) {
        let of = |state: &str, value| Exposed {
            name: "orders_total".to_owned(),
            labels: [("state".to_owned(), state.to_owned())].into(),
            value: ExposedValue::Counter(value),
        };
        let exposition = Exposition {
            at: noon(),
            started,
            is_partial: false,
            series: vec![of("paid", paid), of("open", 1_000.0 + paid)],
        };
        self.counting.look("shop", &exposition);
    }

    async fn paid(&self) -> Option<f64> {
        self.counting.refresh(noon()).await;
        self.metric("paid_daily").today
    }
}

async fn open(server: &Server) -> Store {
    let settings = Database { pool_min: 0, connect_timeout: Duration::from_secs(2), ..Database::default() };
    Store::open(&server.url, &settings).await.unwrap()
}

async fn stored(server: &Server, event: &str) -> i64 {
    let sql = "SELECT coalesce(sum(count), 0)::bigint FROM business_events WHERE event = $1";
    sqlx::query_scalar(sql).bind(event).fetch_one(&mut server.database().await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_counts_once_over_crashes_repeats_and_two_collectors() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let (store, settings) = (open(&server).await, settings("", &[]));
    let (a, b) = (directory.path().join("a"), directory.path().join("b"));
    let first = Run::start(&store, &a, &settings).await;
    assert_eq!(first.today(), None);
    let events = vec![event(3, noon(), Some("x")), event(2, noon(), None), event(3, noon(), Some("x"))];
    assert_eq!(first.counting.take(events).await, taken(2, 1));
    assert_eq!(first.asked().await, Some(5.0));

    // Killed, and killed again between the commit and what follows it.
    let second = Run::start(&store, &a, &settings).await;
    assert_eq!(second.counting.take(vec![event(3, noon(), Some("x"))]).await, taken(0, 1));
    assert_eq!(second.asked().await, Some(5.0));
    let batch = second.buffer.batch().await.unwrap();
    store.save(batch.as_ref().unwrap(), "a").await.unwrap();
    let third = Run::start(&store, &a, &settings).await;
    assert_eq!(third.asked().await, Some(5.0));
    third.save().await;
    assert_eq!((third.today(), third.asked().await), (Some(5.0), Some(5.0)));
    assert_eq!(stored(&server, "order").await, 5);
    // It is not in the spool any more, and known.
    let fourth = Run::start(&store, &a, &settings).await;
    assert_eq!(fourth.asked().await, Some(5.0));
    assert_eq!(fourth.counting.take(vec![event(3, noon(), Some("x"))]).await, taken(0, 1));

    // Another collector does not know it until it has asked.
    let other = Run::start(&store, &b, &settings).await;
    assert_eq!(other.counting.take(vec![event(3, noon(), Some("x"))]).await, taken(1, 0));
    assert_eq!(other.asked().await, Some(5.0));
    // The same comes to both, and both save at once.
    let ids: Vec<String> = (0..200).map(|n| format!("both {n}")).collect();
    let events = || ids.iter().map(|id| event(1, noon(), Some(id))).collect::<Vec<_>>();
    let mut turned = events();
    turned.reverse();
    assert_eq!(fourth.counting.take(events()).await, taken(200, 0));
    assert_eq!(other.counting.take(turned).await, taken(200, 0));
    tokio::join!(fourth.save(), other.save());
    assert_eq!(stored(&server, "order").await, 205);
    assert_eq!((fourth.asked().await, other.asked().await), (Some(205.0), Some(205.0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_push_at_once_and_ask_again_lose_nothing_and_double_nothing() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let (store, settings) = (open(&server).await, settings("", &[]));
    let run = Run::start(&store, &directory.path().join("a"), &settings).await;
    let mut pushing = tokio::task::JoinSet::new();
    // Each event is sent by two, and there are more than the memory before the disk holds.
    for n in 0..40 {
        let counting = run.counting.clone();
        let ids = (0..200).map(move |m| format!("{} {m}", n / 2));
        pushing.spawn(async move { counting.take(ids.map(|id| event(1, noon(), Some(&id))).collect()).await });
    }
    let saving = async {
        for _ in 0..10 {
            run.save().await;
            run.counting.refresh(noon()).await;
        }
    };
    let (all, ()) = tokio::join!(pushing.join_all(), saving);
    assert_eq!(all.iter().map(|taken| taken.accepted).sum::<u64>(), 4_000);
    assert_eq!(all.iter().map(|taken| taken.repeated).sum::<u64>(), 4_000);
    assert_eq!(run.asked().await, Some(4_000.0));
    run.save().await;
    assert_eq!((stored(&server, "order").await, run.asked().await), (4_000, Some(4_000.0)));
    assert_eq!(run.instruments.records_given_up.get(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgresql_counts_go_on_and_after_a_restart_are_not_known_rather_than_lower() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let (store, settings) = (open(&server).await, settings("", &[]));
    // As if it had been counting for days, whatever hour the test is run at.
    let earlier = "UPDATE recipe_monitoring_state.counting SET since = now() - interval '3 days'";
    server.database().await.execute(earlier).await.unwrap();
    let spool = directory.path().join("a");
    let first = Run::start(&store, &spool, &settings).await;
    first.counting.take(vec![event(4, noon(), Some("x"))]).await;
    first.save().await;
    assert_eq!(first.asked().await, Some(4.0));
    server.kill();
    assert_eq!(first.counting.take(vec![event(2, noon(), Some("y")), event(4, noon(), Some("x"))]).await, taken(1, 1));
    assert_eq!(first.counting.take(vec![event(2, noon(), Some("y"))]).await, taken(0, 1));
    first.counting.refresh(noon()).await;
    assert_eq!(first.today(), Some(6.0));
    // A day goes by.
    let tomorrow = first.counting.reading(noon() + DAY);
    assert_eq!((tomorrow.metrics[0].today, tomorrow.metrics[0].yesterday), (Some(0.0), Some(0.0)));
    let tomorrow = first.counting.reading(noon() + DAY + MINUTE);
    assert_eq!((tomorrow.metrics[0].yesterday, tomorrow.metrics[0].week[5].count), (Some(6.0), Some(6.0)));

    let second = Run::start(&store, &spool, &settings).await;
    assert!(!second.counting.refresh(noon()).await);
    assert_eq!(second.counting.take(vec![event(2, noon(), Some("y")), event(1, noon(), None)]).await, taken(1, 1));
    let metric = second.metric("orders_daily");
    assert_eq!((metric.today, metric.yesterday), (None, None));
    assert!(metric.week.iter().all(|day| day.count.is_none()), "{metric:?}");
    assert!(metric.error.unwrap().contains("PostgreSQL has not answered"));
    server.run().await;
    until("it answers", async || second.counting.refresh(noon()).await.then_some(())).await;
    assert_eq!((second.today(), second.metric("orders_daily").error), (Some(7.0), None));
    second.save().await;
    assert_eq!((second.asked().await, stored(&server, "order").await), (Some(7.0), 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn late_events_count_on_the_day_they_happened() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let (store, settings) = (open(&server).await, settings("", &[]));
    let run = Run::start(&store, &directory.path().join("a"), &settings).await;
    run.asked().await;
    // What was before the first start is not known.
    assert_eq!(run.metric("orders_daily").week.iter().filter(|day| day.count.is_some()).count(), 1);
    let midnight = noon() - SignedDuration::from_hours(12);
    let nearly = SignedDuration::from_nanos(1);
    run.counting
        .take(vec![
            event(1, midnight - DAY, None),
            event(2, noon() - DAY - nearly, None),
            // Later than now, and yesterday.
            event(4, noon() - DAY, None),
            event(8, midnight - nearly, None),
            event(16, midnight, None),
            event(32, noon() - DAY * 4, None),
        ])
        .await;
    for _ in 0..2 {
        let metric = run.metric("orders_daily");
        assert_eq!((metric.today, metric.yesterday), (Some(16.0), Some(3.0)));
        let week: Vec<_> = metric.week.iter().map(|day| day.count).collect();
        let known = |count| Some(count);
        assert_eq!(week, [None, None, known(32.0), known(0.0), known(0.0), known(15.0), known(16.0)]);
        run.save().await;
        run.asked().await;
    }
    // As the migration says that it can be asked.
    let date = TimeZone::UTC.to_datetime(noon()).date();
    let sql = "SELECT sum(count)::bigint FROM business_events
               WHERE minute >= $1::text::timestamp AT TIME ZONE 'UTC' AND minute < $2::text::timestamp AT TIME ZONE 'UTC'";
    let counted: i64 = sqlx::query_scalar(sql)
        .bind(date.yesterday().unwrap().to_string())
        .bind(date.to_string())
        .fetch_one(&mut server.database().await)
        .await
        .unwrap();
    assert_eq!(counted, 15);

    // The daily clean-up takes minutes and ids along, and what is left is still counted.
    let mut database = server.database().await;
    database.execute("UPDATE business_events SET minute = minute - interval '40 days' WHERE count = 32").await.unwrap();
    run.counting.take(vec![event(1, noon(), Some("old")), event(1, noon(), Some("new"))]).await;
    run.save().await;
    let aged = "UPDATE recipe_monitoring_state.event_ids SET at = at - interval '40 days' WHERE id = 'old'";
    database.execute(aged).await.unwrap();
    let upkeep = Upkeep::new(store.clone(), None, &Schedule::default(), "a");
    upkeep.perform(Job::Cleanup, noon(), Timestamp::now(), Right::Command).await.unwrap();
    assert_eq!(stored(&server, "order").await, 1 + 2 + 4 + 8 + 16 + 2);
    let ids: Vec<String> =
        sqlx::query_scalar("SELECT id FROM recipe_monitoring_state.event_ids").fetch_all(&mut database).await.unwrap();
    assert_eq!(ids, ["new"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_count_once_over_restarts_of_the_application_and_of_the_collector() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let (store, settings) = (open(&server).await, settings("", &[]));
    let spool = directory.path().join("a");
    let start = |seconds| Some(noon() - SignedDuration::from_secs(seconds));
    let first = Run::start(&store, &spool, &settings).await;
    first.look(100.0, start(90_000));
    // Waits for PostgreSQL, and counts then.
    assert!(first.buffer.is_empty());
    first.look(102.0, start(90_000));
    assert_eq!(first.paid().await, Some(2.0));
    first.look(103.0, start(90_000));
    assert_eq!(first.metric("paid_daily").today, Some(3.0));
    first.save().await;
    assert_eq!(first.paid().await, Some(3.0));
    first.look(104.0, start(90_000));
    until("it is on disk", async || (!first.buffer.is_empty()).then_some(())).await;
    first.buffer.close().await;

    // The collector was down while 6 were counted; the newest value is in its spool only.
    let second = Run::start(&store, &spool, &settings).await;
    assert_eq!(second.paid().await, Some(4.0));
    second.look(110.0, start(90_000));
    assert_eq!(second.metric("paid_daily").today, Some(10.0));
    second.save().await;
    // The application was restarted, and had soon counted more than before.
    second.look(200.0, start(60));
    assert_eq!(second.paid().await, Some(210.0));
    second.save().await;

    // Both restart while PostgreSQL is away: nothing is guessed, and in the end all is counted.
    server.kill();
    let third = Run::start(&store, &spool, &settings).await;
    third.look(203.0, start(60));
    third.look(5.0, start(10));
    assert_eq!(third.paid().await, None);
    assert!(third.buffer.is_empty());
    server.run().await;
    until("it answers", async || third.counting.refresh(noon()).await.then_some(())).await;
    assert_eq!(third.metric("paid_daily").today, Some(218.0));
    third.save().await;
    assert_eq!((third.paid().await, stored(&server, "counter:paid_daily").await), (Some(218.0), 218));
    assert_eq!(third.today(), Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_metrics_read_and_do_not_write_and_a_slow_one_holds_up_no_other() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    for statement in [
        "CREATE TABLE orders (paid_at TIMESTAMPTZ NOT NULL, amount NUMERIC NOT NULL)",
        "INSERT INTO orders SELECT now() - n * INTERVAL '1 day', n + 0.25 FROM generate_series(0, 3) AS n",
        "CREATE FUNCTION add_order() RETURNS INTEGER LANGUAGE sql AS $$
             INSERT INTO orders VALUES (now(), 1); SELECT 1 $$",
    ] {
        database.execute(statement).await.unwrap();
    }
    let settings = settings(
        &server.url,
        &[
            ("sold", "SELECT count(*) FROM orders WHERE paid_at >= $1 AND paid_at < $2 -- a comment"),
            (
                "amount",
                "WITH paid AS (SELECT * FROM orders WHERE paid_at >= $1 AND paid_at < $2)\nSELECT sum(amount) FROM paid;",
            ),
            ("few", "SELECT 7::smallint"),
            ("none", "SELECT amount FROM orders WHERE amount < 0"),
            ("writes", "SELECT add_order()"),
            ("allowed", "SELECT add_order() FROM set_config('transaction_read_only', 'off', true)"),
            ("deletes", "DELETE FROM orders RETURNING 1"),
            ("two", "SELECT 1) ; DELETE FROM orders; SELECT (1"),
            ("slow", "SELECT count(*) FROM pg_sleep(30)"),
            ("wrong", "SELECT nonsense FROM orders"),
            ("text", "SELECT 'many'"),
            ("nan", "SELECT 'NaN'::numeric"),
        ],
    );
    let store = open(&server).await;
    let run = Run::start(&store, &directory.path().join("a"), &settings).await;
    let (given, mut readings) = mpsc::unbounded_channel();
    let counting = run.counting.clone();
    let watching = tokio::spawn(async move {
        let give = move |reading, occasion| drop(given.send((reading, occasion)));
        counting.watch(Duration::from_secs(3_600), give).await;
    });
    let (first, occasion) = readings.recv().await.unwrap();
    // Those of PostgreSQL do not wait for the slow one.
    assert_eq!((first.metrics[0].today, occasion), (Some(0.0), Occasion::Sample));
    run.counting.take(vec![event(3, Timestamp::now(), None)]).await;
    let (next, occasion) = readings.recv().await.unwrap();
    assert_eq!((next.metrics[0].today, occasion), (Some(3.0), Occasion::News));
    let all = until("all have answered", async || {
        let reading = run.counting.reading(Timestamp::now());
        let done = reading.metrics[2..].iter().all(|metric| metric.today.is_some() || metric.error.is_some());
        (done && reading.metrics[2].week[0].count.is_some()).then_some(reading)
    })
    .await;
    watching.abort();
    let of = |name: &str| all.metrics.iter().find(|metric| metric.name == name).unwrap();
    let week = |name: &str| of(name).week.iter().map(|day| day.count.unwrap()).collect::<Vec<_>>();
    assert_eq!(week("sold"), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    assert_eq!(week("amount"), [0.0, 0.0, 0.0, 3.25, 2.25, 1.25, 0.25]);
    assert_eq!((of("few").today, of("none").today), (Some(7.0), Some(0.0)));
    for (name, sentence) in [
        ("writes", "tries to write"),
        ("allowed", "refuses its sql"),
        ("deletes", "refuses its sql"),
        ("two", "refuses its sql"),
        ("slow", "took longer than 1s"),
        ("wrong", "error 42703"),
        ("text", "error 22P02"),
        ("nan", "not a finite number"),
    ] {
        let metric = of(name);
        let error = metric.error.as_deref().unwrap_or_default();
        assert!(metric.today.is_none() && error.contains(sentence), "{name}: {error}");
    }
    let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&mut database).await.unwrap();
    assert_eq!(orders, 4);
    run.counting.close().await;
}
