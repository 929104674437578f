//! `collect`: one reading by hand.

use std::error::Error;

use super::{print, stores};
use crate::{Settings, schedule};

pub(super) async fn run(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let store = stores::open(settings).await?;
    let collected = schedule::collect_now(&store, settings).await;
    store.close().await;
    let (snapshots, new) = collected?;
    let kinds: Vec<_> =
        snapshots.iter().map(|snapshot| format!("{} at {}", snapshot.metric_type.name(), snapshot.at)).collect();
    print(&format!("collect: {}, {new} rows new", kinds.join(", ")))?;
    Ok(())
}
