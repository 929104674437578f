//! The only way to history: what PostgreSQL has, joined with what is not yet saved.
//!
//! The unsaved tail is read first. A record leaves the spool only after it has arrived in
//! PostgreSQL, so what PostgreSQL says afterwards, with how far it has taken each spool over at
//! that very moment, leaves no sample out and counts none twice.

mod annotations;
mod graphs;
mod loose;
mod numbers;
mod pace;

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::alert::Alert;
use crate::buffer::Unsaved;
use crate::sample::HOST_LABEL;
use crate::store::{AlertQuery, SavedRange, Step, Steps, Store, StoreError};
use crate::{GraphPoint, Labels, Range, Resolution, Series, Stats};
use loose::Loose;
use pace::Pace;

pub use annotations::AnnotateError;

/// Spans up to this are read from the samples, longer ones from the rollups.
const RAW_SPAN: SignedDuration = SignedDuration::from_hours(48);
/// Points that can be asked for.
const MOST_POINTS: u32 = 11_000;
/// How long PostgreSQL may take to answer; what it does not say then is missing.
const PATIENCE: Duration = Duration::from_secs(10);
/// Series in one answer.
pub(crate) const MOST_SERIES: u16 = 200;

/// The metrics of a host that [`GraphPoint`] has.
pub(crate) const GRAPHED: [&str; 5] = ["cpu_usage", "memory_usage", "network_rx", "network_tx", "load_average_1m"];
/// Samples that are further apart than so many of the usual intervals are not two ends of one.
const LONGEST_INTERVAL: f64 = 3.0;

/// A question to the history.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeQuery {
    /// Name of the metric.
    pub metric: String,
    /// Labels that a series must have. Where none but `host` is given, only the series that stand
    /// for the whole match, unless the metric has none.
    pub labels: Labels,
    /// Beginning, not included.
    pub from: Timestamp,
    /// End, included.
    pub to: Timestamp,
    /// Points in each series at the most.
    pub points: u32,
    /// What to read; `None` to choose by the length.
    pub resolution: Option<Resolution>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The question makes no sense.
    #[error("{field} is {value}: {remedy}")]
    Invalid {
        /// Which part of it.
        field: &'static str,
        /// What it is.
        value: String,
        /// What it should be.
        remedy: String,
    },
    /// No series of this metric was ever kept.
    #[error("there is no metric {metric}{}", nearest.as_ref().map(|name| format!("; the nearest one is {name}")).unwrap_or_default())]
    NoMetric {
        /// What was asked for.
        metric: String,
        /// The known metric most like it.
        nearest: Option<String>,
    },
    /// PostgreSQL does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the history.
#[derive(Clone, Debug)]
pub struct Archive {
    store: Store,
    unsaved: Option<Unsaved>,
    /// Seconds that a sample of the host covers where it is the only one.
    sample_seconds: f64,
}

impl Archive {
    /// The history in `store`, with what `unsaved` has of it. A sample that is alone, so that there is
    /// no distance to another, covers `sample_seconds`.
    #[must_use]
    pub fn new(store: Store, unsaved: Option<Unsaved>, sample_seconds: f64) -> Self {
        Self { store, unsaved, sample_seconds }
    }

    /// One metric over a span of time.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Invalid`] and [`ArchiveError::NoMetric`]. When PostgreSQL does not answer,
    /// the range has what is not saved and says that it is not complete.
    pub async fn range(&self, query: &RangeQuery) -> Result<Range, ArchiveError> {
        self.read(query, Values::AsKept).await
    }

    /// The same of a metric that counts from sample to sample, such as `network_rx`, per second.
    ///
    /// # Errors
    ///
    /// As [`Archive::range`].
    pub async fn rate(&self, query: &RangeQuery) -> Result<Range, ArchiveError> {
        self.read(query, Values::PerSecond).await
    }

    async fn read(&self, query: &RangeQuery, values: Values) -> Result<Range, ArchiveError> {
        check(query)?;
        let metrics = std::slice::from_ref(&query.metric);
        let loose = self.loose((query.from, query.to), metrics, &query.labels).await;
        self.join(query, &loose, values).await
    }

