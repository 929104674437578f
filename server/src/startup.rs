//! Builds the server in an order in which a failure leaves nothing behind, and runs it.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::ServiceExt;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use collector::access::Issued;
use collector::http::HttpMetrics;
use collector::{Role, Running, Settings, service_manager};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::Layer;

use crate::access::Gate;
use crate::base::{self, BasePath};
use crate::connections::Connections;
use crate::door::Door;
use crate::error::ServerError;
use crate::peer::Peer;
use crate::state::{AppState, LiveClients, Stopping};
use crate::tls::Tls;
use crate::{assets, endpoints, router};

/// Requests under way at the end may take this long.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// Before the names of what is counted about our own requests: without it they are the watched application's.
const PREFIX: &str = "recipe_monitoring";

/// A server that is ready to run.
#[derive(Debug)]
pub struct Application {
    door: Door,
    connections: Connections,
    address: SocketAddr,
    base: BasePath,
    running: Running,
    router: axum::Router,
    metrics: HttpMetrics,
    stopping: watch::Sender<bool>,
    first: Option<Issued>,
}

impl Application {
    /// Takes the port, starts everything behind the pages and builds the router.
    ///
    /// # Errors
    ///
    /// See [`ServerError`]. Whatever was started is stopped again then.
    pub async fn build(settings: &Settings) -> Result<Self, ServerError> {
        let tls = Tls::of(settings)?;
        // Before anything that has files: it says how many there may be.
        let connections = Connections::new(settings.server.client_limit);
        let (listener, address) = listen(settings.server.address).await?;
        let (leptos, assets, site) = assets::find()?;
        let mut registry = Registry::default();
        let access = Running::access(settings)?;
        let running = Running::start(settings, Role::of_dashboard(settings), &mut registry).await?;
        let ingest = endpoints::Ingest::of(settings, &running, &mut registry);
        let clients = LiveClients::register(&mut registry);
        endpoints::register_metrics(&mut registry, running.feed());
        let metrics = HttpMetrics::with_prefix(registry, PREFIX);
        let style = assets.style.clone();
        let gate = Gate::new(
            access,
            running.audit().clone(),
            settings.access.clone(),
            address,
            settings.server.is_local(),
            style,
        );
        let (gate, first) = match gate {
            Ok(gate) => gate,
            Err(error) => {
                running.stop().await;
                return Err(error.into());
            }
        };
        let (stopping, stops) = watch::channel(false);
        let state = AppState {
            leptos,
            assets,
            site,
            feed: running.feed().clone(),
            archive: running.archive().clone(),
            desk: running.alert_desk(settings),
            dashboard: settings.dashboard.clone(),
            database: running.database_desk(),
            metrics: metrics.clone(),
            hub: endpoints::Hub::start(running.feed().clone(), clients, Stopping(stops), gate.clone()),
            gate,
        };
        let router = router::build(state, ingest, &settings.server);
        let (door, base) = (Door::new(listener, tls), BasePath::new(&settings.server.base_path));
        Ok(Self { door, connections, address, base, running, router, metrics, stopping, first })
    }

    /// Where the dashboard is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}{}/", self.door.scheme(), self.address, self.base.as_str())
    }

    /// The token by which the first admin is made at `/first-admin`, where nobody can log in yet. It holds until it is
    /// used or the program starts again.
    #[must_use]
    pub fn first_token(&self) -> Option<&str> {
        self.first.as_ref().map(Issued::expose)
    }

    /// Serves until `stop` ends, then lets requests finish and saves what has been sampled.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) {
        tracing::info!(url = self.url(), version = env!("CARGO_PKG_VERSION"), "serving");
        if let Some(token) = self.first_token() {
            let url = format!("{}first-admin", self.url());
            tracing::warn!(url, token, "nobody can log in yet: make the first admin there, with this token");
        }
        service_manager::ready(&format!("serving {}", self.url()));
        let stopping = self.stopping;
        let mut stopped = stopping.subscribe();
        // Around the router, which chooses a route by the path that it is given.
        let site = from_fn_with_state(self.base, base::under).layer(self.router);
        let site = ServiceExt::<Request>::into_make_service_with_connect_info::<Peer>(site);
        let serving = self.connections.serve(self.door, self.metrics.count_connections(site), async move {
            stop.await;
            tracing::info!("stopping");
            service_manager::stopping();
            stopping.send_replace(true);
        });
        let last_requests = async {
            // An error means that serving has ended by itself.
            let _ = stopped.wait_for(|stopped| *stopped).await;
            tokio::time::sleep(LAST_REQUESTS).await;
        };
        tokio::select! {
            () = serving => {}
            () = last_requests => {}
        }
        self.running.stop().await;
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AddrInUse => ServerError::PortInUse { address },
        _ => ServerError::Listen { address, source },
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}
