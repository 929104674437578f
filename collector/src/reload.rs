//! Settings that are read again while the program runs, on SIGHUP: all that is new is used, or nothing of it.
//!
//! ```text
//! SIGHUP -> Settings::load -> foresee -> the run ends in order -> a run by the new settings
//!                 |              |                                        |
//!                 +--------------+---- refused: the old ones stay <-------+
//! ```
//!
//! A run that follows another in the same process finds what a restart would: what was sampled is in the spool and the
//! journal, so nothing is lost and nothing counted twice, and every setting holds that holds after a restart. The
//! private servers go on, and so does the socket that the dashboard listens on. Only how lines of the log are written
//! ([`UNTIL_RESTART`]) and what the process was given by its parent, environment and flags, stay until a restart.

use std::fmt::Display;
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{self, SignalKind};

use crate::config::{ConfigError, LogFormat, Settings, Sources};
use crate::{Sentence, service_manager, telemetry};

/// The one setting that a reload does not put into use.
const UNTIL_RESTART: &str = "log.format";

/// How the settings were last read. Clones are the same.
#[derive(Clone, Debug)]
pub struct Reloads(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    last: Mutex<Reloaded>,
    successful: Gauge,
    success_at: Gauge<f64, AtomicU64>,
}

/// How the settings were last read; at first by the start of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// When that was.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// Since when the settings in use are so.
    #[serde(with = "crate::rfc3339")]
    pub used_since: Timestamp,
    /// Why the new ones were not used; `None` where they were.
    pub error: Option<String>,
    /// The same in Japanese.
    pub error_ja: Option<String>,
    /// Settings that are new and wait for a restart.
    pub waits_for_restart: Vec<String>,
}

impl Reloads {
    /// Of a program that starts at `now`.
    #[must_use]
    pub fn begin(now: Timestamp) -> Self {
        let last = Reloaded { at: now, used_since: now, error: None, error_ja: None, waits_for_restart: Vec::new() };
        let reloads = Self(Arc::new(Inner {
            last: Mutex::new(last),
            successful: Gauge::default(),
            success_at: Gauge::default(),
        }));
        reloads.0.successful.set(1);
        reloads.0.success_at.set(now.as_duration().as_secs_f64());
        reloads
    }

    /// Enters both numbers, under the names that Prometheus has for its own.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("recipe_monitoring_config_last_reload");
        let help = "Whether the last attempt to read the settings succeeded: 1 yes, 0 no";
        registry.register("successful", help, self.0.successful.clone());
        let help = "When settings were last read with success";
        registry.register("success_timestamp_seconds", help, self.0.success_at.clone());
    }

    /// How they were last read.
    #[must_use]
    pub fn last(&self) -> Reloaded {
        self.lock().clone()
    }

    fn refuse(&self, error: &dyn Display, now: Timestamp) {
        let Sentence { en, ja } = Sentence::new(
            format!("the settings before stay in use: {error}"),
            format!("変更前の設定のまま動作しています: 「{error}」"),
        );
        let mut last = self.lock();
        *last = Reloaded { at: now, error: Some(en), error_ja: Some(ja), ..last.clone() };
        self.0.successful.set(0);
    }

    fn accept(&self, is_new: bool, waits_for_restart: Vec<String>, now: Timestamp) {
        let mut last = self.lock();
        let used_since = if is_new { now } else { last.used_since };
        *last = Reloaded { at: now, used_since, error: None, error_ja: None, waits_for_restart };
        self.0.successful.set(1);
        self.0.success_at.set(now.as_duration().as_secs_f64());
    }

    fn lock(&self) -> MutexGuard<'_, Reloaded> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads settings whenever SIGHUP asks for it, and goes back to those of the run before where one by the new ones does
/// not start.
///
/// ```text
/// loop {
///     run by the settings in use -> started   no run came of it: once more, by the old settings, or the end
///     ready
///     next, and the run ends -> follow
/// }
/// ```
#[derive(Debug)]
pub struct Reloading {
    sources: Sources,
    asked: unix::Signal,
    reloads: Reloads,
    /// How lines of the log are written until the end.
    format: LogFormat,
    /// Of the run before, until one by the new ones has started.
    before: Option<Settings>,
    is_first: bool,
}

impl Reloading {
    /// Starts listening; from then on SIGHUP no longer ends the program. `used` are the settings that it starts with.
    ///
    /// # Errors
    ///
    /// When the operating system does not let us listen.
    pub fn listen(sources: Sources, used: &Settings) -> io::Result<Self> {
        let asked = unix::signal(SignalKind::hangup())?;
        let reloads = Reloads::begin(Timestamp::now());
        Ok(Self { sources, asked, reloads, format: used.log.format, before: None, is_first: true })
    }

