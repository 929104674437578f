//! Why the program ends: each a sentence with the remedy.

use std::net::SocketAddr;
use std::path::PathBuf;

use collector::StartError;
use collector::access::AccessError;

use crate::tls::TlsError;

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
    /// HTTPS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The parts behind the pages.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Users, sessions and tokens.
    #[error(transparent)]
    Access(#[from] AccessError),
}
