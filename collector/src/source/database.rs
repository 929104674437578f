//! PostgreSQL, our pool of connections to it and Redis, read as often as a sample of the host is
//! kept; sizes and the counts of statements once an hour. One that does not answer is passed over
//! until it does, and holds up neither the other nor anybody else.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior};

use super::whole_milliseconds;
use crate::cache::Cache;
use crate::monitor::{Monitor, Reading};
use crate::sample::{DatabaseMeter, Point, PostgresqlReading, RedisReading, Sample, size_point};
use crate::store::{Numbers, Store};
use crate::{Feed, PartName};

/// How often the size of the database is read, for which PostgreSQL looks at every file of it.
const DATABASE_SIZE: Duration = Duration::from_secs(60);
/// How often those of tables and indexes are, and what was counted of statements.
const HOURLY: Duration = Duration::from_secs(60 * 60);
/// After a failure of those.
const AGAIN: Duration = Duration::from_secs(5 * 60);
/// Readings that are further apart than so many intervals have a gap between them.
const LONGEST_INTERVAL: f64 = 3.0;

/// Gives the monitor a sample every `interval`, for ever.
pub(crate) async fn watch_database(
    monitor: Arc<Monitor>,
    (feed, store, cache): (Feed, Store, Option<Cache>),
    interval: Duration,
    host: String,
) {
    let mut numbers = Numbers::new(store.clone());
    let mut meter = DatabaseMeter::default();
    let (mut postgresql_at, mut redis_at) = (None, None);
    let (mut size_due, mut hourly_due) = (Instant::now(), Instant::now());
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let answers = |name| feed.health().answers(name);
        let has_store = store.is_open() && answers(PartName::Postgresql);
        let with_size = Instant::now() >= size_due;
        let (postgresql, redis) = tokio::join!(
            async {
                if has_store {
                    numbers.read(with_size).await.map_err(|error| said("PostgreSQL", &error)).ok()
                } else {
                    None
                }
            },
            async {
                let cache = cache.as_ref().filter(|_| answers(PartName::Redis))?;
                cache.numbers().await.map_err(|error| said("Redis", &error)).ok()
            }
        );
        let mut points = numbers.pool().points();
        if let Some(PostgresqlReading { database_bytes: Some(_), .. }) = postgresql {
            size_due = Instant::now() + DATABASE_SIZE;
        }
        let seconds = since(&mut postgresql_at, postgresql.is_some(), interval);
        points.extend(postgresql.iter().flat_map(|reading: &PostgresqlReading| meter.postgresql(reading, seconds)));
        let seconds = since(&mut redis_at, redis.is_some(), interval);
        points.extend(redis.iter().flat_map(|reading: &RedisReading| meter.redis(reading, seconds)));
        record(&monitor, &host, points);
        if postgresql.is_some() && Instant::now() >= hourly_due {
            let done = hourly(&mut numbers, &monitor, &host).await;
            hourly_due = Instant::now() + if done { HOURLY } else { AGAIN };
        }
    }
}

/// Seconds since the last answer, if there was one and no gap is between.
fn since(last: &mut Option<Instant>, is_there: bool, interval: Duration) -> Option<f64> {
    let before = if is_there { last.replace(Instant::now()) } else { None };
    let seconds = before.map(|before| before.elapsed().as_secs_f64());
    seconds.filter(|seconds| *seconds <= interval.as_secs_f64() * LONGEST_INTERVAL)
}

/// Whether all of it was done.
async fn hourly(numbers: &mut Numbers, monitor: &Monitor, host: &str) -> bool {
    let sizes = numbers.sizes().await.map_err(|error| said("PostgreSQL", &error));
    if let Ok(sizes) = &sizes {
        let points = sizes.iter().map(|(table, index, bytes)| size_point(table, index.as_deref(), *bytes));
        record(monitor, host, points.collect());
    }
    let counts = numbers.keep_statement_counts().await.map_err(|error| said("PostgreSQL", &error));
    sizes.is_ok() && counts.is_ok()
}

fn record(monitor: &Monitor, host: &str, points: Vec<Point>) {
    let at = whole_milliseconds(Timestamp::now());
    monitor.record(Reading::Database(Sample { at, host: host.to_owned(), points }));
}

fn said(part: &str, error: &str) {
    tracing::debug!(error, "{part} did not say how it stands");
}