    /// What came of it.
    #[must_use]
    pub fn reloads(&self) -> &Reloads {
        &self.reloads
    }

    /// Waits for settings that are other than those in use, right, and found usable by `foresee`; answers what that
    /// has prepared, too, for [`Self::follow`].
    pub async fn next<T, E: Display>(
        &mut self,
        used: &Settings,
        foresee: impl AsyncFn(&Settings) -> Result<T, E>,
    ) -> (Settings, T) {
        loop {
            // There is no end of signals.
            let _ = self.asked.recv().await;
            tracing::info!("asked to read the settings again");
            service_manager::reloading();
            match Settings::load(&self.sources) {
                Err(error) => self.refuse(&error),
                Ok(new) if new == *used => {
                    tracing::info!("the settings are as they were");
                    self.reloads.accept(false, self.waits(&new), Timestamp::now());
                }
                Ok(new) => match foresee(&new).await {
                    Ok(prepared) => return (new, prepared),
                    Err(error) => self.refuse(&error),
                },
            }
            service_manager::reloaded();
        }
    }

    /// Uses these settings from now on: a run by them follows.
    ///
    /// # Errors
    ///
    /// When their filter of the log is none; nothing has changed then.
    pub fn follow(&mut self, used: &mut Settings, next: Settings) -> Result<(), ConfigError> {
        telemetry::follow(&next.log)?;
        self.before = Some(std::mem::replace(used, next));
        Ok(())
    }

    /// What came of a run by the settings in use: the run, or `None` where it did not start and those before are in use
    /// again.
    ///
    /// # Errors
    ///
    /// Why it did not start, where there is nothing to go back to.
    pub fn started<R, E: Display>(&mut self, used: &mut Settings, run: Result<R, E>) -> Result<Option<R>, E> {
        match (run, self.before.take()) {
            (Ok(run), before) => {
                if before.is_some() {
                    self.succeeded(used);
                }
                Ok(Some(run))
            }
            (Err(error), Some(before)) => {
                self.refuse(&error);
                if let Err(error) = telemetry::follow(&before.log) {
                    tracing::error!(%error, "the log is filtered by the new settings");
                }
                *used = before;
                Ok(None)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Tells the service manager that a run does its work, `status` in a few words. Answers whether it is the first.
    pub fn ready(&mut self, status: &str) -> bool {
        let is_first = std::mem::replace(&mut self.is_first, false);
        if is_first {
            service_manager::ready(status);
        } else {
            service_manager::ready_again(status);
        }
        is_first
    }

    fn refuse(&self, error: &dyn Display) {
        tracing::error!(%error, "the settings stay as they were");
        self.reloads.refuse(error, Timestamp::now());
    }

    fn succeeded(&self, used: &Settings) {
        let waits = self.waits(used);
        tracing::info!("the new settings are in use");
        for setting in &waits {
            tracing::warn!(setting, "this setting is new, too, and is used after a restart");
        }
        self.reloads.accept(true, waits, Timestamp::now());
    }

    fn waits(&self, used: &Settings) -> Vec<String> {
        let waits = used.log.format != self.format;
        waits.then(|| UNTIL_RESTART.to_owned()).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::assert_japanese;

    #[test]
    fn what_was_refused_is_said_until_the_next_time_and_the_old_settings_stay() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let reloads = Reloads::begin(at(1));
        reloads.refuse(&"setting live.push = 0s is not valid: use 1s", at(2));
        let last = reloads.last();
        assert_eq!((last.at, last.used_since, reloads.0.successful.get()), (at(2), at(1), 0));
        assert!(last.error.unwrap().ends_with("stay in use: setting live.push = 0s is not valid: use 1s"));
        assert_japanese(&last.error_ja.unwrap(), &["live.push"]);
        assert!((reloads.0.success_at.get() - 1.0).abs() < f64::EPSILON);
        reloads.accept(false, Vec::new(), at(3));
        let last = reloads.last();
        assert_eq!((last.at, last.used_since, last.error, reloads.0.successful.get()), (at(3), at(1), None, 1));
        reloads.accept(true, vec![UNTIL_RESTART.to_owned()], at(4));
        assert_eq!((reloads.last().used_since, reloads.last().waits_for_restart.len()), (at(4), 1));
    }
}
