//! How the monitoring itself stands, a process at a time: what it is, what it counts about itself, its parts, how its
//! settings were last read and what it last warned of. Nothing is measured for it: the numbers are those of `/metrics`.
//!
//! A process tells it whoever asks at its socket in the data directory, which nobody else may open: the dashboard of
//! its collector, and commands of both. There is nothing secret in it.

mod desk;
mod numbers;
mod socket;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::reload::Reloaded;
use crate::run::{Process, Role};
use crate::support::without_likely;
use crate::telemetry::{self, LogLine};
use crate::{Feed, Health};

pub use desk::{Beside, Standing, VitalsDesk};
pub use numbers::{Numbers, Spread};

/// Before the names of what a process counts about itself; the others are the watched application's.
const OWN: [&str; 2] = ["recipe_monitoring_", "process_"];

/// The programs, by whose names their sockets are found.
pub const PROGRAMS: [&str; 2] = ["recipe-monitoring-collector", "recipe-monitoring-dashboard"];

/// How a process stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Vitals {
    /// What the program is called.
    pub program: String,
    /// Its version.
    pub version: String,
    /// For what and how it was built.
    pub build: String,
    /// Its process id.
    pub pid: u32,
    /// What it does: `collector`, `dashboard` or both.
    pub role: String,
    /// When it was started.
    #[serde(with = "crate::rfc3339")]
    pub started_at: Timestamp,
    /// When this was asked for.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// The state of the parts, as this process sees them.
    pub health: Health,
    /// How its settings were last read.
    pub reloaded: Reloaded,
    /// What it warned of last, the newest first.
    pub log: Vec<LogLine>,
    /// What it counts about itself, in Prometheus' text format 0.0.4.
    pub metrics: String,
}

/// Writes what the process counts, in Prometheus' text format 0.0.4.
type Text = Box<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;

/// Where the vitals of this process come from. Clones are the same.
#[derive(Clone)]
pub struct VitalSigns(Arc<Inner>);

struct Inner {
    process: Process,
    role: Role,
    feed: Feed,
    text: OnceLock<Text>,
}

impl fmt::Debug for VitalSigns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VitalSigns").field("process", &self.0.process).field("role", &self.0.role).finish()
    }
}

impl VitalSigns {
    pub(crate) fn new(process: Process, role: Role, feed: Feed) -> Self {
        Self(Arc::new(Inner { process, role, feed, text: OnceLock::new() }))
    }

    /// From now on what the process counts is written by `text`, once its registry is complete.
    pub fn count_by(&self, text: impl Fn() -> BoxFuture<'static, String> + Send + Sync + 'static) {
        let _ = self.0.text.set(Box::new(text));
    }

    /// How it stands now.
    pub async fn take(&self) -> Vitals {
        let Inner { process, role, feed, text } = &*self.0;
        let metrics = match text.get() {
            Some(text) => own(&text().await),
            None => String::new(),
        };
        Vitals {
            program: process.program.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: build(),
            pid: std::process::id(),
            role: role.name().to_owned(),
            started_at: process.started_at,
            at: Timestamp::now(),
            health: feed.health(),
            reloaded: process.reloads.last(),
            log: log(),
            metrics,
        }
    }

    pub(crate) fn role(&self) -> Role {
        self.0.role
    }

    /// Tells it whoever asks, for ever.
    pub(crate) async fn tell(self, data_dir: PathBuf) {
        let Some(counter) = socket::Counter::open(&socket::path(&data_dir, self.0.process.program)) else { return };
        loop {
            let stream = counter.next().await;
            let vitals = serde_json::to_vec(&self.take().await).unwrap_or_default();
            socket::answer(stream, &vitals).await;
        }
    }
}

impl Vitals {
    /// Asks the program of this name that runs on a data directory.
    ///
    /// # Errors
    ///
    /// Where none does, or another version.
    pub async fn ask(data_dir: &Path, program: &str) -> std::io::Result<Self> {
        let answer = socket::ask(&socket::path(data_dir, program)).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// What it counts, by name.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        Numbers::of(&self.metrics)
    }
}

/// For what and how this program was built.
#[must_use]
pub fn build() -> String {
    let kind = if cfg!(debug_assertions) { "debug" } else { "release" };
    format!("{kind}, {}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

/// What was warned of, as those may read it who see how the monitoring stands.
fn log() -> Vec<LogLine> {
    telemetry::newest().into_iter().map(|line| LogLine { text: without_likely(line.text), ..line }).collect()
}

/// What of an exposition a process counts about itself.
fn own(text: &str) -> String {
    let is_own = |line: &&str| {
        let name = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE ")).unwrap_or(line);
        OWN.iter().any(|start| name.starts_with(start))
    };
    text.lines().filter(is_own).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_applications_is_not_of_the_process() {
        let text = "# HELP cpu_usage All\n# TYPE cpu_usage gauge\ncpu_usage{host=\"a\"} 1\n# TYPE process_cpu_seconds_total \
                    counter\nprocess_cpu_seconds_total 2\nrecipe_monitoring_samples_total 3\n";
        let kept = "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 2\nrecipe_monitoring_samples_total 3\n";
        assert_eq!(own(text), kept);
    }
}
