//! `env`: where the running installation keeps its data.

use std::error::Error;

use collector::{Settings, embedded};

use super::print;

pub(super) fn run(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let given = (settings.database.url.expose(), settings.redis.url.expose());
    let running = match given {
        (Some(_), Some(_)) => None,
        _ => embedded::running(&settings.storage)?,
    };
    let running = running.unwrap_or_default();
    let database = given.0.map(str::to_owned).or(running.database_url);
    let redis = given.1.map(str::to_owned).or(running.redis_url);
    let Some(database) = database else {
        let directory = embedded::data_dir(&settings.storage)?;
        return Err(format!(
            "nothing runs on {}: start the dashboard or recipe-monitoring-collector run first",
            directory.display()
        )
        .into());
    };
    print(&format!("DATABASE_URL={database}"))?;
    if let Some(redis) = redis {
        print(&format!("REDIS_URL={redis}"))?;
    }
    Ok(())
}
