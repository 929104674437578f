//! Connections, from the door to the router: how many there may be, and how long a client may keep one waiting. Without
//! bounds whoever opens connections and says nothing has all of them in the end, and with them the files and the
//! connections to PostgreSQL that the program needs.

mod body;
mod patience;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::{Service, ServiceExt};

use crate::door::{Door, Stream};
use crate::peer::Peer;
use crate::state::Stages;
use body::Timely;
use patience::Patient;

/// File descriptors that are left to everything else: connections to the stores, files, sockets of other programs.
const RESERVED: u64 = 256;
/// File descriptors that are asked for, as the packages do; the system may allow fewer.
const WANTED: u64 = 65_536;
/// Connections that there may be in any case.
const LEAST: u64 = 16;
/// How long clients may take that come when half of all connections are taken: so that slow ones cannot have the rest.
const HASTE: Duration = Duration::from_secs(5);

/// A connection that was let in, on its own or as a websocket.
pub(crate) type Connection = Patient<Stream, OwnedSemaphorePermit>;

/// The room that there is for connections.
#[derive(Debug)]
pub(crate) struct Connections {
    free: Arc<Semaphore>,
    most: usize,
    limit: Duration,
}

impl Connections {
    /// As many as there are file descriptors for, where a client may take so long.
    pub(crate) fn new(limit: Duration) -> Self {
        let most = file_descriptors().saturating_sub(RESERVED).max(LEAST);
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(most)), most, limit }
    }

    /// Serves whoever comes until it is shut, and once it closes lets those finish that are being answered. Whoever comes
    /// while there is no room waits outside, in the queue of the system.
    pub(crate) async fn serve<M, S>(self, mut door: Door, mut services: M, mut stages: Stages)
    where
        M: Service<Peer, Response = S, Error = Infallible>,
        S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
    {
        let (stopping, _) = watch::channel(false);
        loop {
            let next = async {
                // Never closed.
                let room = Arc::clone(&self.free).acquire_owned().await.ok()?;
                Some((room, door.accept().await))
            };
            let (room, (stream, address)) = tokio::select! {
                next = next => match next {
                    Some(next) => next,
                    None => break,
                },
                () = stages.shut() => break,
            };
            let peer = Peer { address: address.ip(), secure: door.is_secure() };
            let service = match services.ready().await {
                Ok(services) => services.call(peer).await,
                Err(never) => match never {},
            };
            let service = match service {
                Ok(service) => service,
                Err(never) => match never {},
            };
            let (entering, limit, stopping) = (door.enter(stream, address), self.limit(), stopping.subscribe());
            tokio::spawn(async move {
                if let Some(stream) = entering.await {
                    connection(Patient::new(stream, limit, room), service, limit, stopping).await;
                }
            });
        }
        drop(door);
        let _ = stages.closing().await;
        stopping.send_replace(true);
        stopping.closed().await;
    }

    /// How long the next client may take.
    fn limit(&self) -> Duration {
        let is_crowded = self.free.available_permits() < self.most / 2;
        if is_crowded { self.limit.min(HASTE) } else { self.limit }
    }
}

/// One connection, until its last answer or until it becomes a websocket.
async fn connection<S>(stream: Connection, service: S, limit: Duration, mut stopping: watch::Receiver<bool>)
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let service = service.map_request(move |request: http::Request<Incoming>| {
        request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(Timely::new(body, limit)) })
    });
    let mut http = http1::Builder::new();
    // Of the first request and of each further one.
    http.timer(TokioTimer::new()).header_read_timeout(limit);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).with_upgrades();
    let mut connection = pin!(connection);
    let stopped = async { drop(stopping.wait_for(|stopping| *stopping).await) };
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stopped => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection has ended");
    }
}

/// How many file descriptors this process may have, after it has asked for as many as it wants.
fn file_descriptors() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current.unwrap_or(u64::MAX);
    let wanted = maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    if current >= wanted {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        Ok(()) => wanted,
        Err(_) => current,
    }
}
