//! Where commands find the stores: as set, or else those of the running installation.

use std::error::Error;

use crate::config::{Database, Settings};
use crate::embedded::{self, Connections, EmbeddedError};
use crate::{Cache, Store};

/// A command needs few connections, and none that stay open.
const CONNECTIONS: u32 = 4;

/// The URLs of the stores, as far as there are any.
pub(super) fn urls(settings: &Settings) -> Result<Connections, EmbeddedError> {
    let given = (settings.database.url.expose(), settings.redis.url.expose());
    let running = match given {
        (Some(_), Some(_)) => None,
        _ => embedded::running(&settings.storage)?,
    };
    let running = running.unwrap_or_default();
    Ok(Connections {
        database_url: given.0.map(str::to_owned).or(running.database_url),
        redis_url: given.1.map(str::to_owned).or(running.redis_url),
    })
}

/// PostgreSQL with its tables brought up to date.
pub(super) async fn open(settings: &Settings) -> Result<Store, Box<dyn Error>> {
    let Some(url) = urls(settings)?.database_url else {
        let directory = embedded::data_dir(&settings.storage)?;
        return Err(format!(
            "nothing runs on {}, and DATABASE_URL is not set: set it, or start the dashboard or \
             recipe-monitoring-collector run first",
            directory.display()
        )
        .into());
    };
    Ok(Store::open(&url, &few(settings)).await?)
}

/// Redis, where there is one and it answers; a cache may be missing.
pub(super) async fn cache(settings: &Settings) -> Result<Option<Cache>, Box<dyn Error>> {
    let Some(url) = urls(settings)?.redis_url.filter(|_| settings.redis.enabled) else { return Ok(None) };
    let cache = Cache::connect(&url, settings.redis.password.expose())?;
    cache.connected().await;
    Ok(Some(cache))
}

/// The settings of PostgreSQL for a program that soon ends.
pub(super) fn few(settings: &Settings) -> Database {
    Database { pool_min: 0, pool_max: settings.database.pool_max.min(CONNECTIONS), ..settings.database.clone() }
}