    /// What PostgreSQL has, joined with what is not saved, which was read before.
    async fn join(&self, query: &RangeQuery, loose: &Loose, values: Values) -> Result<Range, ArchiveError> {
        let resolution = query.resolution.unwrap_or(match query.to.duration_since(query.from) {
            span if span <= RAW_SPAN => Resolution::Raw,
            _ => Resolution::Hourly,
        });
        let steps = Steps::new(query.from, query.to, query.points);
        let saved = in_time(self.store.range(query, resolution, &steps, values == Values::PerSecond)).await;
        let (saved, complete) = match saved {
            Ok(saved) => (saved, true),
            Err(error) => {
                tracing::warn!(%error, "the history is read from what is not saved");
                (SavedRange::default(), false)
            }
        };
        let SavedRange { mut series, positions, matching, intervals } = saved;
        let mut unsaved: HashMap<&Labels, Vec<(Timestamp, f64)>> = HashMap::new();
        for (_, labels, at, value) in loose.beyond(&positions).filter(|(metric, ..)| *metric == query.metric) {
            unsaved.entry(labels).or_default().push((at, value));
        }
        for (labels, values) in &unsaved {
            if !series.iter().any(|(known, _)| known == *labels) {
                series.push(((*labels).clone(), Vec::new()));
            }
            let Some((_, found)) = series.iter_mut().find(|(known, _)| known == *labels) else { continue };
            found.extend(values.iter().map(|(at, value)| steps.of(*at, *value)));
        }
        if values == Values::PerSecond {
            for (labels, found) in &mut series {
                let pace = pace(intervals.get(labels), unsaved.get(labels));
                for step in found {
                    *step = step.per(pace.at(step.last()).unwrap_or(self.sample_seconds));
                }
            }
        }
        if series.is_empty() && !loose.knows(&query.metric) && complete && !self.store.is_metric(&query.metric).await? {
            let nearest = self.store.nearest_metric(&query.metric).await?;
            return Err(ArchiveError::NoMetric { metric: query.metric.clone(), nearest });
        }
        only_whole(&mut series, &query.labels);
        series.sort_by(|a, b| a.0.cmp(&b.0));
        let matching = matching.max(series.len() as u64);
        series.truncate(usize::from(MOST_SERIES));
        let series: Vec<_> =
            series.into_iter().map(|(labels, found)| Series { labels, points: steps.points(found) }).collect();
        Ok(Range {
            metric: query.metric.clone(),
            from: query.from,
            to: query.to,
            resolution,
            step_seconds: match resolution {
                Resolution::Raw => steps.seconds(),
                Resolution::Hourly => steps.seconds().max(3_600.0),
            },
            complete,
            series_left_out: matching - series.len() as u64,
            series,
        })
    }

    /// Numbers of one metric over the last `hours`, as `get_metric_stats` has them, of what is saved
    /// and what is not.
    ///
    /// # Errors
    ///
    /// As [`Archive::range`]: while PostgreSQL does not answer they are of what is not saved.
    pub async fn stats(&self, metric: &str, hours: u32) -> Result<Stats, ArchiveError> {
        check_metric(metric)?;
        if !(1..=876_000).contains(&hours) {
            return Err(invalid("hours", hours, "use 1 to 876000"));
        }
        let to = Timestamp::now();
        let from = to.checked_sub(SignedDuration::from_hours(hours.into())).unwrap_or(Timestamp::UNIX_EPOCH);
        let loose = self.loose((from, to), &[metric.to_owned()], &Labels::new()).await;
        let unsaved = |positions: &HashMap<Uuid, u64>| -> Vec<(bool, f64)> {
            loose.beyond(positions).map(|(_, labels, _, value)| (is_whole(labels), value)).collect()
        };
        match in_time(self.store.metric_stats(metric, hours, (from, to), unsaved)).await {
            Ok(stats) => {
                if stats.count == 0 && !self.store.is_metric(metric).await? {
                    let nearest = self.store.nearest_metric(metric).await?;
                    return Err(ArchiveError::NoMetric { metric: metric.to_owned(), nearest });
                }
                Ok(stats)
            }
            Err(error) => {
                tracing::warn!(%error, "the numbers are of what is not saved");
                let values = unsaved(&HashMap::new());
                let has_whole = values.iter().any(|(is_whole, _)| *is_whole);
                let counted = values.into_iter().filter(|(is_whole, _)| *is_whole == has_whole);
                Ok(numbers::stats(metric, hours, counted.map(|(_, value)| value).collect()))
            }
        }
    }

    /// The names of the metrics that were ever saved, at most so many.
    ///
    /// # Errors
    ///
    /// When PostgreSQL does not answer.
    pub async fn metrics(&self, most: u16) -> Result<Vec<String>, StoreError> {
        in_time(self.store.metrics(most)).await
    }

