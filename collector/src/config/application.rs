//! The watched application: where its metrics come from and how they are called.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::error::Invalid;
use super::secret::Secret;
use crate::exposition::Limits;
use crate::requests::{Mapping, Unit};
use crate::source::instance_name;

/// What is scraped unless settings say otherwise.
const DEFAULT_TARGET: &str = "http://127.0.0.1:5000/metrics";

/// `[application]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Application {
    /// Whether an application is watched at all.
    pub enabled: bool,
    /// What is scraped: URLs, or tables with more about each. Empty: only what is pushed counts.
    pub targets: Vec<Target>,
    /// Which answers count as failed in `http_error_rate`.
    pub failed: Failed,
    /// Name of the counter of requests where it is none of the known ones.
    pub requests_metric: String,
    /// Name of the histogram of durations where it is none of the known ones.
    pub duration_metric: String,
    /// Unit of that histogram.
    pub duration_unit: DurationUnit,
    /// Name of the gauge of open connections where it is none of the known ones.
    pub connections_metric: String,
    /// Label with the request's method where it is none of the known ones.
    pub method_label: String,
    /// Label with the matched route where it is none of the known ones.
    pub route_label: String,
    /// Label with the answer's status where it is none of the known ones.
    pub status_label: String,
    /// What one scrape or push may hold, in MiB, also after decompression.
    pub body_limit_mib: u64,
    /// Series that one instance may expose; what is over is left out, counted.
    pub series_limit: usize,
}

impl Default for Application {
    fn default() -> Self {
        Self {
            enabled: true,
            targets: vec![Target::of(DEFAULT_TARGET)],
            failed: Failed::default(),
            requests_metric: String::new(),
            duration_metric: String::new(),
            duration_unit: DurationUnit::default(),
            connections_metric: String::new(),
            method_label: String::new(),
            route_label: String::new(),
            status_label: String::new(),
            body_limit_mib: 16,
            series_limit: 10_000,
        }
    }
}

/// Which answers count as failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failed {
    /// Those with a status of 500 and above.
    #[default]
    #[serde(rename = "5xx")]
    Server,
    /// Those with a status of 400 and above.
    #[serde(rename = "4xx_5xx")]
    ClientAndServer,
}

/// Units of durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DurationUnit {
    /// Seconds.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// One scraped instance: `"http://127.0.0.1:5000/metrics"`, or a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// Where its metrics are.
    pub url: String,
    /// What it is an instance of.
    pub job: String,
    /// For `Authorization: Bearer`.
    pub bearer_token: Secret,
    /// A file with it, read again at every scrape.
    pub bearer_token_file: PathBuf,
    /// For basic authentication.
    pub username: String,
    /// For basic authentication.
    pub password: Secret,
    /// A file with it, read again at every scrape.
    pub password_file: PathBuf,
    /// A scrape that takes longer has failed.
    #[serde(with = "super::load::duration")]
    pub timeout: Duration,
    /// A file of certificates in PEM that are trusted besides those of the system.
    pub ca_file: PathBuf,
    /// Take any certificate. Only for tests: whoever is in between reads along.
    pub insecure_skip_verify: bool,
}

impl Target {
    /// The target at this URL.
    #[must_use]
    pub fn of(url: &str) -> Self {
        Table { url: url.to_owned(), ..Table::default() }.into()
    }
}

/// A target as a table; `url` may not be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: String,
    #[serde(default = "default_job")]
    job: String,
    #[serde(default)]
    bearer_token: Secret,
    #[serde(default)]
    bearer_token_file: PathBuf,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    password_file: PathBuf,
    #[serde(with = "super::load::duration", default = "default_timeout")]
    timeout: Duration,
    #[serde(default)]
    ca_file: PathBuf,
    #[serde(default)]
    insecure_skip_verify: bool,
}

fn default_job() -> String {
    "app".to_owned()
}

/// Less than the time between two scrapes.
fn default_timeout() -> Duration {
    Duration::from_secs(4)
}

