//! What of a sample may come in. The rules, in one place:
//!
//! | what | rule | else |
//! |---|---|---|
//! | time | at most 5 minutes ahead of the clock | refused: `in_future` |
//! | time | not older than what is kept | refused: `too_old` |
//! | name | as in Prometheus, 1 to 100 characters | refused: `name` |
//! | value | finite | refused: `not_finite` |
//! | labels | at most 30, names as in Prometheus, 1 to 100 characters | refused: `labels` |
//! | label value | at most 1,000 bytes | cut, and counted: `label_cut` |
//!
//! Names are those of <https://prometheus.io/docs/concepts/data_model/>.

use jiff::{SignedDuration, Timestamp};
use prometheus_client::encoding::EncodeLabelValue;

use super::{Point, Sample};

/// Clocks of hosts may differ by so much.
pub(crate) const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// Length of `metric_name` in the tables, and of a label's name.
const NAME_CHARACTERS: usize = 100;
/// Labels of one series.
pub(crate) const LABELS: usize = 30;
/// Length of a label's value.
pub(crate) const LABEL_BYTES: usize = 1_000;

/// Why a number was refused or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "the names are label values")]
pub enum Refusal {
    in_future,
    too_old,
    name,
    not_finite,
    labels,
    label_cut,
    /// PostgreSQL itself did not take it.
    database,
}

impl Refusal {
    /// All there are.
    pub(crate) const ALL: [Self; 7] =
        [Self::in_future, Self::too_old, Self::name, Self::not_finite, Self::labels, Self::label_cut, Self::database];
}

/// Leaves in the sample what may come in at `now`, where nothing older than `kept` stays; calls
/// `refused` for every number that goes or is changed.
pub(crate) fn admit(sample: &mut Sample, now: Timestamp, kept: SignedDuration, mut refused: impl FnMut(Refusal)) {
    let age = now.duration_since(sample.at);
    let outside = if age < -AHEAD {
        Some(Refusal::in_future)
    } else if age > kept {
        Some(Refusal::too_old)
    } else {
        None
    };
    sample.points.retain_mut(|point| {
        let refusal = outside.or_else(|| refusal(point));
        if let Some(refusal) = refusal {
            refused(refusal);
        } else if cut_labels(point) {
            refused(Refusal::label_cut);
        }
        refusal.is_none()
    });
}

fn refusal(point: &Point) -> Option<Refusal> {
    if !is_metric_name(&point.metric_name) {
        Some(Refusal::name)
    } else if !point.value.is_finite() {
        Some(Refusal::not_finite)
    } else if point.labels.len() > LABELS || !point.labels.keys().all(|name| is_label_name(name)) {
        Some(Refusal::labels)
    } else {
        None
    }
}

/// Whether it is a name as in Prometheus, of 1 to 100 characters.
pub(crate) fn is_metric_name(name: &str) -> bool {
    is_name(name, |c| c == ':')
}

/// Whether it is the name of a label as in Prometheus, of 1 to 100 characters.
pub(crate) fn is_label_name(name: &str) -> bool {
    is_name(name, |_| false)
}

fn is_name(name: &str, also: impl Fn(char) -> bool) -> bool {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || also(c);
    name.len() <= NAME_CHARACTERS
        && name.starts_with(|c: char| of_name(c) && !c.is_ascii_digit())
        && name.chars().all(of_name)
}

fn cut_labels(point: &mut Point) -> bool {
    let mut cut = false;
    for value in point.labels.values_mut().filter(|value| value.len() > LABEL_BYTES) {
        value.truncate(value.floor_char_boundary(LABEL_BYTES));
        cut = true;
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Labels;

    fn outcome(seconds_ahead: i64, name: &str, value: f64, labels: &[(&str, &str)]) -> (Vec<Point>, Vec<Refusal>) {
        let now = Timestamp::from_second(1_764_000_000).unwrap();
        let labels: Labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let point = Point { metric_name: name.to_owned().into(), value, labels };
        let at = now + SignedDuration::from_secs(seconds_ahead);
        let mut sample = Sample { at, host: "web".to_owned(), points: vec![point] };
        let mut refusals = Vec::new();
        admit(&mut sample, now, SignedDuration::from_hours(30 * 24), |refusal| refusals.push(refusal));
        (sample.points, refusals)
    }

    #[test]
    fn each_rule_refuses_its_own() {
        let long = "x".repeat(101);
        let day = 24 * 60 * 60;
        for (refusal, (points, refusals)) in [
            (Some(Refusal::in_future), outcome(301, "a", 1.0, &[])),
            (None, outcome(299, "a", 1.0, &[])),
            (Some(Refusal::too_old), outcome(-30 * day - 1, "a", 1.0, &[])),
            (None, outcome(-30 * day + 1, "a", 1.0, &[])),
            (Some(Refusal::name), outcome(0, "", 1.0, &[])),
            (Some(Refusal::name), outcome(0, "1a", 1.0, &[])),
            (Some(Refusal::name), outcome(0, "レシピ", 1.0, &[])),
            (Some(Refusal::name), outcome(0, "a'; DROP TABLE system_metrics; --", 1.0, &[])),
            (Some(Refusal::name), outcome(0, &long, 1.0, &[])),
            (None, outcome(0, &long[1..], 1.0, &[])),
            (None, outcome(0, "job:http_requests:rate5m", 1.0, &[])),
            (Some(Refusal::not_finite), outcome(0, "a", f64::NAN, &[])),
            (Some(Refusal::not_finite), outcome(0, "a", f64::NEG_INFINITY, &[])),
            (None, outcome(0, "a", f64::MAX, &[("route", "/レシピ/:id")])),
            (Some(Refusal::labels), outcome(0, "a", 1.0, &[("a:b", "")])),
            (Some(Refusal::labels), outcome(0, "a", 1.0, &[(&long, "")])),
        ] {
            assert_eq!(refusals, Vec::from_iter(refusal));
            assert_eq!(points.is_empty(), refusal.is_some());
        }
    }

    #[test]
    fn a_long_label_is_cut_between_characters_and_counted() {
        let (points, refusals) = outcome(0, "a", 1.0, &[("route", &"レ".repeat(400))]);
        assert_eq!(refusals, [Refusal::label_cut]);
        assert_eq!(points[0].labels["route"], "レ".repeat(333));
    }
}
