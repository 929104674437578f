//! `run`: the collector as a process of its own.

use std::error::Error;

use collector::{Role, Running, Settings, service_manager, shutdown};
use prometheus_client::registry::Registry;

pub(super) async fn run(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let mut stop = Box::pin(shutdown::signal()?);
    let mut registry = Registry::default();
    let starting = Running::start(settings, Role::Collector, &mut registry);
    let running = tokio::select! {
        running = starting => running?,
        // Dropping what is being started stops it: the servers are this process' children.
        () = &mut stop => return Ok(()),
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "collecting");
    service_manager::ready("collecting");
    stop.await;
    tracing::info!("stopping");
    service_manager::stopping();
    running.stop().await;
    Ok(())
}