    /// Alerts of the past.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Invalid`], and when PostgreSQL does not answer.
    pub async fn alerts(&self, query: &AlertQuery) -> Result<Vec<Alert>, ArchiveError> {
        check_text("rule_name", query.rule_name.as_deref())?;
        let query = AlertQuery { from: since_1970(query.from), to: since_1970(query.to), ..query.clone() };
        Ok(in_time(self.store.alerts(&query)).await?)
    }

    /// The graphed numbers of `host`, or else of the one last seen, over the last `span`, sample by
    /// sample, oldest first.
    ///
    /// # Errors
    ///
    /// When PostgreSQL does not answer.
    pub async fn recent(&self, span: Duration, host: Option<&str>) -> Result<Vec<GraphPoint>, StoreError> {
        let from = Timestamp::now() - SignedDuration::try_from(span).unwrap_or_default();
        let loose = self.loose((from, Timestamp::MAX), &GRAPHED.map(str::to_owned), &Labels::new()).await;
        let host = match host {
            Some(host) => host.to_owned(),
            None => {
                let saved = self.store.last_host().await?;
                saved.or_else(|| loose.last_host().map(str::to_owned)).unwrap_or_default()
            }
        };
        let (mut rows, positions) = self.store.recent(from, &host).await?;
        let whole = Labels::from([(HOST_LABEL.to_owned(), host)]);
        let unsaved = loose.beyond(&positions).filter(|(_, labels, ..)| **labels == whole);
        rows.extend(unsaved.map(|(metric, _, at, value)| (at, metric.to_owned(), value)));
        rows.sort_by_key(|(at, _, _)| *at);
        Ok(system_points(&rows))
    }

    /// What of these metrics was taken after the one time and until the other, has these labels
    /// and may not be saved.
    async fn loose(&self, span: (Timestamp, Timestamp), metrics: &[String], labels: &Labels) -> Loose {
        let empty = Loose::of(metrics, labels);
        let Some(unsaved) = &self.unsaved else { return empty };
        unsaved.samples(span, metrics.to_vec(), empty, Loose::add).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "what is not saved could not be read");
            Loose::default()
        })
    }
}

/// What a range is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    /// The numbers of the samples.
    AsKept,
    /// These by the seconds that a sample covers.
    PerSecond,
}

/// How many seconds a sample covers, by what is saved and what is not.
fn pace(saved: Option<&Vec<(Timestamp, f64)>>, unsaved: Option<&Vec<(Timestamp, f64)>>) -> Pace {
    let mut parts = saved.cloned().unwrap_or_default();
    let newest = parts.iter().map(|(end, _)| *end).max();
    let mut times: Vec<_> = unsaved.into_iter().flatten().map(|(at, _)| *at).chain(newest).collect();
    times.sort();
    parts.extend(times.windows(2).map(|pair| (pair[1], pair[1].duration_since(pair[0]).as_secs_f64())));
    Pace::of(parts)
}

/// What PostgreSQL answers in time.
async fn in_time<T>(question: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(PATIENCE, question).await.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into()))
}

fn is_whole(labels: &Labels) -> bool {
    labels.keys().all(|name| name == HOST_LABEL)
}

/// Where no part was asked for, the parts go, if there is a whole.
fn only_whole(series: &mut Vec<(Labels, Vec<Step>)>, asked: &Labels) {
    if is_whole(asked) && series.iter().any(|(labels, _)| is_whole(labels)) {
        series.retain(|(labels, _)| is_whole(labels));
    }
}

fn check_metric(metric: &str) -> Result<(), ArchiveError> {
    if metric.is_empty() {
        return Err(invalid("metric", "empty", "name a metric, e.g. cpu_usage"));
    }
    check_text("metric", Some(metric))
}

/// PostgreSQL has no text with NUL in it.
fn check_text(field: &'static str, text: Option<&str>) -> Result<(), ArchiveError> {
    match text.filter(|text| text.contains('\0')) {
        Some(text) => Err(invalid(field, text.escape_default(), "leave the character NUL out")),
        None => Ok(()),
    }
}

/// The same time for everything that there is: before 1970 there is nothing, and PostgreSQL cannot read every year of
/// ours.
fn since_1970(time: Option<Timestamp>) -> Option<Timestamp> {
    time.map(|time| time.max(Timestamp::UNIX_EPOCH))
}

