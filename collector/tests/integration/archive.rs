//! What is read back is what was kept: saved or not, from samples or rollups, while it is being saved.

use std::time::Duration;

use collector::config::{Database, Schedule};
use collector::schedule::{Job, Saving, Upkeep};
use collector::{
    Archive, ArchiveError, Buffer, Instruments, Labels, Point, Range, RangeQuery, Record, Resolution, Right, Sample,
    Store,
};
use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;

use crate::helpers::{directory, until};
use crate::server::Server;

/// A history with what writes it.
struct History {
    buffer: Buffer,
    saving: Saving,
    store: Store,
    archive: Archive,
}

impl History {
    async fn start(server: &Server, spool: &std::path::Path) -> Self {
        let settings = Database { pool_min: 0, connect_timeout: Duration::from_secs(5), ..Database::default() };
        let store = Store::open(&server.url, &settings).await.unwrap();
        let instruments = Instruments::register(&mut Registry::default());
        let buffer = Buffer::open(spool, 1 << 30, 10_000, instruments.clone()).unwrap();
        let saving = Saving::new(store.clone(), buffer.clone(), "web", instruments);
        let archive = Archive::new(store.clone(), Some(buffer.unsaved()), 10.0);
        Self { buffer, saving, store, archive }
    }

    /// Keeps a value of `cpu_usage`, and a part of it that must not be taken for the whole.
    async fn keep(&self, at: Timestamp, value: f64) {
        let point = |value, labels| Point { metric_name: "cpu_usage".into(), value, labels };
        let part = Labels::from([("core".to_owned(), "0".to_owned())]);
        let points = vec![point(value, Labels::new()), point(-1.0, part)];
        let seq = self.buffer.push(Record::Sample(Sample { at, host: "web".to_owned(), points }));
        self.buffer.kept(seq).await;
    }

    async fn save(&self) {
        self.saving.clone().perform().await.unwrap();
    }

    async fn aggregate(&self, now: Timestamp) {
        let upkeep = Upkeep::new(self.store.clone(), None, &Schedule::default(), "web");
        upkeep.perform(Job::Aggregate, now, now, Right::Command).await.unwrap();
    }

    async fn range(&self, from: Timestamp, to: Timestamp, points: u32, resolution: Resolution) -> Range {
        self.archive.range(&query(from, to, points, Some(resolution))).await.unwrap()
    }
}

