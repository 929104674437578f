//! What one reading is, per kind. How it is taken belongs to `source`, where it goes to `monitor`.

mod system;

#[cfg(feature = "runtime")]
pub(crate) use system::percent;
pub use system::{Interface, Mount, SYSTEM_METRICS, System, SystemWindow};

/// Label name and value of a series, at most one here so far (`mount` or `interface`, and later
/// `host`); empty for the series that stands for the whole.
pub type Labels = Vec<(&'static str, String)>;

/// One number as it is stored: a row of `system_metrics`.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The name in the specification's table of metrics, e.g. `cpu_usage`.
    pub metric_name: &'static str,
    /// What tells this series from others of the same name.
    pub labels: Labels,
    /// Finite, in the metric's unit.
    pub value: f64,
}
