//! Builds the server in an order in which a failure leaves nothing behind, and runs it.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use collector::{Role, Running, Settings, StartError};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::state::{AppState, LiveClients, Stopping};
use crate::{assets, endpoints, router};

/// Requests under way at the end may take this long.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// Why the server could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Somebody else has the port.
    #[error("{address} is in use by another program; stop it, or choose another with --address 127.0.0.1:{}", .address.port().wrapping_add(1).max(1024))]
    PortInUse {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another with --address")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The page's files are missing.
    #[error(
        "the page's files are not in {path}; build them with `cargo leptos build --release`, or set LEPTOS_SITE_ROOT to where they are"
    )]
    NoAssets {
        /// Where they were looked for.
        path: PathBuf,
    },
    /// cargo-leptos gave settings that make no sense.
    #[error("the settings from cargo-leptos cannot be used: {0}")]
    Leptos(String),
    /// The parts behind the pages.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The server ended by itself.
    #[error("the server ended: {0}")]
    Serve(#[source] std::io::Error),
}

/// A server that is ready to run.
#[derive(Debug)]
pub struct Application {
    listener: TcpListener,
    address: SocketAddr,
    running: Running,
    router: axum::Router,
    stopping: watch::Sender<bool>,
}

impl Application {
    /// Takes the port, starts everything behind the pages and builds the router.
    ///
    /// # Errors
    ///
    /// See [`ServerError`]. Whatever was started is stopped again then.
    pub async fn build(settings: &Settings) -> Result<Self, ServerError> {
        let (listener, address) = listen(settings.server.address).await?;
        let (leptos, assets) = assets::find()?;
        let mut registry = Registry::default();
        let running = Running::start(settings, Role::of_dashboard(settings), &mut registry).await?;
        let clients = LiveClients::register(&mut registry);
        endpoints::register_metrics(&mut registry, running.feed());
        let (stopping, stops) = watch::channel(false);
        let state = AppState {
            leptos,
            assets,
            feed: running.feed().clone(),
            registry: Arc::new(registry),
            clients,
            stopping: Stopping(stops),
        };
        Ok(Self { listener, address, running, router: router::build(state), stopping })
    }

    /// Where the dashboard is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Serves until `stop` ends, then lets requests finish and saves what has been sampled.
    ///
    /// # Errors
    ///
    /// [`ServerError::Serve`]
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), ServerError> {
        tracing::info!(url = self.url(), version = env!("CARGO_PKG_VERSION"), "serving");
        let stopping = self.stopping;
        let mut stopped = stopping.subscribe();
        let serving = axum::serve(self.listener, self.router).with_graceful_shutdown(async move {
            stop.await;
            tracing::info!("stopping");
            stopping.send_replace(true);
        });
        let last_requests = async {
            // An error means that serving has ended by itself.
            let _ = stopped.wait_for(|stopped| *stopped).await;
            tokio::time::sleep(LAST_REQUESTS).await;
        };
        let served = tokio::select! {
            served = serving.into_future() => served.map_err(ServerError::Serve),
            () = last_requests => Ok(()),
        };
        self.running.stop().await;
        served
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
