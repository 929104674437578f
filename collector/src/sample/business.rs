//! What the application is for, counted by the local day.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Labels, Point, Sample};

/// One reading of the business metrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Business {
    /// When.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// Name of the collector's host.
    pub host: String,
    /// The local day that `today` is of, e.g. `2026-11-25`.
    pub date: String,
    /// The zone that days are of, e.g. `Asia/Tokyo`.
    pub time_zone: String,
    /// The metrics, in the order of the settings.
    pub metrics: Vec<BusinessMetric>,
}

/// One business metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BusinessMetric {
    /// Its name, e.g. `recipes_created_daily`.
    pub name: String,
    /// What it is called in English.
    pub title_en: String,
    /// What it is called in Japanese.
    pub title_ja: String,
    /// What is counted, such as `recipes`; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// Since local midnight; `None` where it is not known.
    pub today: Option<f64>,
    /// Yesterday up to the same time of day; `None` where it is not known.
    pub yesterday: Option<f64>,
    /// The last seven local days, oldest first, today last.
    pub week: Vec<DayCount>,
    /// Why it is not known, in a sentence with the remedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The same in Japanese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_ja: Option<String>,
}

/// The count of one local day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DayCount {
    /// The day, e.g. `2026-11-25`.
    pub date: String,
    /// The count; `None` where it is not known.
    pub count: Option<f64>,
}

impl Business {
    /// Whether anything was ever counted.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        let counted = |count: Option<f64>| count.is_some_and(|count| count > 0.0);
        self.metrics.iter().any(|metric| counted(metric.today) || metric.week.iter().any(|day| counted(day.count)))
    }

    /// The sample that is kept of this reading.
    #[must_use]
    pub fn sample(&self) -> Sample {
        let points = self.metrics.iter().filter_map(|metric| {
            Some(Point { metric_name: metric.name.clone().into(), value: metric.today?, labels: Labels::new() })
        });
        Sample { at: self.at, host: self.host.clone(), points: points.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_is_not_known_has_no_point() {
        let metric = |name: &str, today| BusinessMetric { name: name.into(), today, ..BusinessMetric::default() };
        let reading =
            Business { metrics: vec![metric("a_daily", Some(0.0)), metric("b_daily", None)], ..Business::default() };
        let points = reading.sample().points;
        assert_eq!(points.len(), 1);
        assert_eq!((points[0].metric_name.as_ref(), points[0].value), ("a_daily", 0.0));
    }
}
