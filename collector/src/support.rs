//! A support bundle: all that somebody who helps from afar would ask for, in one file, without a secret.
//!
//! ```text
//! parts (settings, doctor, vitals, schema, logs, host …) -> Redaction -> Archive -> one .tar.gz, mode 0600
//! ```
//!
//! Nothing is changed, and nothing has to run: what could not be had says so in its place. Every part passes the
//! [`Redaction`], also those that have no secrets by themselves.

mod archive;
mod host;
mod logs;
mod redaction;
mod stores;

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::config::{Settings, Sources};
use crate::{doctor, embedded, vitals};

use archive::Archive;
use redaction::Redaction;
pub(crate) use redaction::without_likely;

/// A part that takes longer is left out.
const LIMIT: Duration = Duration::from_secs(20);

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum SupportError {
    /// A file of this name is there.
    #[error("{path} is there already; name another file with --output")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("{path} cannot be written: {source}; name another place with --output")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A bundle that was written.
#[derive(Debug)]
pub struct Bundle {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What is in it.
    pub parts: Vec<String>,
    /// How many secrets were known, to be left out wherever they stand.
    pub secrets: usize,
}

/// The name of a bundle that is made at `now`.
#[must_use]
pub fn file_name(now: Timestamp) -> String {
    format!("recipe-monitoring-support-{}.tar.gz", now.strftime("%Y%m%dT%H%M%SZ"))
}

/// Writes a bundle to `path`, whole or not at all.
///
/// # Errors
///
/// See [`SupportError`]
pub async fn make(sources: &Sources, path: &Path, now: Timestamp) -> Result<Bundle, SupportError> {
    if path.exists() {
        return Err(SupportError::Exists { path: path.to_owned() });
    }
    let (settings, wrong) = Settings::load_what_is_right(sources);
    let data_dir = embedded::data_dir(&settings.storage).ok();
    let redaction = Redaction::of(&settings, sources, data_dir.as_deref());
    let mut parts = Parts { redaction: &redaction, parts: Vec::new() };

    parts.json("versions.json", &host::versions());
    parts.text("host.txt", &host::basics(data_dir.as_deref()));
    let mut text = toml::to_string(&settings).unwrap_or_else(|error| format!("# {error}\n"));
    for error in &wrong {
        let _ = write!(text, "\n# refused: {error}\n");
    }
    parts.text("settings.toml", &text);
    parts.text("rules.toml", &rules(&settings, &sources.directory));
    let checks = doctor::examine(sources, |_| {}).await;
    parts.json("doctor.json", &json!({ "checks": checks }));
    for program in vitals::PROGRAMS {
        let short = program.rsplit('-').next().unwrap_or(program);
        let asked = match &data_dir {
            Some(data_dir) => vitals::Vitals::ask(data_dir, program).await,
            None => Err(io::ErrorKind::NotFound.into()),
        };
        match asked {
            Ok(vitals) => {
                parts.text(&format!("{short}/metrics.txt"), &vitals.metrics);
                let mut standing = serde_json::to_value(&vitals).unwrap_or_default();
                // It is in the file beside.
                standing.as_object_mut().and_then(|standing| standing.remove("metrics"));
                parts.json(&format!("{short}/health.json"), &standing);
            }
            Err(error) => {
                parts.missing(&format!("{short}/health.json"), &format!("{program} does not answer: {error}"))
            }
        }
    }
    match doctor::readiness(&settings.server).await {
        Ok((status, text)) => parts.text("dashboard/readyz.txt", &format!("HTTP {status}\n{text}\n")),
        Err(error) => parts.missing("dashboard/readyz.txt", &format!("the dashboard does not answer: {error}")),
    }
    let urls = stores::urls(&settings);
    match timeout(LIMIT, stores::postgresql(&settings, urls.database_url.as_deref())).await {
        Ok(Ok(answer)) => {
            parts.json("postgresql/schema.json", &answer.schema);
            parts.json("postgresql/alerts.json", &answer.alerts);
        }
        Ok(Err(error)) => parts.missing("postgresql/schema.json", &error),
        Err(_) => parts.missing("postgresql/schema.json", &format!("no answer within {LIMIT:?}")),
    }
    if let Some(data_dir) = &data_dir {
        parts.text("data_directory.txt", &host::listing(data_dir));
    }
    for log in logs::all(&sources.environment, data_dir.as_deref()).await {
        match log.text {
            Ok(text) => parts.text(&format!("logs/{}", log.name), &text),
            Err(error) => parts.missing(&format!("logs/{}", log.name), &error),
        }
    }
    parts.write(path, now)
}

/// The file of rules as it is.
fn rules(settings: &Settings, directory: &Path) -> String {
    let path = directory.join(&settings.alerts.rules);
    match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => format!("# {}: {error}; the rules from the start hold\n", path.display()),
    }
}

/// The parts, as they are collected.
struct Parts<'a> {
    redaction: &'a Redaction,
    parts: Vec<(String, String)>,
}

impl Parts<'_> {
    fn text(&mut self, name: &str, text: &str) {
        self.parts.push((name.to_owned(), self.redaction.apply(text)));
    }

    fn json(&mut self, name: &str, value: &Value) {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        self.text(name, &(text + "\n"));
    }

    fn missing(&mut self, name: &str, why: &str) {
        self.json(name, &json!({ "missing": why }));
    }

    fn write(mut self, path: &Path, now: Timestamp) -> Result<Bundle, SupportError> {
        let mut about = format!(
            "Support bundle of recipe-monitoring {}, made {now}.\nSecrets are replaced by {}; look through it all the same \
             before you hand it on.\n\n",
            env!("CARGO_PKG_VERSION"),
            redaction::REMOVED,
        );
        for (name, text) in &self.parts {
            let _ = writeln!(about, "{:>9} bytes  {name}", text.len());
        }
        self.parts.insert(0, ("README.txt".to_owned(), about));
        let failed = |source| SupportError::Write { path: path.to_owned(), source };
        let root = path.file_name().unwrap_or_default().to_string_lossy().replace(".tar.gz", "");
        let mut archive = Archive::begin(path).map_err(failed)?;
        for (name, text) in &self.parts {
            archive.add(&format!("{root}/{name}"), text.as_bytes(), now).map_err(failed)?;
        }
        let bytes = archive.finish().map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => SupportError::Exists { path: path.to_owned() },
            _ => failed(error),
        })?;
        let parts = self.parts.into_iter().map(|(name, _)| name).collect();
        Ok(Bundle { path: path.to_owned(), bytes, parts, secrets: self.redaction.len() })
    }
}
