//! How a start meets PostgreSQL.
//!
//! A fault of the settings ends the start at once with a sentence: a URL that is none, a wrong
//! password, no such database, a server that is too old, a pooler in the way. So does a PostgreSQL
//! that does not answer where this data directory was never used with that database: most likely
//! the URL is wrong.
//!
//! Where it was, the database is only away, as after a reboot where it comes up later, and the
//! start goes on without it: samples are taken and kept in the spool, pages are served, `/readyz`
//! says that PostgreSQL is down. It is tried until it answers; then its tables are brought up to
//! date, and saving and the scheduled work begin.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::config::Database;
use crate::store::{Store, StoreError};

/// In the data directory: which database was used last.
const FILE: &str = "database";
/// Pause before PostgreSQL is tried again.
const PAUSE: Duration = Duration::from_secs(2);
/// New tables may take their time; after this it is begun again.
const LONGEST_TRY: Duration = Duration::from_secs(10 * 60);

/// Opens the history, or where it is known and away leaves it closed; see [`keep_trying`].
///
/// # Errors
///
/// See [`Store::open`].
pub(super) async fn open(url: &str, settings: &Database, data_dir: Option<&Path>) -> Result<Store, StoreError> {
    let target = Store::target_of(url)?;
    let last = data_dir.and_then(|data_dir| fs::read_to_string(data_dir.join(FILE)).ok());
    let is_known = last.is_some_and(|last| last.trim_end() == target);
    // Three questions at the most, of which each may take so long.
    let limit = if is_known { settings.connect_timeout * 3 } else { Duration::MAX };
    let error = match tokio::time::timeout(limit, Store::open(url, settings)).await {
        Ok(Ok(store)) => return Ok(store),
        Ok(Err(error)) => error,
        Err(_) => StoreError::Unreachable { target, reason: format!("no answer within {limit:?}") },
    };
    if !is_known || !error.may_pass() {
        return Err(error);
    }
    tracing::error!(%error, "starting without PostgreSQL: what is sampled waits on disk until it answers");
    Store::closed(url, settings)
}

/// Tries to open the history until it is open.
pub(super) async fn keep_trying(store: &Store) {
    let mut said = String::new();
    while !store.is_open() {
        let error = match tokio::time::timeout(LONGEST_TRY, store.try_open()).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {LONGEST_TRY:?}"),
        };
        if said != error {
            tracing::error!(error, "PostgreSQL cannot be used yet");
            said = error;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Remembers that this database is the one that is used here.
pub(super) fn remember(store: &Store, data_dir: &Path) {
    let (path, new) = (data_dir.join(FILE), data_dir.join("database.new"));
    let written = fs::write(&new, store.target() + "\n").and_then(|()| fs::rename(&new, &path));
    if let Err(error) = written {
        tracing::warn!(%error, path = %path.display(), "a start while PostgreSQL is away will be refused");
    }
}
