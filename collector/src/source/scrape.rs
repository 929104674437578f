//! Asks an application for its metrics: one target, one request, one [`Parsed`].
//!
//! Nothing that a target answers costs more than the limits: the text is read in pieces, as it
//! comes out of decompression, and the connection is dropped where there is more than may be.
//! Redirects are not followed, so credentials go only where the settings say; proxies of the
//! environment are not used.

mod credentials;
mod error;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Certificate, Client, RequestBuilder, Response, Url, redirect};

use crate::config::Target;
use crate::exposition::{Format, Limits, Parsed, Parser};
use crate::requests::InstanceName;

use credentials::{authorized, file};
pub(crate) use credentials::{file_if_set, secret_or_file};
pub use error::ScrapeError;
pub(crate) use error::last_cause;

/// As Prometheus asks: <https://github.com/prometheus/prometheus/blob/v2.42.0/scrape/scrape.go>.
const ACCEPTED: &str = "application/openmetrics-text;version=1.0.0,\
                        application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
/// For exporters that answer with what they have when time is short.
const TIMEOUT_HEADER: &str = "X-Prometheus-Scrape-Timeout-Seconds";
const USER_AGENT: &str = concat!("recipe-monitoring-collector/", env!("CARGO_PKG_VERSION"));
/// Certificates of authorities are a few KiB each.
const CA_FILE_BYTES: u64 = 4 << 20;

/// Scrapes one target, over a connection that it keeps.
#[derive(Debug)]
pub struct Scraper {
    client: Client,
    target: Target,
    url: Url,
    limits: Limits,
    body_bytes: usize,
}

impl Scraper {
    /// A scraper whose answers have at most `body_bytes` after decompression.
    ///
    /// # Errors
    ///
    /// When the target's URL or its file of certificates cannot be used.
    pub fn new(target: &Target, limits: Limits, body_bytes: usize) -> Result<Self, ScrapeError> {
        // Whoever was first has installed the same one, as no other is compiled in.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = Url::parse(&target.url).map_err(|source| ScrapeError::Address { source })?;
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(target.timeout)
            .user_agent(USER_AGENT)
            .pool_max_idle_per_host(1);
        let client = if url.scheme() != "https" {
            // Without TLS the system's certificates need not be there, nor be read.
            client.tls_certs_only([])
        } else if target.insecure_skip_verify {
            client.tls_certs_only([]).tls_danger_accept_invalid_certs(true)
        } else if target.ca_file.as_os_str().is_empty() {
            client
        } else {
            let unusable = |cause| ScrapeError::CaFile { path: target.ca_file.clone(), cause };
            let pem = file(&target.ca_file, CA_FILE_BYTES).map_err(|source| unusable(source.to_string()))?;
            let certificates = Certificate::from_pem_bundle(pem.as_bytes());
            let certificates = certificates.map_err(|source| unusable(source.to_string()))?;
            if certificates.is_empty() {
                return Err(ScrapeError::NoCertificate { path: target.ca_file.clone() });
            }
            client.tls_certs_merge(certificates)
        };
        let client = client.build().map_err(|error| ScrapeError::Client { cause: last_cause(&error) })?;
        Ok(Self { client, target: target.clone(), url, limits, body_bytes })
    }

    /// Asks once; what comes is of `at`.
    ///
    /// # Errors
    ///
    /// See [`ScrapeError`]. Nothing of an answer counts then.
    pub async fn scrape(&self, at: Timestamp) -> Result<Parsed, ScrapeError> {
        let request = self.client.get(self.url.clone()).header(ACCEPT, ACCEPTED);
        let request = request.header(TIMEOUT_HEADER, self.target.timeout.as_secs_f64().to_string());
        match tokio::time::timeout(self.target.timeout, self.answer(request, at)).await {
            Ok(answer) => answer,
            Err(_) => Err(ScrapeError::TimedOut { timeout: self.target.timeout }),
        }
    }

    async fn answer(&self, request: RequestBuilder, at: Timestamp) -> Result<Parsed, ScrapeError> {
        let request = authorized(request, &self.target).await?;
        let failed = |error| ScrapeError::of(error, &self.url, self.target.timeout);
        let mut response = request.send().await.map_err(failed)?;
        self.check(&response)?;
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let mut parser = Parser::new(Format::of(content_type.unwrap_or_default()), self.limits);
        let mut bytes = 0;
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            bytes += piece.len();
            if bytes > self.body_bytes {
                return Err(self.too_large());
            }
            parser.feed(&piece)?;
        }
        Ok(parser.finish(at)?)
    }

    fn check(&self, response: &Response) -> Result<(), ScrapeError> {
        let status = response.status();
        let has_credentials = self.has_credentials();
        match status.as_u16() {
            200 => {}
            code @ (401 | 403) if has_credentials => return Err(ScrapeError::Refused { code }),
            code @ (401 | 403) => return Err(ScrapeError::NoCredentials { code }),
            404 | 410 => return Err(ScrapeError::NotFound { path: self.url.path().to_owned() }),
            code @ 300..=399 => {
                let location = response.headers().get("location").and_then(|value| value.to_str().ok());
                return Err(ScrapeError::Redirected { code, location: location.map(str::to_owned) });
            }
            code => return Err(ScrapeError::Status { code }),
        }
        let announced = response.content_length().and_then(|bytes| usize::try_from(bytes).ok());
        if announced.is_some_and(|bytes| bytes > self.body_bytes) { Err(self.too_large()) } else { Ok(()) }
    }

    fn has_credentials(&self) -> bool {
        let Target { bearer_token, bearer_token_file, username, .. } = &self.target;
        bearer_token.expose().is_some()
            || !bearer_token_file.as_os_str().is_empty()
            || !username.is_empty()
            || !self.url.username().is_empty()
    }

    fn too_large(&self) -> ScrapeError {
        ScrapeError::TooLarge { limit: self.body_bytes }
    }
}

/// What the instance behind a target is called: host and port, and its path where that is not the
/// usual one.
#[must_use]
pub fn instance_name(target: &Target) -> InstanceName {
    let of_url = |url: Url| {
        let path = Some(url.path()).filter(|path| !matches!(*path, "/metrics" | "/")).unwrap_or_default();
        let port = url.port_or_known_default()?;
        Some(format!("{}:{port}{path}", url.host_str()?))
    };
    let instance = Url::parse(&target.url).ok().and_then(of_url);
    InstanceName { job: target.job.clone(), instance: instance.unwrap_or_else(|| target.url.clone()), pushes: false }
}

/// Scrapes a target with the scraper of the last time, where there is one.
///
/// # Errors
///
/// See [`ScrapeError`]
pub(super) async fn scrape_again(
    scraper: &mut Option<Scraper>,
    target: &Target,
    limits: Limits,
    body_bytes: usize,
) -> Result<Parsed, ScrapeError> {
    let scraper = match scraper {
        Some(scraper) => scraper,
        // A file of certificates that was not there yet may have come.
        None => scraper.insert(Scraper::new(target, limits, body_bytes)?),
    };
    scraper.scrape(Timestamp::now()).await
}

#[cfg(test)]
mod tests;
