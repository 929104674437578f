//! The real runner through two months of a clock that is handed in: with a day on which the clocks
//! go back, a leap day, a day on which they go forward, and a clock that is an hour wrong for some
//! days. Morocco has all of that in the first quarter of 2028.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use collector::config::{Database, Schedule};
use collector::schedule::{Clock, Collecting, Job, Saving, TIMETABLE, Upkeep, run_each, run_one};
use collector::{Buffer, Feed, Instruments, Payload, Record, Right, Store, System};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;
use rustix::process::Signal;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::clock::Simulated;
use crate::helpers::{connect, directory, new_database, number, quiet, until};

const ZONE: &str = "Africa/Casablanca";
const DAYS: u32 = 60;
const DAY: Duration = Duration::from_secs(86_400);
const STRIDE: Duration = Duration::from_secs(1_800);
/// Looks at the clock a day.
const LOOKS: u64 = 48;
/// Collections, saves, the lease, the work, and the sampler here.
const PARTIES: usize = 5;

/// Runs of every job in this process, by outcome.
fn runs(registry: &Registry) -> BTreeMap<(String, String), u64> {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("recipe_monitoring_job_runs_total{"));
    let runs = lines.map(|line| {
        let (labels, count) = line.split_once("} ").unwrap();
        let label =
            |name: &str| labels.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned();
        ((label("job"), label("outcome")), count.parse().unwrap())
    });
    runs.collect()
}

