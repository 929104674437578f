//! Business metrics: what is counted by the local day, and from where.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::business::Selector;
use crate::{APPLICATION_METRICS, DATABASE_METRICS, SYSTEM_METRICS};

use super::error::Invalid;
use super::schedule::Schedule;
use super::secret::Secret;

/// `[business]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Business {
    /// Whether business metrics are counted at all.
    pub enabled: bool,
    /// Zone of the days, e.g. `Asia/Tokyo`. Empty: `schedule.time_zone`.
    pub time_zone: String,
    /// What is counted.
    pub metrics: Vec<Metric>,
    /// The application's own PostgreSQL, for metrics with `sql`. It is only ever read.
    pub database_url: Secret,
    /// A query that takes longer has failed.
    #[serde(with = "super::load::duration")]
    pub statement_timeout: Duration,
}

/// One business metric. Its count is that of `event`s pushed to the API and, where they are named,
/// of a scraped counter; or else what `sql` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its name in tables and API, e.g. `recipes_created_daily`.
    pub name: String,
    /// The event that is counted, e.g. `recipe_created`.
    #[serde(default)]
    pub event: String,
    /// A scraped counter whose increase counts as such events, e.g. `recipes_created_total`, with
    /// labels where it needs any: `orders_total{state="paid"}`.
    #[serde(default)]
    pub counter: String,
    /// A query of one number, where `$1` and `$2` are the beginning and the end of the day, as
    /// `timestamptz`: `SELECT count(*) FROM orders WHERE paid_at >= $1 AND paid_at < $2`. NULL and
    /// no row are 0.
    #[serde(default)]
    pub sql: String,
    /// What it is called in English; else its name.
    #[serde(default)]
    pub title_en: String,
    /// What it is called in Japanese; else its name.
    #[serde(default)]
    pub title_ja: String,
    /// What is counted, such as `recipes`.
    #[serde(default)]
    pub unit: String,
}

/// As which `collector::http` exposes events.
const LAYER_COUNTER: &str = "business_events_total";

/// The recipe site's: name, event, English and Japanese title.
const DEFAULT_METRICS: [(&str, &str, &str, &str); 5] = [
    ("user_registrations_daily", "user_registered", "Registrations", "ユーザー登録"),
    ("recipes_created_daily", "recipe_created", "Recipes created", "レシピ作成"),
    ("search_executions_daily", "search_executed", "Searches", "検索実行"),
    ("recipe_views_daily", "recipe_viewed", "Recipe views", "レシピ閲覧"),
    ("recipe_ratings_daily", "recipe_rated", "Ratings", "レシピ評価"),
];

impl Default for Business {
    fn default() -> Self {
        let metric = |(name, event, title_en, title_ja): (&str, &str, &str, &str)| Metric {
            name: name.to_owned(),
            event: event.to_owned(),
            counter: format!("{LAYER_COUNTER}{{event=\"{event}\"}}"),
            title_en: title_en.to_owned(),
            title_ja: title_ja.to_owned(),
            ..Metric::default()
        };
        Self {
            enabled: true,
            time_zone: String::new(),
            metrics: DEFAULT_METRICS.map(metric).to_vec(),
            database_url: Secret::default(),
            statement_timeout: Duration::from_secs(5),
        }
    }
}

/// Length of `counter:` and a name in `business_events.event`.
const COUNTER_NAME: usize = 92;

impl Business {
    /// The zone that days are of.
    #[must_use]
    pub fn zone(&self, schedule: &Schedule) -> TimeZone {
        if self.time_zone.is_empty() {
            return schedule.zone();
        }
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        if !self.time_zone.is_empty() && TimeZone::get(&self.time_zone).is_err() {
            let remedy = "use a name of the IANA time zone database, such as Asia/Tokyo or UTC";
            return Err(Invalid::new("business.time_zone", &self.time_zone, remedy));
        }
        Invalid::unless_between("business.statement_timeout", self.statement_timeout, 1, 60)?;
        let mut names = BTreeSet::new();
        for metric in &self.metrics {
            let invalid = |remedy: &str| Invalid::new("business.metrics", &metric.name, remedy);
            if !crate::sample::is_metric_name(&metric.name) {
                return Err(invalid("use 1 to 100 letters, digits and underscores as a name, and no digit first"));
            }
            if !names.insert(&metric.name) {
                return Err(invalid("use each name once"));
            }
            if SYSTEM_METRICS
                .iter()
                .chain(&APPLICATION_METRICS)
                .chain(&DATABASE_METRICS)
                .any(|(name, _)| *name == metric.name)
            {
                return Err(invalid("use another name: this one is a metric of the host or of the application"));
            }
            let shown = [&metric.title_en, &metric.title_ja, &metric.unit];
            if shown.into_iter().any(|text| text.chars().any(char::is_control)) {
                return Err(invalid("write its titles and its unit on one line, without control characters"));
            }
            let pushed = !metric.event.is_empty() || !metric.counter.is_empty();
            let is_in_a_name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
            if metric.event.len() > 100 || !metric.event.bytes().all(is_in_a_name) {
                return Err(invalid("name its event with at most 100 of a-z, 0-9, _, . and -, as events are"));
            }
            if !metric.counter.is_empty() {
                if Selector::parse(&metric.counter).is_none() {
                    let remedy = "write its counter as orders_total or as orders_total{state=\"paid\"}";
                    return Err(invalid(remedy));
                }
                if metric.event.is_empty() && metric.name.len() > COUNTER_NAME {
                    return Err(invalid("use a name of at most 92 characters, or name an event beside the counter"));
                }
            }
            match (pushed, !metric.sql.is_empty()) {
                (false, false) => return Err(invalid("say what is counted: event, counter or sql")),
                (true, true) => return Err(invalid("use sql alone, or event and counter")),
                (false, true) if self.database_url.expose().is_none() => {
                    return Err(invalid("set business.database_url, where its sql is asked"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
