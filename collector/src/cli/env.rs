//! `env`: where the running installation keeps its data.

use std::error::Error;

use super::{print, stores};
use crate::{Settings, embedded};

pub(super) fn run(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let urls = stores::urls(settings)?;
    let Some(database) = urls.database_url else {
        let directory = embedded::data_dir(&settings.storage)?;
        return Err(format!(
            "nothing runs on {}: start the dashboard or recipe-monitoring-collector run first",
            directory.display()
        )
        .into());
    };
    print(&format!("DATABASE_URL={database}"))?;
    if let Some(redis) = urls.redis_url {
        print(&format!("REDIS_URL={redis}"))?;
    }
    Ok(())
}