impl Default for Table {
    fn default() -> Self {
        Self {
            url: String::new(),
            job: default_job(),
            bearer_token: Secret::default(),
            bearer_token_file: PathBuf::new(),
            username: String::new(),
            password: Secret::default(),
            password_file: PathBuf::new(),
            timeout: default_timeout(),
            ca_file: PathBuf::new(),
            insecure_skip_verify: false,
        }
    }
}

impl From<Table> for Target {
    fn from(table: Table) -> Self {
        let Table { url, job, bearer_token, bearer_token_file, username, password, password_file, .. } = table;
        let Table { timeout, ca_file, insecure_skip_verify, .. } = table;
        Self {
            url,
            job,
            bearer_token,
            bearer_token_file,
            username,
            password,
            password_file,
            timeout,
            ca_file,
            insecure_skip_verify,
        }
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UrlOrTable;

        impl<'de> Visitor<'de> for UrlOrTable {
            type Value = Target;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a URL such as \"http://127.0.0.1:5000/metrics\", or a table with url and more")
            }

            fn visit_str<E: serde::de::Error>(self, url: &str) -> Result<Target, E> {
                Ok(Target::of(url))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Target, A::Error> {
                Table::deserialize(MapAccessDeserializer::new(map)).map(Target::from)
            }
        }

        deserializer.deserialize_any(UrlOrTable)
    }
}

impl Application {
    /// What one scrape or push may hold, in bytes.
    #[must_use]
    pub fn body_limit_bytes(&self) -> usize {
        usize::try_from(self.body_limit_mib.saturating_mul(1 << 20)).unwrap_or(usize::MAX)
    }

    /// What one instance may expose.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { series: self.series_limit, ..Limits::default() }
    }

    /// How its metrics are called.
    #[must_use]
    pub fn mapping(&self) -> Mapping {
        Mapping {
            requests: self.requests_metric.clone(),
            durations: self.duration_metric.clone(),
            unit: match self.duration_unit {
                DurationUnit::Seconds => Unit::Seconds,
                DurationUnit::Milliseconds => Unit::Milliseconds,
            },
            connections: self.connections_metric.clone(),
            method: self.method_label.clone(),
            route: self.route_label.clone(),
            status: self.status_label.clone(),
            failed_from: match self.failed {
                Failed::Server => 500,
                Failed::ClientAndServer => 400,
            },
        }
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        for target in &self.targets {
            let is_http = ["http://", "https://"].iter().any(|scheme| target.url.starts_with(scheme));
            if !is_http {
                let remedy = "use URLs such as http://127.0.0.1:5000/metrics";
                return Err(Invalid::new("application.targets", &target.url, remedy));
            }
            // There it would be in the log, in labels and on the page.
            if authority(&target.url).contains('@') {
                let remedy = "leave name and password out of its URL; write a table with url, username and password";
                return Err(Invalid::new("application.targets", "(secret)", remedy));
            }
            Invalid::unless_between("application.targets", target.timeout, 1, 60)?;
        }
        let mut names = HashSet::new();
        if let Some(twice) = self.targets.iter().find(|target| !names.insert(instance_name(target))) {
            let remedy = "give each target that differs from another only in scheme or query a job of its own";
            return Err(Invalid::new("application.targets", &twice.url, remedy));
        }
        if !(1..=32).contains(&self.body_limit_mib) {
            return Err(Invalid::new("application.body_limit_mib", self.body_limit_mib, "use 1 to 32"));
        }
        if !(100..=100_000).contains(&self.series_limit) {
            return Err(Invalid::new("application.series_limit", self.series_limit, "use 100 to 100000"));
        }
        Ok(())
    }
}

/// Host and port of a URL, and whatever is before them.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#', '\\']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_does_not_belong_in_a_url() {
        let check = |url: &str| Application { targets: vec![Target::of(url)], ..Application::default() }.check();
        for url in ["http://127.0.0.1:5000/metrics", "https://app.example/@x?y=a@b", "http://[::1]:80/metrics#@"] {
            assert!(check(url).is_ok(), "{url}");
        }
        for url in ["https://user:hunter2@app.example/metrics", "http://hunter2@app.example", "http://a:hunter2@b\\c"] {
            let error = check(url).unwrap_err().to_string();
            assert!(error.contains("username and password") && !error.contains("hunter2"), "{error}");
        }
    }
}
