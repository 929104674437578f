//! `run`: the collector as a process of its own.

use std::error::Error;

use collector::{Role, Running, Settings, shutdown};
use prometheus_client::registry::Registry;

pub(super) async fn run(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let stop = shutdown::signal()?;
    let mut registry = Registry::default();
    let running = Running::start(settings, Role::Collector, &mut registry).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "collecting");
    stop.await;
    tracing::info!("stopping");
    running.stop().await;
    Ok(())
}
