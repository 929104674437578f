//! What every request can reach. Cheap to clone.

use app::Assets;
use axum::extract::FromRef;
use collector::config::Dashboard;
use collector::http::HttpMetrics;
use collector::{AlertDesk, Archive, DatabaseDesk, Feed, VitalsDesk};
use leptos::config::LeptosOptions;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use crate::access::Gate;
use crate::endpoints::Hub;
use crate::site::Site;

/// The state of the router.
#[derive(Clone, Debug, FromRef)]
pub(crate) struct AppState {
    pub(crate) leptos: LeptosOptions,
    pub(crate) assets: Assets,
    pub(crate) site: Site,
    pub(crate) feed: Feed,
    pub(crate) archive: Archive,
    pub(crate) desk: AlertDesk,
    pub(crate) dashboard: Dashboard,
    pub(crate) database: DatabaseDesk,
    pub(crate) vitals: VitalsDesk,
    pub(crate) metrics: HttpMetrics,
    pub(crate) hub: Hub,
    pub(crate) gate: Gate,
    pub(crate) stage: Stages,
}

/// What a run of the server goes through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Everything is served.
    #[default]
    Serving,
    /// It is told to stop: everything is still served, but nobody should be sent here any more.
    Leaving,
    /// Nobody is let in any more; who is may say what it came for.
    Shut,
    /// Nothing new is served, and websockets are told good-bye. `for_good`: nobody serves here afterwards.
    Closing { for_good: bool },
}

/// The stage, as it changes.
#[derive(Clone, Debug)]
pub(crate) struct Stages(pub(crate) watch::Receiver<Stage>);

impl Stages {
    pub(crate) fn is_serving(&self) -> bool {
        *self.0.borrow() == Stage::Serving
    }

    /// Waits until nobody is let in any more.
    pub(crate) async fn shut(&mut self) {
        // Without a sender the run is gone.
        let _ = self.0.wait_for(|stage| *stage >= Stage::Shut).await;
    }

    /// Waits until the run closes; answers whether that is for good.
    pub(crate) async fn closing(&mut self) -> bool {
        let closing = self.0.wait_for(|stage| matches!(stage, Stage::Closing { .. })).await;
        // Without a sender the run is gone.
        closing.map_or(true, |stage| *stage == Stage::Closing { for_good: true })
    }
}

/// What is counted about the websockets.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveClients {
    pub(crate) connected: Gauge,
    pub(crate) sent: Counter,
}

impl LiveClients {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let clients = Self::default();
        let registry = registry.sub_registry_with_prefix("recipe_monitoring");
        registry.register("live_clients", "Websockets of the live feed open now", clients.connected.clone());
        registry.register("live_events_sent", "Live events sent to all clients together", clients.sent.clone());
        clients
    }
}
