//! Of which series a moment would have had a value, if they were there: the metrics of one kind
//! come together, from one host.

use std::collections::BTreeSet;

use super::{FIRE_DRILL_METRIC, Value};
use crate::sample::{APPLICATION_METRICS, DATABASE_METRICS, HOST_LABEL, Labels, SYSTEM_METRICS};

/// Whether a part of the monitoring answers, with the label `part`: 1 yes, 0 no.
pub const PART_UP: &str = "recipe_monitoring_part_up";
/// Is in every reading of the application that has more than what all routes did together.
const UP: &str = "up";

/// Metrics that come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    System,
    Application,
    Business,
    Postgresql,
    DatabaseSize,
    RelationSizes,
    Pool,
    Redis,
    Parts,
}

impl Kind {
    fn of(metric: &str) -> Self {
        let is_of = |metrics: &[(&str, &str)]| metrics.iter().any(|(name, _)| *name == metric);
        match metric {
            PART_UP | FIRE_DRILL_METRIC => Self::Parts,
            _ if is_of(&crate::backup::POINTS) => Self::Parts,
            _ if is_of(&SYSTEM_METRICS) => Self::System,
            _ if is_of(&APPLICATION_METRICS) => Self::Application,
            "postgresql_database_bytes" => Self::DatabaseSize,
            "postgresql_table_bytes" | "postgresql_index_bytes" => Self::RelationSizes,
            "postgresql_pool_connections" => Self::Pool,
            _ if is_of(&DATABASE_METRICS) && metric.starts_with("redis_") => Self::Redis,
            _ if is_of(&DATABASE_METRICS) => Self::Postgresql,
            _ => Self::Business,
        }
    }
}

/// What a moment speaks of.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Kind and host.
    kinds: BTreeSet<(Kind, String)>,
    /// Hosts whose application's routes and instances are there one by one.
    detailed: BTreeSet<String>,
}

impl Scope {
    /// Of the moment with these values.
    #[must_use]
    pub fn of<'a>(values: impl IntoIterator<Item = Value<'a>>) -> Self {
        let mut scope = Self::default();
        for Value { metric, labels, .. } in values {
            scope.kinds.insert((Kind::of(metric), host(labels).to_owned()));
            if metric == UP {
                scope.detailed.insert(host(labels).to_owned());
            }
        }
        scope
    }

    /// Whether the moment would have this series if it were there.
    #[must_use]
    pub fn speaks_of(&self, metric: &str, labels: &Labels) -> bool {
        let kind = Kind::of(metric);
        if labels.is_empty() {
            // Of none in particular.
            return self.kinds.iter().any(|(known, _)| *known == kind);
        }
        let is_whole = labels.keys().all(|name| name == HOST_LABEL);
        let is_there = self.kinds.contains(&(kind, host(labels).to_owned()));
        is_there && (kind != Kind::Application || is_whole || self.detailed.contains(host(labels)))
    }
}

fn host(labels: &Labels) -> &str {
    labels.get(HOST_LABEL).map_or("", String::as_str)
}

/// The metrics that have to be read beside `metric` to know which moments there were.
#[must_use]
pub fn companions(metric: &str) -> &'static [&'static str] {
    match Kind::of(metric) {
        Kind::System => &["cpu_usage"],
        Kind::Application => &["http_requests_total", "active_connections", UP],
        Kind::Postgresql => &["postgresql_locks_waiting"],
        Kind::Redis => &["redis_connected_clients"],
        Kind::Business | Kind::DatabaseSize | Kind::RelationSizes | Kind::Pool | Kind::Parts => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_moment_speaks_of_its_kind_and_host_and_of_routes_when_they_are_told_apart() {
        let web = labels(&[("host", "web")]);
        let route = labels(&[("host", "web"), ("route", "/")]);
        let value = |metric, labels| Value { metric, labels, value: 1.0 };
        let whole = Scope::of([value("http_requests_total", &web)]);
        let detailed = Scope::of([value("up", &web)]);
        let system = Scope::of([value("cpu_usage", &web)]);
        let locks = Scope::of([value("postgresql_locks_waiting", &web)]);
        for (scope, metric, labels, spoken) in [
            (&whole, "http_error_rate", &web, true),
            (&whole, "http_error_rate", &Labels::new(), true),
            (&whole, "http_error_rate", &route, false),
            (&whole, "cpu_usage", &web, false),
            (&whole, "orders_daily", &web, false),
            (&detailed, "http_error_rate", &route, true),
            (&system, "disk_usage", &labels(&[("host", "web"), ("mount", "/")]), true),
            (&system, "disk_usage", &labels(&[("host", "db"), ("mount", "/")]), false),
            (&locks, "postgresql_cache_hit_ratio", &web, true),
            (&locks, "redis_connected_clients", &web, false),
            (&locks, "postgresql_table_bytes", &labels(&[("host", "web"), ("table", "public.a")]), false),
        ] {
            assert_eq!(scope.speaks_of(metric, labels), spoken, "{metric} {labels:?}");
        }
    }
}
