//! `run`: the collector as a process of its own.

use std::error::Error;
use std::sync::Arc;

use collector::config::Sources;
use collector::{Carried, Reloading, Role, Running, Settings, service_manager, shutdown, telemetry};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

/// What it is called, and what it does.
const PROGRAM: &str = "recipe-monitoring-collector";
const STATUS: &str = "collecting";

pub(super) async fn run(sources: Sources, mut settings: Settings) -> Result<(), Box<dyn Error>> {
    let mut stop = Box::pin(shutdown::signal()?);
    let mut reloading = Reloading::listen(sources, &settings)?;
    let mut carried = Carried::begin(PROGRAM, reloading.reloads().clone());
    // Settings of the run before, to go back to where one by the new ones does not start.
    let mut before: Option<Settings> = None;
    let mut is_first = true;
    loop {
        let mut registry = Registry::default();
        let starting = Running::start_with(&settings, Role::Collector, &mut registry, &mut carried);
        let started = tokio::select! {
            started = starting => started,
            // Dropping what is being started stops it: the servers are this process' children.
            () = &mut stop => return Ok(()),
        };
        let running = match (started, before.take()) {
            (Ok(running), before) => {
                if before.is_some() {
                    reloading.succeeded(&settings);
                }
                running
            }
            (Err(error), Some(old)) => {
                reloading.refuse(&error);
                telemetry::follow(&old.log)?;
                settings = old;
                continue;
            }
            (Err(error), None) => {
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
        if is_first {
            tracing::info!(version = env!("CARGO_PKG_VERSION"), "collecting");
            service_manager::ready(STATUS);
        } else {
            service_manager::ready_again(STATUS);
        }
        is_first = false;
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
        telemetry::follow(&next.log)?;
        before = Some(std::mem::replace(&mut settings, next));
    }
}
