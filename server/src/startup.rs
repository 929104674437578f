//! Builds the server in an order in which a failure leaves nothing behind, runs it, and ends it in order: for good, or
//! to begin anew by other settings.

mod socket;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::ServiceExt;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use collector::access::Issued;
use collector::http::HttpMetrics;
use collector::{Reloading, Role, Running, Settings, service_manager};
use futures_util::FutureExt;
use http::HeaderMap;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tower::Layer;

use crate::access::Gate;
use crate::base::{self, BasePath};
use crate::connections::Connections;
use crate::door::Door;
use crate::endpoints::Hub;
use crate::error::ServerError;
use crate::peer::Peer;
use crate::state::{AppState, LiveClients, Stage, Stages};
use crate::tls::Tls;
use crate::{assets, endpoints, router};

use socket::Socket;

/// What it is called.
const PROGRAM: &str = "recipe-monitoring-dashboard";

/// For so long who was just let in may send its request: a connection without one is closed.
const LAST_WORDS: Duration = Duration::from_millis(250);
/// Requests under way at the end may take this long.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// Before the names of what is counted about our own requests: without it they are the watched application's.
const PREFIX: &str = "recipe_monitoring";

/// A server that is ready to run.
#[derive(Debug)]
pub struct Application {
    door: Door,
    socket: Socket,
    connections: Connections,
    base: BasePath,
    running: Running,
    router: axum::Router,
    metrics: HttpMetrics,
    hub: Hub,
    stage: watch::Sender<Stage>,
    stop_delay: Duration,
    first: Option<Issued>,
}

/// What one run of the server hands to the next.
#[derive(Debug)]
pub struct Carried {
    running: collector::Carried,
    /// Nobody who connects between two runs is turned away: they wait there. That of the run before, to go back to, and
    /// where its address is another one that of the run to come.
    sockets: Vec<Socket>,
}

impl Carried {
    /// Of a process whose first run begins now.
    #[must_use]
    pub fn begin(reloading: &Reloading) -> Self {
        Self { running: collector::Carried::begin(PROGRAM, reloading.reloads().clone()), sockets: Vec::new() }
    }

    /// Ends what is still there, where no run follows.
    pub async fn end(self) {
        self.running.end().await;
    }

    fn socket(&mut self, address: SocketAddr) -> Result<Socket, ServerError> {
        if let Some(place) = self.sockets.iter().position(|socket| socket.is_for(address)) {
            return Ok(self.sockets.swap_remove(place));
        }
        match Socket::bind(address) {
            Err(ServerError::PortInUse { .. })
                if self.sockets.iter().any(|socket| socket.address().port() == address.port()) =>
            {
                // It is our own that is in the way.
                self.sockets.clear();
                Socket::bind(address)
            }
            bound => bound,
        }
    }
}

/// Settings for the next run, with what was found to be usable of them.
#[derive(Debug)]
pub struct Next {
    settings: Settings,
    /// `None` where that can only be had once the one in use is closed.
    socket: Option<Socket>,
}

/// Why a run ends.
#[derive(Debug)]
pub enum End {
    /// The program is told to stop.
    Stop,
    /// Another run follows.
    Next(Box<Next>),
}

impl End {
    /// Waits until the program is told to stop, or to go on with other settings, which are right.
    pub async fn of(stop: impl Future<Output = ()>, reloading: &mut Reloading, used: &Settings) -> Self {
        tokio::select! {
            biased;
            () = stop => Self::Stop,
            (settings, socket) = reloading.next(used, async |new| foresee(used, new).await) => {
                Self::Next(Box::new(Next { settings, socket }))
            }
        }
    }
}

/// Sees whether a run by new settings can follow, as far as that can be seen before, and takes its port.
async fn foresee(used: &Settings, new: &Settings) -> Result<Option<Socket>, ServerError> {
    Tls::of(new)?;
    Running::foresee(used, new).await?;
    if new.server.address == used.server.address {
        return Ok(None);
    }
    match Socket::bind(new.server.address) {
        Ok(socket) => Ok(Some(socket)),
        // As from one address of this machine to all of them.
        Err(ServerError::PortInUse { address }) if address.port() == used.server.address.port() => Ok(None),
        Err(error) => Err(error),
    }
}

impl Application {
    /// Takes the port, starts everything behind the pages and builds the router. After an error `carried` has what is
    /// still there of the run before, for another by its settings.
    ///
    /// # Errors
    ///
    /// See [`ServerError`]. Whatever was started is stopped again then.
    pub async fn build(settings: &Settings, carried: &mut Carried) -> Result<Self, ServerError> {
        let socket = carried.socket(settings.server.address)?;
        let built = Self::build_on(socket.clone(), settings, &mut carried.running).await;
        match &built {
            Ok(_) => carried.sockets.clear(),
            Err(_) => carried.sockets.push(socket),
        }
        built
    }

