//! What every request can reach. Cheap to clone.

use app::Assets;
use axum::extract::FromRef;
use collector::config::Dashboard;
use collector::http::HttpMetrics;
use collector::{AlertDesk, Archive, DatabaseDesk, Feed};
use leptos::config::LeptosOptions;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

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
    pub(crate) metrics: HttpMetrics,
    pub(crate) hub: Hub,
}

/// Becomes true when the server is about to end.
#[derive(Clone, Debug)]
pub(crate) struct Stopping(pub(crate) watch::Receiver<bool>);

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
