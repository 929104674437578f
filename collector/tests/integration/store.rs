//! What is written is what is read back.

use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use collector::config::Database;
use collector::{Archive, Batch, Buffer, Instruments, Record, Store, System};
use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;
use rustix::process::Signal;

use crate::helpers::{connect, directory, number, quiet};

/// Samples on their way, as they come out of the spool.
pub async fn batch(directory: &Path, samples: &[System]) -> Batch {
    let instruments = Instruments::register(&mut Registry::default());
    let spool = tempfile::tempdir_in(directory).unwrap();
    let buffer = Buffer::open(spool.path(), u64::MAX, 1_000, instruments).unwrap();
    for sample in samples {
        buffer.push(Record::Sample(sample.sample()));
    }
    buffer.close().await;
    buffer.batch().await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_come_back_as_they_were_and_late_ones_get_their_month() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let store = Store::open(&url, &Database::default()).await.unwrap();
    let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap();
    let sample = |seconds_ago: i64, cpu| {
        let at = now - SignedDuration::from_secs(seconds_ago);
        System { at, host: "web".into(), cpu_usage: Some(cpu), network_rx: Some(1_000), ..System::default() }
    };
    let year = 366 * 24 * 60 * 60;
    let samples = [sample(year, 1.0), sample(20, 12.345_678_9), sample(10, 0.1 + 0.2)];
    let saved = store.save(&batch(directory.path(), &samples).await, "web").await.unwrap();
    assert_eq!((saved.records, saved.rows, saved.refused), (3, 6, 0));
    let recent = Archive::new(store.clone(), None, 10.0).recent(Duration::from_secs(900), Some("web")).await.unwrap();
    let cpu: Vec<_> = recent.iter().map(|point| (point.at, point.cpu_usage)).collect();
    assert_eq!(cpu, [(sample(20, 0.0).at, Some(12.345_678_9)), (sample(10, 0.0).at, Some(0.1 + 0.2))]);
    assert_eq!(recent[1].rx_per_second, Some(100.0));
    let sql = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'system_metrics'::regclass";
    let partitions: i64 = sqlx::query_scalar(sql).fetch_one(&mut connect(&url).await).await.unwrap();
    assert!(partitions >= 2);
    store.close().await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

/// As where a browser goes away while its page is made.
#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_half_way_leaves_no_connection_in_a_transaction() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let store = Store::open(&url, &Database { pool_min: 0, pool_max: 1, ..Database::default() }).await.unwrap();
    let archive = Archive::new(store.clone(), None, 10.0);
    let mut other = connect(&url).await;
    let mut given_up = 0;
    for turns in 0..80 {
        {
            let mut asked = pin!(archive.remove_annotation("nothing"));
            for turn in 0.. {
                if poll_fn(|context| Poll::Ready(asked.as_mut().poll(context).is_ready())).await {
                    break;
                }
                if turn == turns {
                    given_up += 1;
                    break;
                }
                // The answer may come meanwhile.
                tokio::task::yield_now().await;
            }
        }
        // By the same and only connection, once it is back.
        archive.metrics(1).await.unwrap();
        let in_transactions = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
        // The collector's own may be in one, for a moment.
        let since = Instant::now();
        while number(&mut other, in_transactions).await > 0 {
            assert!(since.elapsed() < Duration::from_secs(5), "after {turns} turns");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert!(given_up > 10, "{given_up}");
    store.close().await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_start_at_once_on_an_empty_database_do_not_trip_over_each_other() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    sqlx::query("CREATE DATABASE empty").execute(&mut connect(&url).await).await.unwrap();
    let empty = url.replace("/recipe_db?", "/empty?");
    let settings = Database { pool_min: 0, ..Database::default() };
    let start = async || {
        let store = Store::open(&empty, &settings).await?;
        let sample = System { at: Timestamp::now(), cpu_usage: Some(1.0), ..System::default() };
        let saved = store.save(&batch(directory.path(), &[sample]).await, "web").await;
        store.close().await;
        saved
    };
    let (a, b, c, d) = tokio::join!(start(), start(), start(), start());
    for outcome in [a, b, c, d] {
        assert_eq!(outcome.unwrap().rows, 1);
    }
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM system_metrics").fetch_one(&mut connect(&empty).await).await.unwrap();
    assert_eq!(rows, 4);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_itself_refuses_what_is_not_finite() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let store = Store::open(&url, &Database::default()).await.unwrap();
    let sql = "INSERT INTO system_metrics (timestamp, metric_name, metric_value) VALUES (now(), 'x', 'NaN')";
    let error = sqlx::query(sql).execute(&mut connect(&url).await).await.unwrap_err();
    assert!(error.to_string().contains("metric_value"), "{error}");
    store.close().await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
