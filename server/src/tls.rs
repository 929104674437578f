//! HTTPS from certificate files, which are read anew when they change: a certificate that is renewed needs no restart.
//! What is wrong with new files is logged, and the old ones stay in use.

mod pair;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use collector::Settings;
use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::task::JoinSet;

use pair::{Pair, Stamp};

/// How often is looked whether the files have changed.
const LOOK: Duration = Duration::from_secs(2);
/// What is spoken inside: the live feed is a websocket, which is of HTTP/1.1.
const PROTOCOL: &[u8] = b"http/1.1";

/// Why there can be no HTTPS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error(
        "{path} (server.{setting}) cannot be read: {source}; correct the path, or let the user that runs this read it"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Which setting names it.
        setting: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// A file is broken.
    #[error("{path} (server.{setting}) is no valid PEM file: {reason}")]
    NotPem {
        /// The file.
        path: PathBuf,
        /// Which setting names it.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A file has something else.
    #[error(
        "{path} (server.{setting}) has no {missing}; it needs a section that begins with -----BEGIN {section}-----"
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// Which setting names it.
        setting: &'static str,
        /// What is not in it.
        missing: &'static str,
        /// How that begins.
        section: &'static str,
    },
    /// Both are good, but not together.
    #[error(
        "the key in {key} (server.tls_key) does not fit the certificate in {certificate}; give the key that it was made for, and the server's certificate before those above it"
    )]
    Unfit {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// Of a kind that nobody here can work with.
    #[error(
        "the certificate in {certificate} or the key in {key} cannot be used: {reason}; use an RSA, ECDSA or Ed25519 key"
    )]
    Unusable {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why.
        reason: String,
    },
}

/// What TLS is spoken with, as long as this is not dropped kept as new as the files.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    _follow: JoinSet<()>,
}

impl Tls {
    /// HTTPS as it is set up; `None` where it is not.
    pub(crate) fn of(settings: &Settings) -> Result<Option<Self>, TlsError> {
        let server = &settings.server;
        if !server.has_tls() {
            return Ok(None);
        }
        let files = Files { certificate: server.tls_certificate.clone(), key: server.tls_key.clone() };
        let stamp = files.stamp();
        let pair = Pair::read(&files)?;
        pair.say(&files, Timestamp::now());
        let current = Arc::new(Current(RwLock::new(pair.key)));
        let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&versions)
            .map_err(|error| files.unusable(&error))?;
        let mut config = config.with_no_client_auth().with_cert_resolver(Arc::clone(&current) as Arc<_>);
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        let mut follow = JoinSet::new();
        follow.spawn(async move { files.follow(stamp, &current).await });
        Ok(Some(Self { config: Arc::new(config), _follow: follow }))
    }
}

/// The certificate and key in use.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Where the certificate and its key are.
#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    fn stamp(&self) -> [Option<Stamp>; 2] {
        [&self.certificate, &self.key].map(|path| Stamp::of(path))
    }

    fn unusable(&self, error: &rustls::Error) -> TlsError {
        TlsError::Unusable { certificate: self.certificate.clone(), key: self.key.clone(), reason: error.to_string() }
    }

    /// Puts every new pair into use; `used` is the stamp of that which is.
    async fn follow(&self, used: [Option<Stamp>; 2], current: &Current) {
        let (mut used, mut before) = (used.clone(), used);
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.stamp();
            // Once both stay as they are: they are written one after the other.
            if now == before && now != used {
                self.renew(current);
                used = now.clone();
            }
            before = now;
        }
    }

    fn renew(&self, current: &Current) {
        match Pair::read(self) {
            Ok(pair) => {
                pair.say(self, Timestamp::now());
                *current.0.write().unwrap_or_else(PoisonError::into_inner) = pair.key;
            }
            Err(error) => tracing::warn!(%error, "the new certificate is not used, the one before is"),
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
