//! Who is at the other end of a connection.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::Response;

/// Where a request comes from, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The address of whoever sent it.
    pub(crate) address: IpAddr,
    /// Whether it came by HTTPS.
    pub(crate) secure: bool,
}

impl Default for Peer {
    /// Somebody of whom nothing is known.
    fn default() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), secure: false }
    }
}

/// Puts the peer into the request's extensions.
pub(crate) async fn note(mut request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = connection.map(|ConnectInfo(address)| Peer { address: address.ip(), secure: false });
    request.extensions_mut().insert(peer.unwrap_or_default());
    next.run(request).await
}
