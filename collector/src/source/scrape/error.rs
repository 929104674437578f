//! Why a scrape failed, in sentences for whoever runs the application.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use crate::exposition::ParseError;

/// Why a scrape failed.
#[derive(Debug, thiserror::Error)]
pub enum ScrapeError {
    /// The URL is none.
    #[error("its address cannot be read: {source}; write it as http://127.0.0.1:5000/metrics")]
    Address {
        /// Why.
        source: <Url as std::str::FromStr>::Err,
    },
    /// There are no certificates to trust.
    #[error("TLS cannot be set up: {cause}; install the package ca-certificates, or name a ca_file")]
    Client {
        /// Why.
        cause: String,
    },
    /// The file of certificates.
    #[error("the ca_file {} cannot be used: {cause}; it must be readable and have certificates in PEM", .path.display())]
    CaFile {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The file of a token or password.
    #[error("{} cannot be read: {source}; correct its path or its permissions", .path.display())]
    SecretFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nobody listens there.
    #[error("{address} refuses connections: see whether the application runs, and on which port it listens")]
    NotListening {
        /// Host and port.
        address: String,
    },
    /// No way there.
    #[error("{address} cannot be reached: {cause}; correct the address, or see to the network between")]
    Unreachable {
        /// Host and port.
        address: String,
        /// Why.
        cause: String,
    },
    /// Its certificate, or what it speaks instead of TLS.
    #[error("{cause}: name the certificate of its authority in ca_file, or write http:// where it does not speak TLS")]
    Tls {
        /// Why.
        cause: String,
    },
    /// It takes too long.
    #[error("it did not answer in full within {timeout:?}: see what makes its metrics slow, or raise its timeout")]
    TimedOut {
        /// The setting.
        timeout: Duration,
    },
    /// It wants to know who we are.
    #[error("it answers {code}: give the target a bearer_token, or username and password")]
    NoCredentials {
        /// The status.
        code: u16,
    },
    /// It knows who we are.
    #[error("it answers {code}: the token, or username and password, of the target are not those it takes")]
    Refused {
        /// The status.
        code: u16,
    },
    /// No header can hold its token.
    #[error("its token has a character that cannot be sent: write the token alone, on one line")]
    Unsendable,
    /// There is nothing.
    #[error("it has nothing at {path}: give the path of its metrics in the target's url")]
    NotFound {
        /// Where.
        path: String,
    },
    /// It is elsewhere.
    #[error(
        "it answers {code} and sends us to {location}: redirects are not followed; give the final address as the target's url"
    )]
    Redirected {
        /// The status.
        code: u16,
        /// Where to.
        location: String,
    },
    /// Another answer than its metrics.
    #[error("it answers {code} instead of its metrics: see the application's own log")]
    Status {
        /// The status.
        code: u16,
    },
    /// The answer is no exposition.
    #[error(transparent)]
    Malformed(#[from] ParseError),
    /// The answer is too long.
    #[error("it answers more than {} MiB: have it expose less, or raise application.body_limit_mib", .limit >> 20)]
    TooLarge {
        /// In bytes, after decompression.
        limit: usize,
    },
    /// The answer broke off.
    #[error("its answer broke off or cannot be decompressed: {cause}; see the application's own log")]
    Broken {
        /// Why.
        cause: String,
    },
}

impl ScrapeError {
    /// What the error of a request to `url` means.
    pub(super) fn of(error: reqwest::Error, url: &Url, timeout: Duration) -> Self {
        let address = || {
            let host = url.host_str().unwrap_or_default();
            url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
        };
        if error.is_timeout() {
            return Self::TimedOut { timeout };
        }
        let causes: Vec<_> = causes(&error).collect();
        let io_errors = || causes.iter().filter_map(|cause| cause.downcast_ref::<io::Error>());
        if let Some(tls) = io_errors().find_map(tls_within) {
            return Self::Tls { cause: tls_cause(tls) };
        }
        let cause = last_cause(&error);
        if io_errors().any(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            Self::NotListening { address: address() }
        } else if error.is_connect() {
            Self::Unreachable { address: address(), cause }
        } else if error.is_builder() {
            Self::Unsendable
        } else {
            Self::Broken { cause }
        }
    }
}

/// What is at the bottom of an error.
pub(crate) fn last_cause(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| Error::source(*cause))
}

/// What is within an error of input and output is none of its sources, and it may be deep in there.
fn tls_within(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref().or_else(|| tls_within(inner.downcast_ref()?))
}

fn tls_cause(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(_) => format!("its certificate is not trusted, {error}"),
        _ => format!("TLS with it fails, {error}"),
    }
}
