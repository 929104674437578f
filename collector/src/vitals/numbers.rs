//! What a process counts about itself, to be looked up by name.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::exposition::{self, Format, Limits};
use crate::{Exposed, ExposedValue};

/// The numbers of an exposition of ours.
#[derive(Clone, Debug, Default)]
pub struct Numbers(BTreeMap<String, Vec<Exposed>>);

/// How long something took, of all the times that it was done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// How often.
    pub count: f64,
    /// On average, in seconds.
    pub mean: f64,
    /// What 99 of 100 did not go over, in seconds; `None` where it is past the last bound.
    pub most: Option<f64>,
}

impl Numbers {
    pub(super) fn of(text: &str) -> Self {
        let parsed = exposition::parse(text.as_bytes(), Format::Prometheus, Timestamp::UNIX_EPOCH, Limits::default());
        let mut by_name = BTreeMap::<_, Vec<_>>::new();
        for series in parsed.map(|parsed| parsed.exposition.series).unwrap_or_default() {
            by_name.entry(series.name.clone()).or_default().push(series);
        }
        Self(by_name)
    }

    /// The sum of all series of this name with these labels; `None` where there are none.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.find(name, labels).filter_map(single).reduce(|sum, value| sum + value)
    }

    /// How long what is of this name took; `None` where it was never done.
    #[must_use]
    pub fn spread(&self, name: &str) -> Option<Spread> {
        let ExposedValue::Histogram(histogram) = &self.find(name, &[]).next()?.value else { return None };
        let count = histogram.count();
        if count <= 0.0 {
            return None;
        }
        let most = histogram.buckets.iter().find(|(_, within)| *within >= count * 0.99).map(|(bound, _)| *bound);
        let mean = histogram.sum.unwrap_or_default() / count;
        Some(Spread { count, mean, most: most.filter(|bound| bound.is_finite()) })
    }

    fn find<'a>(&'a self, name: &str, labels: &'a [(&str, &str)]) -> impl Iterator<Item = &'a Exposed> {
        let has = |series: &&Exposed| {
            labels.iter().all(|(name, value)| series.labels.get(*name).is_some_and(|known| known == value))
        };
        self.0.get(name).into_iter().flatten().filter(has)
    }
}

fn single(series: &Exposed) -> Option<f64> {
    match series.value {
        ExposedValue::Counter(value) | ExposedValue::Gauge(value) => Some(value),
        ExposedValue::Histogram(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_name_and_labels() {
        let text = "# TYPE runs counter\nruns_total{job=\"save\",outcome=\"success\"} 4\n\
                    runs_total{job=\"save\",outcome=\"failure\"} 1\nruns_total{job=\"daily\",outcome=\"failure\"} 2\n\
                    # TYPE took histogram\ntook_sum 5\ntook_count 200\ntook_bucket{le=\"0.1\"} 190\n\
                    took_bucket{le=\"0.5\"} 199\ntook_bucket{le=\"+Inf\"} 200\n\
                    # TYPE long histogram\nlong_sum 50\nlong_count 1\nlong_bucket{le=\"1\"} 0\nlong_bucket{le=\"+Inf\"} 1\n";
        let numbers = Numbers::of(text);
        assert_eq!(numbers.sum("runs_total", &[]), Some(7.0));
        assert_eq!(numbers.sum("runs_total", &[("outcome", "failure")]), Some(3.0));
        assert_eq!(numbers.sum("runs_total", &[("job", "other")]), None);
        assert_eq!(numbers.sum("took", &[]), None);
        assert_eq!(numbers.spread("took"), Some(Spread { count: 200.0, mean: 0.025, most: Some(0.5) }));
        assert_eq!(numbers.spread("long").and_then(|spread| spread.most), None);
        assert_eq!(numbers.spread("runs_total"), None);
    }
}