fn query(from: Timestamp, to: Timestamp, points: u32, resolution: Option<Resolution>) -> RangeQuery {
    RangeQuery { metric: "cpu_usage".to_owned(), labels: Labels::new(), from, to, points, resolution }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Number, sum, smallest and largest of the samples that the one series of a range stands for.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn total(range: &Range) -> (u64, f64, f64, f64) {
    let [series] = &range.series[..] else { panic!("{range:?}") };
    let sum = series.points.iter().map(|point| point.avg * point.count as f64).sum::<f64>();
    (
        series.points.iter().map(|point| point.count).sum(),
        (sum * 1e6).round() / 1e6,
        series.points.iter().map(|point| point.min).fold(f64::INFINITY, f64::min),
        series.points.iter().map(|point| point.max).fold(f64::NEG_INFINITY, f64::max),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_and_rollups_say_the_same_with_at_most_as_many_points_as_asked_for() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let history = History::start(&server, &directory.path().join("spool")).await;
    // Three hours of a sample a minute, without the second quarter of the second hour.
    let start = at("2026-11-24T03:00:00Z");
    let (mut count, mut sum) = (0, 0.0);
    for minute in (0..180).filter(|minute| !(75..90).contains(minute)) {
        let value = f64::from(minute);
        history.keep(start + SignedDuration::from_mins(i64::from(minute)), value).await;
        (count, sum) = (count + 1, sum + value);
    }
    let (from, to) = (start - SignedDuration::from_secs(1), at("2026-11-24T06:00:00Z"));
    let truth = (count, sum, 0.0, 179.0);
    for saved in [false, true] {
        if saved {
            history.save().await;
        }
        for points in [1, 2, 10, 100, 800] {
            let range = history.range(from, to, points, Resolution::Raw).await;
            assert!(range.series[0].points.len() <= points as usize, "{points}: {}", range.series[0].points.len());
            assert_eq!(total(&range), truth, "{saved} {points}");
            // The newest point is as new as the newest sample.
            assert_eq!(range.series[0].points.last().unwrap().at, at("2026-11-24T05:59:00Z"));
        }
        let range = history.range(from, to, 800, Resolution::Hourly).await;
        assert_eq!((total(&range), range.resolution), (truth, Resolution::Hourly), "{saved}");
    }
    // A gap is a gap.
    let range = history.range(from, to, 800, Resolution::Raw).await;
    let gap = range.series[0].points.windows(2).map(|pair| pair[1].at.duration_since(pair[0].at)).max().unwrap();
    assert_eq!(gap, SignedDuration::from_mins(16));

    history.aggregate(at("2026-11-24T05:30:00Z")).await;
    for points in [3, 800] {
        let range = history.range(from, to, points, Resolution::Hourly).await;
        assert_eq!(total(&range), truth);
        assert_eq!(range.series[0].points.last().unwrap().at, at("2026-11-24T05:59:00Z"), "the hour under way");
    }
    // Cut anywhere, also at the moment of a sample: the beginning is outside and the end inside.
    for (from, to) in [
        ("03:00:00", "05:00:00"),
        ("03:00:00", "04:00:00"),
        ("02:30:00", "03:00:00"),
        ("03:20:00", "04:40:30"),
        ("03:59:30", "05:00:30"),
        ("03:30:00", "03:45:00"),
        ("04:00:00", "05:30:00"),
    ] {
        let [from, to] = [from, to].map(|time| at(&format!("2026-11-24T{time}Z")));
        let raw = history.range(from, to, 800, Resolution::Raw).await;
        for points in [1, 2, 3, 800] {
            let range = history.range(from, to, points, Resolution::Hourly).await;
            assert_eq!(total(&range), total(&raw), "{from} {to} {points}");
            let found = &range.series[0].points;
            assert!(found.len() <= points as usize, "{from} {to} {points}: {}", found.len());
            assert!(found.iter().all(|point| point.at > from && point.at <= to), "{from} {to} {found:?}");
        }
    }
    // Late, into an hour that was rolled up already.
    history.keep(at("2026-11-24T04:20:00Z"), 500.0).await;
    for step in ["unsaved", "saved", "aggregated"] {
        match step {
            "saved" => history.save().await,
            "aggregated" => history.aggregate(at("2026-11-24T05:30:00Z")).await,
            _ => {}
        }
        let range = history.range(from, to, 800, Resolution::Hourly).await;
        assert_eq!(total(&range), (count + 1, sum + 500.0, 0.0, 500.0), "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_being_saved_nothing_is_missing_and_nothing_counted_twice() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let history = History::start(&server, &directory.path().join("spool")).await;
    let start = Timestamp::now() - SignedDuration::from_mins(10);
    history.keep(start, 0.0).await;
    history.save().await;
    let saving = history.saving.clone();
    let saves = tokio::spawn(async move {
        loop {
            saving.clone().perform().await.unwrap();
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    });
    for n in 1..=150_u32 {
        history.keep(start + SignedDuration::from_millis(i64::from(n)), f64::from(n)).await;
        let from = start - SignedDuration::from_secs(1);
        let range = history.range(from, Timestamp::now(), 5, Resolution::Raw).await;
        let (count, sum, _, max) = total(&range);
        assert_eq!((count, sum, max), (u64::from(n) + 1, f64::from(n * (n + 1) / 2), f64::from(n)));
    }
    saves.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgresql_it_answers_what_is_not_saved_and_says_so() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let history = History::start(&server, &directory.path().join("spool")).await;
    let start = Timestamp::now() - SignedDuration::from_mins(10);
    history.keep(start, 1.0).await;
    history.save().await;
    server.stop();
    history.keep(start + SignedDuration::from_secs(10), 2.0).await;
    let from = start - SignedDuration::from_secs(1);
    let range = history.range(from, Timestamp::now(), 100, Resolution::Raw).await;
    assert_eq!((range.complete, total(&range)), (false, (1, 2.0, 2.0, 2.0)));
    server.run().await;
    let range = until("postgresql is back", async || {
        Some(history.range(from, Timestamp::now(), 100, Resolution::Raw).await).filter(|range| range.complete)
    })
    .await;
    assert_eq!(total(&range), (2, 3.0, 1.0, 2.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn series_are_told_apart_and_nonsense_is_refused_by_name() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let history = History::start(&server, &directory.path().join("spool")).await;
    let start = Timestamp::now() - SignedDuration::from_mins(10);
    history.keep(start, 5.0).await;
    let other = Sample {
        at: start,
        host: "db".to_owned(),
        points: vec![Point { metric_name: "cpu_usage".into(), value: 7.0, labels: Labels::new() }],
    };
    history.buffer.kept(history.buffer.push(Record::Sample(other))).await;
    let (from, to) = (start - SignedDuration::from_secs(1), Timestamp::now());
    for saved in [false, true] {
        if saved {
            history.save().await;
        }
        let ask = async |labels: &[(&str, &str)]| {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let range = history.archive.range(&RangeQuery { labels, ..query(from, to, 10, None) }).await.unwrap();
            range.series.iter().map(|series| series.points[0].avg).collect::<Vec<_>>()
        };
        assert_eq!(ask(&[]).await, [7.0, 5.0], "{saved}: one of each host");
        assert_eq!(ask(&[("host", "web")]).await, [5.0]);
        assert_eq!(ask(&[("core", "0")]).await, [-1.0]);
        assert_eq!(ask(&[("host", "nobody")]).await, [0.0; 0]);
    }
    let refused = async |query: RangeQuery| history.archive.range(&query).await.unwrap_err().to_string();
    let whole = query(from, to, 10, None);
    for (question, part) in [
        (RangeQuery { points: 0, ..whole.clone() }, "points is 0: use 1 to 11000"),
        (RangeQuery { points: 20_000, ..whole.clone() }, "points is 20000"),
        (RangeQuery { to: from, ..whole.clone() }, "from is"),
        (RangeQuery { metric: String::new(), ..whole.clone() }, "metric is empty"),
        (RangeQuery { metric: "cpu_usag".to_owned(), ..whole.clone() }, "nearest one is cpu_usage"),
        (RangeQuery { metric: "'; DROP TABLE system_metrics; --".to_owned(), ..whole }, "there is no metric"),
    ] {
        let error = refused(question).await;
        assert!(error.contains(part), "{error}");
    }
    // More parts than one answer has room for.
    let parts = (0..250).map(|core| Point {
        metric_name: "core_usage".into(),
        value: f64::from(core),
        labels: Labels::from([("core".to_owned(), core.to_string())]),
    });
    for (at, save) in [(start, true), (start + SignedDuration::from_secs(10), false)] {
        let sample = Sample { at, host: "web".to_owned(), points: parts.clone().collect() };
        history.buffer.kept(history.buffer.push(Record::Sample(sample))).await;
        let all = RangeQuery { metric: "core_usage".to_owned(), ..query(from, to, 10, None) };
        let range = history.archive.range(&all).await.unwrap();
        assert_eq!((range.series.len(), range.series_left_out), (200, 50));
        if save {
            history.save().await;
        }
    }
    let stats = history.archive.stats("cpu_usage", 1).await.unwrap();
    assert_eq!((stats.count, stats.min, stats.max), (2, Some(5.0), Some(7.0)));
    assert!(matches!(history.archive.stats("cpu_usage", 0).await, Err(ArchiveError::Invalid { field: "hours", .. })));
    assert!(matches!(history.archive.stats("nonsense", 1).await, Err(ArchiveError::NoMetric { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_over_hours_are_of_what_is_saved_and_what_is_not() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let history = History::start(&server, &directory.path().join("spool")).await;
    let start = Timestamp::now() - SignedDuration::from_mins(10);
    let keep = async |numbers: std::ops::RangeInclusive<i32>| {
        for n in numbers {
            history.keep(start + SignedDuration::from_secs(n.into()), 1.0 / f64::from(n)).await;
        }
    };
    keep(1..=20).await;
    history.save().await;
    keep(21..=37).await;
    let both = history.archive.stats("cpu_usage", 1).await.unwrap();
    assert_eq!((both.count, both.complete, both.max, both.min), (37, true, Some(1.0), Some(1.0 / 37.0)));
    history.save().await;
    // The same as when all is saved, also by the function that users call.
    assert_eq!(history.archive.stats("cpu_usage", 1).await.unwrap(), both);
    let sql = "SELECT avg::float8, stddev::float8, p50::float8, p95::float8, p99::float8
               FROM get_metric_stats('cpu_usage', 1)";
    let numbers: (f64, f64, f64, f64, f64) = sqlx::query_as(sql).fetch_one(&mut server.database().await).await.unwrap();
    let close = |a: Option<f64>, b: f64| (a.unwrap() - b).abs() < 1e-12;
    assert!(close(both.avg, numbers.0) && close(both.stddev, numbers.1), "{both:?} {numbers:?}");
    assert!(close(both.p50, numbers.2) && close(both.p95, numbers.3) && close(both.p99, numbers.4));
    server.stop();
    keep(38..=40).await;
    let rest = history.archive.stats("cpu_usage", 1).await.unwrap();
    assert_eq!((rest.count, rest.complete, rest.p50), (3, false, Some(1.0 / 39.0)));
    let past = history.archive.system_history(the_last(900), 100, Some("web")).await;
    assert!(!past.is_complete() && past.points().len() > 0, "{past:?}");
}

/// The last so many seconds.
fn the_last(seconds: i64) -> (Timestamp, Timestamp) {
    let now = Timestamp::now();
    (now - SignedDuration::from_secs(seconds), now)
}

/// The archive here believes that a sample covers 10 s.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_becomes_a_rate_by_the_interval_that_it_was_sampled_at() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let history = History::start(&server, &directory.path().join("spool")).await;
    let now = Timestamp::now();
    let start = now - SignedDuration::from_hours(4);
    // Every 60 s for two hours, nothing for 20 minutes, every 5 s for 10 minutes: 100 bytes/s always.
    let slow = (0..120).map(|n| (n * 60, 60.0));
    let fast = (0..120).map(|n| (8_400 + n * 5, 5.0));
    let mut last = 0;
    for (second, length) in slow.chain(fast) {
        let points = vec![Point { metric_name: "network_rx".into(), value: 100.0 * length, labels: Labels::new() }];
        let at = start + SignedDuration::from_secs(second);
        last = history.buffer.push(Record::Sample(Sample { at, host: "web".to_owned(), points }));
    }
    history.buffer.kept(last).await;
    for step in ["unsaved", "saved", "aggregated"] {
        match step {
            "saved" => history.save().await,
            "aggregated" => history.aggregate(now).await,
            _ => {}
        }
        for (seconds, points) in [(6 * 3_600, 360), (6 * 3_600, 20), (7 * 24 * 3_600, 360)] {
            let past = history.archive.system_history(the_last(seconds), points, Some("web")).await;
            let rates: Vec<_> = past.points().filter_map(|point| point.rx_per_second).collect();
            assert!(!rates.is_empty());
            // One step can have the end of the one and the beginning of the other.
            let wrong = rates.iter().filter(|rate| (**rate - 100.0).abs() > 1.0).count();
            assert!(wrong <= 1, "{step} {seconds} {points}: {rates:?}");
        }
    }
}
