//! Business events on their way into `business_events`, and counts of them.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;

use crate::buffer::{Entry, Record};
use crate::business::{CounterKey, MOST_COUNTERS, SavedCounts, Seen, minute};
use crate::sample::Increase;

use super::range::positions;
use super::{Store, StoreError};

/// Counters that were not seen for so long are gone for good.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(24 * 366);

/// Which counts are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct CountQuery {
    pub(crate) events: Vec<String>,
    /// Beginnings of the days whose events are summed up, oldest first; not empty.
    pub(crate) days: Vec<Timestamp>,
    /// From here on every minute is wanted by itself.
    pub(crate) recent: Timestamp,
    /// Event and id of those that may have been counted.
    pub(crate) ids: Vec<(String, String)>,
}

/// What a collector has to know to go on where the last one ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Left {
    /// Event and id of the newest, oldest first.
    pub(crate) ids: Vec<(String, String)>,
    pub(crate) counters: HashMap<CounterKey, Seen>,
}

impl Store {
    /// Counts as of one moment, with how far each spool had been taken over then.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub(crate) async fn event_counts(&self, query: &CountQuery) -> Result<SavedCounts, StoreError> {
        let mut transaction = self.begin_reading().await?;
        let saved = counts(&mut transaction, query).await?;
        transaction.rollback().await?;
        Ok(saved)
    }

    /// The same, and what the last collector on `host` left, at the same moment.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub(crate) async fn first_event_counts(
        &self,
        query: &CountQuery,
        host: &str,
        newest_ids: usize,
    ) -> Result<(SavedCounts, Left), StoreError> {
        let mut transaction = self.begin_reading().await?;
        let saved = counts(&mut transaction, query).await?;
        let mut ids: Vec<(String, String)> =
            sqlx::query_as("SELECT event, id FROM recipe_monitoring_state.event_ids ORDER BY at DESC LIMIT $1")
                .bind(i64::try_from(newest_ids).unwrap_or(i64::MAX))
                .fetch_all(&mut *transaction)
                .await?;
        ids.reverse();
        let rows: Vec<(String, String, String, f64, Option<i64>, i64)> = sqlx::query_as(
            "SELECT instance, event, series, value, (extract(epoch FROM started) * 1000000)::bigint,
                    (extract(epoch FROM at) * 1000000)::bigint
             FROM recipe_monitoring_state.counters WHERE host = $1 ORDER BY at DESC LIMIT $2",
        )
        .bind(host)
        .bind(i64::try_from(MOST_COUNTERS).unwrap_or(i64::MAX))
        .fetch_all(&mut *transaction)
        .await?;
        transaction.rollback().await?;
        let time = |microsecond| Timestamp::from_microsecond(microsecond).unwrap_or_default();
        let counters = rows.into_iter().map(|(instance, event, series, value, started, at)| {
            (CounterKey { instance, event, series }, Seen { value, started: started.map(time), at: time(at) })
        });
        Ok((saved, Left { ids, counters: counters.collect() }))
    }
}

async fn counts(connection: &mut PgConnection, query: &CountQuery) -> Result<SavedCounts, StoreError> {
    let seconds: Vec<i64> = query.days.iter().map(|day| day.as_second()).collect();
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT event, CASE WHEN minute < to_timestamp($3)
                            THEN ($2::bigint[])[width_bucket(extract(epoch FROM minute)::bigint, $2::bigint[])]
                            ELSE extract(epoch FROM minute)::bigint END AS second,
                least(sum(count), 9223372036854775807)::bigint
         FROM business_events WHERE minute >= to_timestamp(($2::bigint[])[1]) AND event = ANY($1) GROUP BY 1, 2",
    )
    .bind(&query.events)
    .bind(&seconds)
    .bind(float(query.recent))
    .fetch_all(&mut *connection)
    .await?;
    let since: Option<i64> = sqlx::query_scalar(
        "SELECT extract(epoch FROM least((SELECT min(since) FROM recipe_monitoring_state.counting),
                                         (SELECT min(minute) FROM business_events)))::bigint",
    )
    .fetch_one(&mut *connection)
    .await?;
    let (events, ids): (Vec<_>, Vec<_>) = query.ids.iter().cloned().unzip();
    let counted: Vec<(String, String)> = sqlx::query_as(
        "SELECT event, id FROM recipe_monitoring_state.event_ids
         WHERE (event, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
    )
    .bind(events)
    .bind(ids)
    .fetch_all(&mut *connection)
    .await?;
    let counts = rows.into_iter().map(|(event, second, count)| (event, second, u64::try_from(count).unwrap_or(0)));
    Ok(SavedCounts {
        counts: counts.collect(),
        since: since.and_then(|since| Timestamp::from_second(since).ok()).unwrap_or_default(),
        positions: positions(connection).await?,
        counted: counted.into_iter().collect(),
    })
}

