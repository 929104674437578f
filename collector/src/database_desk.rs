//! A look into PostgreSQL and Redis for whoever wants one. It is taken when somebody asks, from the
//! process that is asked, and several who ask at about the same time share it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::cache::Cache;
use crate::database::{Growth, Look, Obstacle, ObstacleKind, Redis, Relations, Seen};
use crate::store::{Looker, Store, nothing};
use crate::{Archive, Feed, PartName, RangePoint, RangeQuery, Resolution};

/// A look that is younger is not taken anew.
const FRESH: Duration = Duration::from_secs(5);
/// A connection that nobody has needed for so long is ended.
const UNUSED: Duration = Duration::from_secs(60);
/// Growth is over a week, and an hour on either side of it.
const HISTORY: SignedDuration = SignedDuration::from_hours(7 * 24 + 3);
/// Of the sizes before, which change slowly.
const HISTORY_FRESH: Duration = Duration::from_secs(10 * 60);
/// How long the sizes before may take to be read.
const HISTORY_LIMIT: Duration = Duration::from_secs(2);
/// How long the past of a series may.
const PAST_LIMIT: Duration = Duration::from_secs(1);

/// The way to a look. Clones share it.
#[derive(Clone, Debug)]
pub struct DatabaseDesk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    feed: Feed,
    archive: Archive,
    store: Store,
    cache: Option<Cache>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    looker: Looker,
    last: Option<(Instant, Arc<Look>)>,
    sizes: Option<(Instant, Sizes)>,
}

/// Sizes before, by table and index; the index is empty for the table.
type Sizes = HashMap<(String, String), Vec<(Timestamp, f64)>>;

impl DatabaseDesk {
    pub(crate) fn new(feed: Feed, archive: Archive, store: Store, cache: Option<Cache>) -> Self {
        let state = State { looker: Looker::new(store.clone()), last: None, sizes: None };
        Self(Arc::new(Inner { feed, archive, store, cache, state: Mutex::new(state) }))
    }

    /// How PostgreSQL and Redis stand, or did within the last five seconds; about four seconds later
    /// at the most.
    pub async fn look(&self) -> Arc<Look> {
        let mut state = self.0.state.lock().await;
        if let Some((taken, look)) = &state.last
            && taken.elapsed() < FRESH
        {
            return Arc::clone(look);
        }
        let look = Arc::new(self.take(&mut state).await);
        state.last = Some((Instant::now(), Arc::clone(&look)));
        look
    }

    /// The last `span` of each of these series, `(metric, label and value)`, in at most `points` points; what
    /// cannot be read within a second is empty. Of several collectors it is the one heard of last.
    pub async fn past(
        &self,
        wanted: &[(&str, Option<(&str, &str)>)],
        span: SignedDuration,
        points: u32,
    ) -> Vec<Vec<RangePoint>> {
        let is_up = self.0.feed.health().is_up(PartName::Postgresql);
        let to = Timestamp::now();
        let series = wanted.iter().map(|(metric, label)| {
            let labels = label.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let metric = (*metric).to_owned();
            let query = RangeQuery { metric, labels, from: to - span, to, points, resolution: None };
            async move {
                let range = tokio::time::timeout(PAST_LIMIT, self.0.archive.range(&query)).await.ok()?.ok()?;
                let newest =
                    range.series.into_iter().max_by_key(|series| series.points.last().map(|point| point.at))?;
                Some(newest.points)
            }
        });
        if !is_up {
            return vec![Vec::new(); wanted.len()];
        }
        join_all(series).await.into_iter().map(Option::unwrap_or_default).collect()
    }

    async fn take(&self, state: &mut State) -> Look {
        let now = Timestamp::now();
        let answers = |name| self.0.feed.health().answers(name);
        let has_store = self.0.store.is_open() && answers(PartName::Postgresql);
        let State { looker, sizes, .. } = state;
        let postgresql = async {
            if !has_store {
                return nothing(looker.pool(), ObstacleKind::Away);
            }
            let (mut seen, ()) = tokio::join!(looker.look(now), self.remember_sizes(sizes, now));
            if let (Some(relations), Some((_, sizes))) = (&mut seen.relations.value, sizes) {
                grow(relations, sizes, now);
            }
            seen
        };
        let redis = async {
            match &self.0.cache {
                Some(cache) if answers(PartName::Redis) => cache.look().await,
                Some(_) => no_redis(ObstacleKind::Away),
                None => no_redis(ObstacleKind::Off),
            }
        };
        let (postgresql, redis) = tokio::join!(postgresql, redis);
        self.close_when_unused();
        Look { at: now, postgresql, redis }
    }

    /// Ends the connection when it is not needed any more.
    fn close_when_unused(&self) {
        let inner = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            tokio::time::sleep(UNUSED).await;
            let Some(inner) = inner.upgrade() else { return };
            let mut state = inner.state.lock().await;
            if state.last.as_ref().is_none_or(|(taken, _)| taken.elapsed() >= UNUSED) {
                state.looker.close().await;
            }
        });
    }

    /// Brings the sizes before up to date, as far as they can be read.
    async fn remember_sizes(&self, sizes: &mut Option<(Instant, Sizes)>, now: Timestamp) {
        if sizes.as_ref().is_some_and(|(read, _)| read.elapsed() < HISTORY_FRESH) {
            return;
        }
        let mut found = Sizes::new();
        let read = async {
            for metric in ["postgresql_table_bytes", "postgresql_index_bytes"] {
                let query = RangeQuery {
                    metric: metric.to_owned(),
                    labels: crate::Labels::new(),
                    from: now - HISTORY,
                    to: now,
                    points: 7 * 24 + 3,
                    resolution: Some(Resolution::Raw),
                };
                let Ok(range) = self.0.archive.range(&query).await else { continue };
                for series in range.series {
                    let label = |name: &str| series.labels.get(name).cloned().unwrap_or_default();
                    let known = found.entry((label("table"), label("index"))).or_default();
                    known.extend(series.points.iter().map(|point| (point.at, point.avg)));
                }
            }
        };
        if tokio::time::timeout(HISTORY_LIMIT, read).await.is_ok() {
            *sizes = Some((Instant::now(), found));
        }
    }
}

fn grow(relations: &mut Relations, sizes: &Sizes, now: Timestamp) {
    let growth = |table: &str, index: &str, bytes| {
        let before = sizes.get(&(table.to_owned(), index.to_owned()));
        before.map_or(Growth::default(), |before| Growth::of(bytes, before, now))
    };
    for table in &mut relations.tables {
        table.growth = growth(&table.name, "", table.bytes);
    }
    for index in relations.indexes.iter_mut().chain(&mut relations.unused_indexes) {
        index.growth = growth(&index.table, &index.name, index.bytes);
    }
}

fn no_redis(why: ObstacleKind) -> Redis {
    Redis { server: Seen::nothing(Obstacle::of(why)), slow_log: Seen::nothing(Obstacle::of(why)) }
}
