//! What is pending and firing, in a file: so that it is there again after a kill -9, whatever
//! store is away. Written whole beside the old one and put in its place.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Labels;
use crate::alert::{Alert, AlertRecord, Silence, State};
use crate::notify::{Dispatch, Flaps};
use crate::rules::{Active, AlertKey};

/// In the data directory.
const FILE: &str = "alerts.json";
/// What cannot be read is kept for whoever wants to know.
const DAMAGED: &str = "alerts.json.damaged";
/// Of the file; one of another is not read.
const VERSION: u32 = 1;

/// An alert that is not inactive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    rule: String,
    labels: Labels,
    state: State,
    value: Option<f64>,
    #[serde(with = "crate::rfc3339")]
    seen: Timestamp,
    /// Its id from the beginning, and what was said of it once it fires.
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) alert: Option<Alert>,
}

impl Kept {
    pub(super) fn new(key: &AlertKey, active: &Active, id: &str, alert: Option<&Alert>) -> Self {
        let AlertKey { rule, labels } = key.clone();
        let &Active { state, value, seen } = active;
        Self { rule, labels, state, value, seen, id: id.to_owned(), alert: alert.cloned() }
    }

    pub(super) fn key(&self) -> AlertKey {
        AlertKey { rule: self.rule.clone(), labels: self.labels.clone() }
    }

    pub(super) fn active(&self) -> Active {
        Active { state: self.state, value: self.value, seen: self.seen }
    }
}

/// All of the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Contents {
    pub(super) version: u32,
    pub(super) active: Vec<Kept>,
    /// Records that may not be in the spool yet.
    pub(super) unsaved: Vec<AlertRecord>,
    /// What each receiver knows, and the messages on their way.
    #[serde(default)]
    pub(super) dispatch: Dispatch,
    #[serde(default)]
    pub(super) flaps: Flaps,
    #[serde(default)]
    pub(super) silences: Vec<Silence>,
    /// This collector's name among others on the database.
    #[serde(default)]
    pub(super) collector: String,
    /// When the last fire drill began.
    #[serde(default, with = "crate::rfc3339::option")]
    pub(super) drilled_at: Option<Timestamp>,
}

impl Contents {
    pub(super) fn new(active: Vec<Kept>, unsaved: Vec<AlertRecord>) -> Self {
        Self { version: VERSION, active, unsaved, ..Self::default() }
    }

    /// For an engine to go on with.
    pub(super) fn states(&self) -> BTreeMap<AlertKey, Active> {
        self.active.iter().map(|kept| (kept.key(), kept.active())).collect()
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// Whether the last one could not be written.
    is_failing: bool,
}

impl Journal {
    /// The one in `directory`, with what is in it; empty where it is not there or makes no sense.
    pub(super) fn open(directory: &Path) -> (Self, Contents) {
        let journal = Self { path: directory.join(FILE), is_failing: false };
        let contents = journal.read().unwrap_or_else(|error| {
            tracing::error!(%error, path = %journal.path.display(), "what was pending and firing cannot be read, and begins anew");
            let _ = fs::rename(&journal.path, directory.join(DAMAGED));
            Contents::default()
        });
        (journal, contents)
    }

    fn read(&self) -> io::Result<Contents> {
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
            text => text?,
        };
        let contents: Contents = serde_json::from_slice(&text)?;
        match contents.version {
            VERSION => Ok(contents),
            other => Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is of version {other}"))),
        }
    }

    /// Puts `contents` in the place of what was there. A disk that takes nothing is said once.
    pub(super) fn write(&mut self, contents: &Contents) {
        let new = self.path.with_extension("json.new");
        let text = serde_json::to_vec(contents).map_err(io::Error::from);
        let written = text.and_then(|text| fs::write(&new, text)).and_then(|()| fs::rename(&new, &self.path));
        let was_failing = std::mem::replace(&mut self.is_failing, written.is_err());
        if let (Err(error), false) = (written, was_failing) {
            tracing::error!(%error, path = %self.path.display(), "what is pending and firing would not survive a crash now");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Phase;

    #[test]
    fn what_was_written_is_read_and_what_is_damaged_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let (mut journal, contents) = Journal::open(directory.path());
        assert_eq!(contents, Contents::default());
        let key = AlertKey { rule: "HighCPU".to_owned(), labels: [("host".to_owned(), "web".to_owned())].into() };
        let at = Timestamp::from_second(1_764_000_000).unwrap();
        let state = State { phase: Phase::Pending, active_at: at, fired_at: None, keep_firing_since: None };
        let active = Active { state, value: Some(0.1 + 0.2), seen: at };
        let written = Contents::new(vec![Kept::new(&key, &active, "id", None)], Vec::new());
        journal.write(&written);
        let (_, read) = Journal::open(directory.path());
        assert_eq!(read, written);
        assert_eq!(read.states(), BTreeMap::from([(key, active)]));

        for damaged in ["", "{", "{\"version\":2,\"active\":[],\"unsaved\":[]}"] {
            fs::write(directory.path().join(FILE), damaged).unwrap();
            assert_eq!(Journal::open(directory.path()).1, Contents::default());
            assert_eq!(fs::read_to_string(directory.path().join(DAMAGED)).unwrap(), damaged);
        }
    }
}
