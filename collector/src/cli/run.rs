//! `run`: the collector as a process of its own.

use std::error::Error;
use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::config::Sources;
use crate::{Carried, Reloading, Role, Running, Settings, service_manager, shutdown};

/// What it is called, and what it does.
const PROGRAM: &str = "recipe-monitoring-collector";
const STATUS: &str = "collecting";

pub(super) async fn run(sources: Sources, mut settings: Settings) -> Result<(), Box<dyn Error>> {
    let mut stop = Box::pin(shutdown::signal()?);
    let mut reloading = Reloading::listen(sources, &settings)?;
    let mut carried = Carried::begin(PROGRAM, reloading.reloads().clone());
    loop {
        let mut registry = Registry::default();
        let starting = Running::start_with(&settings, Role::Collector, &mut registry, &mut carried);
        let started = tokio::select! {
            started = starting => started,
            // Dropping what is being started stops it: the servers are this process' children.
            () = &mut stop => return Ok(()),
        };
        let running = match reloading.started(&mut settings, started) {
            Ok(Some(running)) => running,
            Ok(None) => continue,
            Err(error) => {
                carried.end().await;
                return Err(error.into());
            }
        };
        let registry = Arc::new(registry);
        running.vitals().count_by(move || {
            let mut text = String::new();
            // Writing into a text does not fail.
            let _ = encode(&mut text, &registry);
            Box::pin(std::future::ready(text))
        });
        if reloading.ready(STATUS) {
            tracing::info!(version = env!("CARGO_PKG_VERSION"), "collecting");
        }
        let next = tokio::select! {
            biased;
            () = &mut stop => None,
            (next, ()) = reloading.next(&settings, async |new| Running::foresee(&settings, new).await) => Some(next),
        };
        let Some(next) = next else {
            tracing::info!("stopping");
            service_manager::stopping();
            running.stop().await;
            return Ok(());
        };
        carried = running.hand_over().await;
        reloading.follow(&mut settings, next)?;
    }
}