/// Adds the events and increases of the entries; answers the number of rows written.
///
/// An event whose id is known is left out. Everything is locked in one order, so that collectors
/// that save at once wait for each other and never in a circle.
pub(super) async fn write_events(connection: &mut PgConnection, entries: &[&Entry]) -> Result<u64, StoreError> {
    let mut increases = Vec::new();
    let mut events = Vec::new();
    for entry in entries {
        match &entry.record {
            Record::Event(event) => events.push(event),
            Record::Increase(increase) => increases.push(increase),
            Record::Sample(_) | Record::Snapshot(_) | Record::Alert(_) => {}
        }
    }
    if events.is_empty() && increases.is_empty() {
        return Ok(0);
    }
    let with_id: Vec<(&str, &str)> =
        events.iter().filter_map(|event| Some((event.event.as_str(), event.id.as_deref()?))).collect();
    let mut new = new_ids(connection, &with_id).await?;
    let mut counts: HashMap<(i64, &str), u64> = HashMap::new();
    let mut add = |at, event, count: u64| {
        let sum = counts.entry((minute(at), event)).or_default();
        *sum = sum.saturating_add(count);
    };
    for event in events {
        // The first of those in this batch, for it takes the id out.
        let is_new = match &event.id {
            Some(id) => new.remove(&(event.event.clone(), id.clone())),
            None => true,
        };
        if is_new {
            add(event.at, &event.event, event.count);
        }
    }
    for increase in increases.iter().filter(|increase| increase.count > 0) {
        add(increase.at, &increase.event, increase.count);
    }
    let rows = add_counts(connection, counts).await?;
    note_counters(connection, &increases).await?;
    Ok(rows)
}

/// Those of the ids that were not known, which they are from now on.
async fn new_ids(
    connection: &mut PgConnection,
    with_id: &[(&str, &str)],
) -> Result<HashSet<(String, String)>, StoreError> {
    if with_id.is_empty() {
        return Ok(HashSet::new());
    }
    let (events, ids): (Vec<_>, Vec<_>) = with_id.iter().copied().unzip();
    let new: Vec<(String, String)> = sqlx::query_as(
        "INSERT INTO recipe_monitoring_state.event_ids (event, id)
         SELECT DISTINCT event, id FROM unnest($1::text[], $2::text[]) AS come (event, id) ORDER BY event, id
         ON CONFLICT DO NOTHING RETURNING event, id",
    )
    .bind(events)
    .bind(ids)
    .fetch_all(connection)
    .await?;
    Ok(new.into_iter().collect())
}

async fn add_counts(connection: &mut PgConnection, counts: HashMap<(i64, &str), u64>) -> Result<u64, StoreError> {
    if counts.is_empty() {
        return Ok(0);
    }
    let (mut seconds, mut events, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for ((second, event), count) in counts {
        seconds.push(second);
        events.push(event);
        numbers.push(i64::try_from(count).unwrap_or(i64::MAX));
    }
    let done = sqlx::query(
        "INSERT INTO business_events AS known (minute, event, count)
         SELECT to_timestamp(second), event, count
         FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS come (second, event, count) ORDER BY second, event
         ON CONFLICT (minute, event) DO UPDATE SET count = known.count + EXCLUDED.count",
    )
    .bind(seconds)
    .bind(events)
    .bind(numbers)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Up to where each counter has been counted: the last of its increases.
async fn note_counters(connection: &mut PgConnection, increases: &[&Increase]) -> Result<(), StoreError> {
    let last: HashMap<_, _> = increases
        .iter()
        .map(|increase| ((&increase.host, &increase.instance, &increase.event, &increase.series), *increase))
        .collect();
    if last.is_empty() {
        return Ok(());
    }
    let last: Vec<_> = last.into_values().collect();
    let text = |of: fn(&Increase) -> &str| -> Vec<&str> { last.iter().map(|increase| of(increase)).collect() };
    let values: Vec<f64> = last.iter().map(|increase| increase.value).collect();
    let started: Vec<Option<f64>> = last.iter().map(|increase| increase.started.map(float)).collect();
    let at: Vec<f64> = last.iter().map(|increase| float(increase.at)).collect();
    sqlx::query(
        "INSERT INTO recipe_monitoring_state.counters (host, instance, event, series, value, started, at)
         SELECT host, instance, event, series, value, to_timestamp(started), to_timestamp(at)
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::float8[], $7::float8[])
              AS come (host, instance, event, series, value, started, at) ORDER BY host, instance, event, series
         ON CONFLICT (host, instance, event, series) DO UPDATE SET
             value = EXCLUDED.value, started = EXCLUDED.started, at = EXCLUDED.at",
    )
    .bind(text(|increase| &increase.host))
    .bind(text(|increase| &increase.instance))
    .bind(text(|increase| &increase.event))
    .bind(text(|increase| &increase.series))
    .bind(values)
    .bind(started)
    .bind(at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes minutes and ids from before `cutoff`, and counters that are long gone.
pub(super) async fn delete_events_before(connection: &mut PgConnection, cutoff: Timestamp) -> Result<(), StoreError> {
    for (sql, cutoff) in [
        ("DELETE FROM business_events WHERE minute < to_timestamp($1)", cutoff),
        ("DELETE FROM recipe_monitoring_state.event_ids WHERE at < to_timestamp($1)", cutoff),
        ("DELETE FROM recipe_monitoring_state.counters WHERE at < to_timestamp($1)", cutoff - FORGOTTEN_AFTER),
        // Else days without rows would have a count of 0.
        ("UPDATE recipe_monitoring_state.counting SET since = to_timestamp($1) WHERE since < to_timestamp($1)", cutoff),
    ] {
        sqlx::query(sql).bind(float(cutoff)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Seconds, exact to the microsecond.
#[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 stay below 2^53 until 2255")]
fn float(at: Timestamp) -> f64 {
    at.as_microsecond() as f64 / 1e6
}