async fn rows<T>(database: &mut PgConnection, sql: &str) -> Vec<T>
where
    T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    sqlx::query_as(AssertSqlSafe(sql.to_owned())).fetch_all(database).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_months_of_the_runner_do_every_job_when_it_is_due_and_what_it_is_for() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let url = new_database(&url, "months").await;
    let mut database = connect(&url).await;
    rows::<()>(&mut database, "ALTER DATABASE months SET synchronous_commit = off").await;
    let schedule = Schedule {
        time_zone: ZONE.to_owned(),
        collect: STRIDE,
        save: Duration::from_secs(3_600),
        ..Schedule::default()
    };
    let store = Store::open(&url, &Database { pool_min: 0, ..Database::default() }).await.unwrap();
    let mut registry = Registry::default();
    let instruments = Instruments::register(&mut registry);
    let buffer = Buffer::open(&directory.path().join("spool"), u64::MAX, 100_000, instruments.clone()).unwrap();

    let start: Timestamp = "2028-01-15T00:00:00Z".parse().unwrap();
    let (hour, minutes) = (SignedDuration::from_hours(1), |minutes: u64| Duration::from_secs(60 * minutes));
    // Over the time of the daily work: it never shows 02:30 to 03:30 one day, and twice on another.
    let steps = [(DAY * 26 + minutes(150), hour), (DAY * 36 + minutes(150), -hour)];
    let clock = Arc::new(Simulated::new(start, STRIDE, PARTIES, &steps));
    let feed = Feed::new(Duration::from_secs(2), start);
    let collecting = Collecting { feed: feed.clone(), buffer: buffer.clone(), instruments: instruments.clone() };
    let saving = Saving::new(store.clone(), buffer.clone(), "web", instruments.clone());
    let upkeep = Upkeep::new(store.clone(), None, &schedule, "web");
    let dynamic: Arc<dyn Clock> = Arc::<Simulated>::clone(&clock);
    let each = run_each(Arc::clone(&dynamic), schedule.clone(), collecting, saving.clone());
    let one = run_one(dynamic, schedule.clone(), store.clone(), upkeep.clone(), Uuid::now_v7(), instruments.clone());
    // What is sampled, for the ledger.
    let sampler = async {
        let mut taken = Vec::new();
        while clock.elapsed() < DAY * DAYS {
            let at = clock.now();
            let cpu = f64::from(u32::try_from(taken.len() % 100).unwrap());
            let system = System { at, host: "web".into(), cpu_usage: Some(cpu), ..System::default() };
            buffer.push(Record::Sample(system.sample()));
            feed.publish(Payload::System(Box::new(system)), at).unwrap();
            taken.push((at, cpu));
            clock.sleep(STRIDE).await;
        }
        taken
    };
    let taken = tokio::select! {
        taken = sampler => taken,
        () = each => unreachable!("it runs for ever"),
        () = one => unreachable!("it runs for ever"),
    };
    // The end of the last day has not been seen by all.
    buffer.close().await;
    saving.perform().await.unwrap();
    let end = clock.shown(DAY * DAYS);
    for (job, ..) in TIMETABLE.iter().filter(|(job, ..)| !matches!(job, Job::Collect | Job::Save | Job::Cleanup)) {
        upkeep.perform(*job, end, end, Right::Command).await.unwrap();
    }

    let runs = runs(&registry);
    assert!(runs.keys().all(|(_, outcome)| outcome == "success"), "{runs:?}");
    let of = |job: &str| runs[&(job.to_owned(), "success".to_owned())];
    // 03:00 of the first day is the first: what was due the day before is caught up with before it.
    for daily in ["partitions", "summarize", "cleanup"] {
        assert_eq!(of(daily), u64::from(DAYS) + 1, "{daily} {runs:?}");
    }
    // An hour that comes twice is aggregated once more when it has gone by, one that is left out is not there.
    for hourly in ["aggregate", "refresh"] {
        assert!(of(hourly).abs_diff(u64::from(DAYS) * 24) <= 1, "{hourly} {runs:?}");
    }
    // A moment that comes twice is collected once.
    assert!(of("collect").abs_diff(u64::from(DAYS) * LOOKS) <= 3, "{runs:?}");
    assert!(of("save") >= u64::from(DAYS) * 24, "{runs:?}");

    // The days, by the ledger: each has what was sampled on it.
    let zone = TimeZone::get(ZONE).unwrap();
    let mut days: BTreeMap<String, i64> = BTreeMap::new();
    for (at, _) in &taken {
        *days.entry(zone.to_datetime(*at).date().to_string()).or_default() += 1;
    }
    let today = zone.to_datetime(end).date().to_string();
    days.remove(&today);
    let sql =
        "SELECT date::text, (summary_data #>> '{metrics,cpu_usage,count}')::bigint FROM daily_summaries ORDER BY date";
    let summarised: Vec<(String, i64)> = rows(&mut database, sql).await;
    assert_eq!(BTreeMap::from_iter(summarised), days);
    assert_eq!((days["2028-01-23"], days["2028-02-29"], days["2028-03-05"]), (50, 48, 46));
    // And the days of the steps.
    assert_eq!((days["2028-02-10"], days["2028-02-20"]), (46, 50));

    // What is older than the retention was deleted at 03:00 of the last day, and nothing else.
    let last = zone.to_timestamp(zone.to_datetime(end).date().at(3, 0, 0, 0)).unwrap();
    let last = if last <= end { last } else { last - SignedDuration::from_hours(24) };
    let cutoff = last - SignedDuration::from_hours(24 * 30);
    let mut kept: Vec<_> = taken.iter().filter(|(at, _)| *at >= cutoff).copied().collect();
    kept.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let sql = "SELECT extract(epoch FROM timestamp)::bigint, metric_value::float8 FROM system_metrics ORDER BY 1, 2";
    let stored: Vec<(i64, f64)> = rows(&mut database, sql).await;
    assert!(stored.len() < taken.len(), "{}", stored.len());
    assert_eq!(stored, Vec::from_iter(kept.iter().map(|(at, cpu)| (at.as_second(), *cpu))));
    let sql = "SELECT relname::text FROM pg_class JOIN pg_inherits ON oid = inhrelid
               WHERE inhparent = 'system_metrics'::regclass ORDER BY relname LIMIT 2";
    let months: Vec<(String,)> = rows(&mut database, sql).await;
    // January was dropped as a whole.
    assert_eq!(months.first().unwrap().0, "system_metrics_2028_02");

    // One snapshot a moment due, in an hour that comes twice the first.
    let dues: BTreeSet<_> = kept.iter().map(|(at, _)| at.as_second()).collect();
    let sql = "SELECT extract(epoch FROM timestamp)::bigint FROM metrics_raw ORDER BY 1";
    let snapshots: Vec<(i64,)> = rows(&mut database, sql).await;
    let snapshots = Vec::from_iter(snapshots.into_iter().map(|(at,)| at).filter(|at| *at < end.as_second()));
    let once: BTreeSet<_> = snapshots.iter().copied().collect();
    assert_eq!(once.len(), snapshots.len());
    let missing = dues.difference(&once).count();
    assert!(missing <= 2 && once.is_subset(&dues), "{missing} of {}", dues.len());

    // Every hour that is kept whole is what a query on its samples says.
    let sql = "SELECT count(*)::bigint FROM (
            SELECT date_trunc('hour', timestamp) AS hour, avg(metric_value), min(metric_value), max(metric_value), count(*)::int
            FROM system_metrics GROUP BY 1) AS truth (hour, avg_value, min_value, max_value, count)
        FULL JOIN metrics_hourly USING (hour, avg_value, min_value, max_value, count)
        WHERE metric_name IS NULL OR truth.hour IS NULL";
    let differences: Vec<(i64,)> = rows(&mut database, sql).await;
    assert_eq!(differences[0].0, 0);
    let marks: Vec<(i64,)> =
        rows(&mut database, "SELECT count(*) FROM recipe_monitoring_state.hours_to_aggregate").await;
    assert!(marks[0].0 <= 1, "{marks:?}");
    store.close().await;
    drop(database);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_save_and_one_of_many_samples_come_before_their_time() {
    let directory = directory();
    let (mut collector, url) = quiet(directory.path()).await;
    let url = new_database(&url, "sooner").await;
    let mut database = connect(&url).await;
    let schedule = Schedule { save: Duration::from_secs(3_600), ..Schedule::default() };
    let store = Store::open(&url, &Database { pool_min: 0, ..Database::default() }).await.unwrap();
    let instruments = Instruments::register(&mut Registry::default());
    let buffer = Buffer::open(&directory.path().join("spool"), u64::MAX, 100, instruments.clone()).unwrap();
    buffer.ask_at(3);
    let start: Timestamp = "2028-01-15T00:10:00Z".parse().unwrap();
    // Collections, saves, and the test, which goes through the seconds.
    let clock = Arc::new(Simulated::new(start, Duration::from_secs(1), 3, &[]));
    let collecting = Collecting {
        feed: Feed::new(Duration::from_secs(2), start),
        buffer: buffer.clone(),
        instruments: instruments.clone(),
    };
    let saving = Saving::new(store.clone(), buffer.clone(), "web", instruments.clone());
    let dynamic: Arc<dyn Clock> = Arc::<Simulated>::clone(&clock);
    let each = run_each(dynamic, schedule, collecting, saving);
    let push = async || {
        let system = System { at: start, host: "web".into(), cpu_usage: Some(1.0), ..System::default() };
        buffer.kept(buffer.push(Record::Sample(system.sample()))).await;
    };
    let seconds = async {
        clock.sleep(Duration::from_secs(1)).await;
        push().await;
        clock.sleep(Duration::from_secs(13)).await;
        assert_eq!((clock.elapsed(), buffer.len()), (Duration::from_secs(14), 1));
        // The look of the 15th second is over with the 16th.
        clock.sleep(Duration::from_secs(2)).await;
        assert_eq!(buffer.len(), 0);
        push().await;
        clock.sleep(Duration::from_secs(100)).await;
        assert_eq!(buffer.len(), 1);
        push().await;
        push().await;
        // No second goes by.
        until("it is saved", async || buffer.is_empty().then_some(())).await;
        clock.elapsed()
    };
    let elapsed = tokio::select! {
        elapsed = seconds => elapsed,
        () = each => unreachable!("it runs for ever"),
    };
    assert_eq!(elapsed, Duration::from_secs(116));
    assert_eq!(number(&mut database, "SELECT count(*) FROM system_metrics").await, 4);
    store.close().await;
    drop(database);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