fn check(query: &RangeQuery) -> Result<(), ArchiveError> {
    check_metric(&query.metric)?;
    // PostgreSQL has no text with it.
    if query.labels.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
        return Err(invalid("labels", format!("{:?}", query.labels), "leave the character NUL out"));
    }
    if let Some((field, time)) =
        [("from", query.from), ("to", query.to)].into_iter().find(|(_, time)| *time < Timestamp::UNIX_EPOCH)
    {
        return Err(invalid(field, time, "use a time since 1970"));
    }
    if query.from >= query.to {
        return Err(invalid("from", query.from, &format!("use a time before to, which is {}", query.to)));
    }
    if !(1..=MOST_POINTS).contains(&query.points) {
        return Err(invalid("points", query.points, &format!("use 1 to {MOST_POINTS}")));
    }
    Ok(())
}

/// Rows in the order of their time, put together again by moment.
fn system_points(rows: &[(Timestamp, String, f64)]) -> Vec<GraphPoint> {
    let moments: Vec<_> = rows.chunk_by(|a, b| a.0 == b.0).collect();
    let seconds = |pair: &[&[(Timestamp, String, f64)]]| pair[1][0].0.duration_since(pair[0][0].0).as_secs_f64();
    let mut intervals: Vec<f64> = moments.windows(2).map(seconds).collect();
    intervals.sort_by(f64::total_cmp);
    let longest = intervals.get(intervals.len().saturating_sub(1) / 2).map_or(0.0, |usual| usual * LONGEST_INTERVAL);
    let mut previous: Option<Timestamp> = None;
    moments
        .into_iter()
        .map(|moment| {
            let at = moment[0].0;
            let of = |name: &str| moment.iter().find(|row| row.1 == name).map(|row| row.2);
            let seconds = previous.replace(at).map(|before| at.duration_since(before).as_secs_f64());
            let seconds = seconds.filter(|seconds| *seconds <= longest);
            GraphPoint {
                at,
                cpu_usage: of("cpu_usage"),
                memory_usage: of("memory_usage"),
                rx_per_second: seconds.and_then(|seconds| Some(of("network_rx")? / seconds)),
                tx_per_second: seconds.and_then(|seconds| Some(of("network_tx")? / seconds)),
                load_average_1m: of("load_average_1m"),
                ..GraphPoint::default()
            }
        })
        .collect()
}

fn invalid(field: &'static str, value: impl ToString, remedy: &str) -> ArchiveError {
    ArchiveError::Invalid { field, value: value.to_string(), remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn bytes_become_rates_over_the_time_since_the_row_before_and_not_over_a_gap() {
        let row = |second, name: &str, value| (at(second), name.to_owned(), value);
        let rows = [
            row(0, "network_rx", 100.0),
            row(10, "cpu_usage", 5.0),
            row(10, "network_rx", 100.0),
            row(1_000, "network_rx", 100.0),
        ];
        let points = system_points(&rows);
        let rates: Vec<_> = points.iter().map(|point| point.rx_per_second).collect();
        assert_eq!(rates, [None, Some(10.0), None]);
        assert_eq!(points[1].cpu_usage, Some(5.0));
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn parts_of_one_step_add_up_and_there_are_never_more_points_than_asked_for() {
        for points in [1, 2, 3, 7, 800] {
            for start in [0, 1, 17, 599] {
                let steps = Steps::new(at(start), at(start + 600), points);
                let found = (1..=600).map(|second| steps.of(at(start + second), second as f64)).collect();
                let merged = steps.points(found);
                assert!(merged.len() <= points as usize, "{points} {}", merged.len());
                assert_eq!(merged.iter().map(|point| point.count).sum::<u64>(), 600);
                assert_eq!(merged.last().unwrap().at, at(start + 600));
                assert_eq!((merged[0].min, merged.last().unwrap().max), (1.0, 600.0));
                let sum: f64 = merged.iter().map(|point| point.avg * point.count as f64).sum();
                assert!((sum - 180_300.0).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn parts_go_where_there_is_a_whole_unless_they_were_asked_for() {
        let labels = |pairs: &[(&str, &str)]| -> Labels {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let whole = (labels(&[("host", "web")]), Vec::new());
        let part = (labels(&[("host", "web"), ("mount", "/")]), Vec::new());
        let mut both = vec![whole.clone(), part.clone()];
        only_whole(&mut both, &labels(&[]));
        assert_eq!(both, std::slice::from_ref(&whole));
        let mut parts = vec![part.clone()];
        only_whole(&mut parts, &labels(&[]));
        assert_eq!(parts, std::slice::from_ref(&part));
        let mut asked = vec![whole.clone(), part.clone()];
        only_whole(&mut asked, &labels(&[("mount", "/")]));
        assert_eq!(asked, [whole, part]);
    }
}
