//! `audit`: what somebody has changed, and who tried to log in.

use std::error::Error;

use super::{print, say_error, stores};
use crate::{AuditEntry, AuditError, AuditLog, Settings, embedded};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How many of the newest
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// Print each as JSON, a line each
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let store = stores::open(settings).await;
    if let Err(error) = &store {
        say_error(&**error);
    }
    let log = AuditLog::new(&embedded::data_dir(&settings.storage)?, store.ok());
    let page = log.newest(arguments.limit).await?;
    for entry in &page.entries {
        print(&if arguments.json { serde_json::to_string(entry)? } else { line(entry) })?;
    }
    match page.is_complete {
        true => Ok(()),
        false => Err("only what waits in the data directory could be shown: PostgreSQL does not answer".into()),
    }
}

/// Keeps what a command has done, and moves it to PostgreSQL where that runs.
pub(super) async fn note(settings: &Settings, entry: &AuditEntry) -> Result<(), Box<dyn Error>> {
    let data_dir = embedded::data_dir(&settings.storage)?;
    AuditLog::new(&data_dir, None).write(entry)?;
    // Else the next dashboard on the data directory does it.
    if let Ok(store) = stores::open(settings).await {
        match AuditLog::new(&data_dir, Some(store.clone())).move_on().await {
            Err(error @ AuditError::File { .. }) => return Err(error.into()),
            Err(AuditError::Store { .. }) | Ok(()) => {}
        }
        store.close().await;
    }
    Ok(())
}

fn line(entry: &AuditEntry) -> String {
    let AuditEntry { timestamp, actor, action, object, detail, address, ok, .. } = entry;
    let outcome = if *ok { "ok" } else { "failed" };
    let detail =
        if detail.as_object().is_some_and(serde_json::Map::is_empty) { String::new() } else { detail.to_string() };
    let parts = [
        timestamp.to_string(),
        outcome.to_owned(),
        actor.clone(),
        action.clone(),
        object.clone(),
        detail,
        address.clone(),
    ];
    // Names that somebody typed must not look like another line.
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| part.escape_debug().to_string())
        .collect::<Vec<_>>()
        .join("  ")
        .replace("\\\"", "\"")
}
