//! The socket that the dashboard listens on. It outlives a run of the server, so that connections that come between two
//! runs wait for the next one.

use std::io;
use std::net::{self, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::error::ServerError;

/// A socket that listens, until the last clone of it is dropped.
#[derive(Clone, Debug)]
pub(super) struct Socket {
    /// As asked for, with port 0 for any.
    asked: SocketAddr,
    address: SocketAddr,
    listener: Arc<net::TcpListener>,
}

impl Socket {
    /// Takes the address.
    pub(super) fn bind(asked: SocketAddr) -> Result<Self, ServerError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ServerError::PortInUse { address: asked },
            _ => ServerError::Listen { address: asked, source },
        };
        let listen = || {
            let listener = net::TcpListener::bind(asked)?;
            listener.set_nonblocking(true)?;
            Ok(Self { asked, address: listener.local_addr()?, listener: Arc::new(listener) })
        };
        listen().map_err(failed)
    }

    /// Whether it is what these settings ask for.
    pub(super) fn is_for(&self, asked: SocketAddr) -> bool {
        self.asked == asked
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same socket for one run.
    pub(super) fn listener(&self) -> Result<TcpListener, ServerError> {
        let listener = self.listener.try_clone().and_then(TcpListener::from_std);
        listener.map_err(|source| ServerError::Listen { address: self.address, source })
    }
}
