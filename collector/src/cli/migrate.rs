//! `migrate`: brings the tables up to date without starting anything else.

use std::error::Error;

use super::print;
use super::progress::Progress;
use crate::{Settings, Store, embedded};

pub(super) async fn run(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let url = match settings.database.url.expose() {
        Some(url) => url.to_owned(),
        None => embedded::running(&settings.storage)?.and_then(|running| running.database_url).ok_or(
            "set DATABASE_URL to the database to bring up to date; a private one is brought up to date at every start",
        )?,
    };
    let store = tokio::select! {
        biased;
        never = Progress::start("migrate", None).goes_on() => match never {},
        store = Store::open(&url, &settings.database) => store?,
    };
    store.close().await;
    print("the tables are up to date")?;
    Ok(())
}