    async fn build_on(
        socket: Socket,
        settings: &Settings,
        carried: &mut collector::Carried,
    ) -> Result<Self, ServerError> {
        let (tls, listener) = (Tls::of(settings)?, socket.listener()?);
        // Before anything that has files: it says how many there may be.
        let connections = Connections::new(settings.server.client_limit);
        let (leptos, assets, site) = assets::find()?;
        let mut registry = Registry::default();
        let access = Running::access(settings)?;
        let role = Role::of_dashboard(settings);
        let running = Running::start_with(settings, role, &mut registry, carried).await?;
        let ingest = endpoints::Ingest::of(settings, &running, &mut registry);
        let clients = LiveClients::register(&mut registry);
        endpoints::register_metrics(&mut registry, running.feed());
        let metrics = HttpMetrics::with_prefix(registry, PREFIX);
        let style = assets.style.clone();
        let gate = Gate::new(
            access,
            running.audit().clone(),
            settings.access.clone(),
            socket.address(),
            settings.server.is_local(),
            style,
        );
        let (gate, first) = match gate {
            Ok(gate) => gate,
            Err(error) => {
                *carried = running.hand_over().await;
                return Err(error.into());
            }
        };
        running.vitals().count_by({
            let metrics = metrics.clone();
            move || {
                let scrape = metrics.response(&HeaderMap::new());
                Box::pin(async move { scrape.await.into_body() })
            }
        });
        let stage = watch::Sender::new(Stage::Serving);
        let stages = || Stages(stage.subscribe());
        let hub = Hub::start(running.feed().clone(), clients, stages(), gate.clone());
        let state = AppState {
            leptos,
            assets,
            site,
            feed: running.feed().clone(),
            archive: running.archive().clone(),
            desk: running.alert_desk(settings),
            dashboard: settings.dashboard.clone(),
            database: running.database_desk(),
            vitals: running.vitals_desk(settings),
            metrics: metrics.clone(),
            hub: hub.clone(),
            gate,
            stage: stages(),
        };
        let router = router::build(state, ingest, &settings.server);
        let (door, base) = (Door::new(listener, tls), BasePath::new(&settings.server.base_path));
        let stop_delay = settings.server.stop_delay;
        Ok(Self { door, socket, connections, base, running, router, metrics, hub, stage, stop_delay, first })
    }

    /// Where the dashboard is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}{}/", self.door.scheme(), self.socket.address(), self.base.as_str())
    }

    /// The token by which the first admin is made at `/first-admin`, where nobody can log in yet. It holds until it is
    /// used or the program starts again.
    #[must_use]
    pub fn first_token(&self) -> Option<&str> {
        self.first.as_ref().map(Issued::expose)
    }

    /// Serves until `end`, then lets requests finish, takes leave of websockets and saves what has been sampled. Answers
    /// the settings of the run that is to follow, where one is, and what it takes over.
    pub async fn run(self, end: impl Future<Output = End>) -> Option<(Settings, Carried)> {
        let url = self.url();
        if let Some(token) = self.first_token() {
            let url = format!("{url}first-admin");
            tracing::warn!(url, token, "nobody can log in yet: make the first admin there, with this token");
        }
        tracing::info!(url, version = env!("CARGO_PKG_VERSION"), "serving");
        // Around the router, which chooses a route by the path that it is given.
        let site = from_fn_with_state(self.base, base::under).layer(self.router);
        let site = ServiceExt::<Request>::into_make_service_with_connect_info::<Peer>(site);
        let stages = Stages(self.stage.subscribe());
        let serving = self.connections.serve(self.door, self.metrics.count_connections(site), stages);
        let mut serving = Box::pin(serving.fuse());
        let end = tokio::select! {
            // Not before it is told to.
            () = &mut serving => End::Stop,
            end = end => end,
        };
        let next = match end {
            End::Stop => {
                tracing::info!("stopping");
                service_manager::stopping();
                self.stage.send_replace(Stage::Leaving);
                let _ = tokio::time::timeout(self.stop_delay, &mut serving).await;
                None
            }
            End::Next(next) => Some(*next),
        };
        // Where a run follows the socket stays open, and who connects meanwhile waits for that.
        let sockets: Vec<_> = next.is_some().then_some(self.socket).into_iter().collect();
        self.stage.send_replace(Stage::Shut);
        let _ = tokio::time::timeout(LAST_WORDS, &mut serving).await;
        self.stage.send_replace(Stage::Closing { for_good: next.is_none() });
        let _ = tokio::time::timeout(LAST_REQUESTS, async { tokio::join!(serving, self.hub.empty()) }).await;
        let Some(next) = next else {
            self.running.stop().await;
            return None;
        };
        let running = self.running.hand_over().await;
        let sockets = sockets.into_iter().chain(next.socket).collect();
        Some((next.settings, Carried { running, sockets }))
    }
}
