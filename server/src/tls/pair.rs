//! A certificate and its key, read from their files.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::{Files, TlsError, shown};

const CERTIFICATE: &str = "tls_certificate";
const KEY: &str = "tls_key";

/// By what a file is seen to have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    written: Option<SystemTime>,
    inode: u64,
    length: u64,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self { written: metadata.modified().ok(), inode: metadata.ino(), length: metadata.len() })
    }
}

/// Both, and until when they may be used.
pub(super) struct Pair {
    pub(super) key: Arc<CertifiedKey>,
    until: Option<Timestamp>,
}

impl Pair {
    pub(super) fn read(files: &Files) -> Result<Self, TlsError> {
        let Files { certificate, key } = files;
        let text = read(certificate, CERTIFICATE)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let chain = chain.map_err(|error| not_pem(certificate, CERTIFICATE, &error))?;
        let Some(first) = chain.first() else {
            return Err(missing(certificate, CERTIFICATE, "certificate", "CERTIFICATE"));
        };
        let until = end_of_validity(first);
        let private = PrivateKeyDer::from_pem_slice(&read(key, KEY)?).map_err(|error| match error {
            pem::Error::NoItemsFound => missing(key, KEY, "key without a passphrase", "PRIVATE KEY"),
            error => not_pem(key, KEY, &error),
        })?;
        let pair = CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                TlsError::Unfit { certificate: certificate.clone(), key: key.clone() }
            }
            error => files.unusable(&error),
        })?;
        Ok(Self { key: Arc::new(pair), until })
    }

    /// Says what is in use, as seen at `now`.
    pub(super) fn say(&self, files: &Files, now: Timestamp) {
        let certificate = shown(&files.certificate);
        match self.until {
            Some(until) if until < now => {
                tracing::warn!(certificate, %until, "the certificate has expired: browsers will not come; renew it");
            }
            Some(until) => tracing::info!(certificate, %until, "the certificate is in use"),
            None => tracing::info!(certificate, "the certificate is in use"),
        }
    }
}

/// Which rustls checks of others' certificates and does not tell of one's own; `None` where it cannot be read.
fn end_of_validity(certificate: &[u8]) -> Option<Timestamp> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let end = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    Timestamp::from_second(i64::try_from(end.as_secs()).ok()?).ok()
}

fn read(path: &Path, setting: &'static str) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), setting, source })
}

fn not_pem(path: &Path, setting: &'static str, error: &pem::Error) -> TlsError {
    TlsError::NotPem { path: path.to_owned(), setting, reason: error.to_string() }
}

fn missing(path: &Path, setting: &'static str, missing: &'static str, section: &'static str) -> TlsError {
    TlsError::Missing { path: path.to_owned(), setting, missing, section }
}
