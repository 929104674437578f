//! Where and how the dashboard listens, whom it believes, and who takes the samples it shows.

use std::fmt::{self, Display};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::error::Invalid;

/// What the lists of browsers ask for at the most: two years.
const MOST_HSTS_DAYS: u32 = 730;

/// `[server]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port of the dashboard. `LEPTOS_SITE_ADDR` is honoured too.
    pub address: SocketAddr,
    /// Whether the dashboard takes the samples itself or shows those of a separate collector.
    pub collector: CollectorMode,
    /// Under which path the dashboard is, such as `/monitoring`; empty: at the top.
    pub base_path: String,
    /// PEM file with the certificate and those above it: HTTPS. Read anew when it changes. Empty: plain HTTP.
    pub tls_certificate: PathBuf,
    /// PEM file with its key.
    pub tls_key: PathBuf,
    /// For so many days browsers come by HTTPS only, once they have; 0: they are told nothing of that.
    pub hsts_days: u32,
    /// Addresses and networks of proxies, whose `X-Forwarded-…` and `Forwarded` are believed.
    pub trusted_proxies: Vec<Network>,
    /// Further origins, such as `https://example.com`, whose pages may change things and follow the live feed.
    pub allowed_origins: Vec<String>,
    /// How long a client may take for a request's head or body, to read some of an answer, and until its next request;
    /// the connection is closed then. With half of all connections taken, at the most 5 s.
    #[serde(with = "super::load::duration")]
    pub client_limit: Duration,
    /// For so long after it was told to stop the dashboard serves on and `/readyz` says 503, so that a load balancer
    /// sends nobody there any more.
    #[serde(with = "super::load::duration")]
    pub stop_delay: Duration,
}

/// A network such as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

impl Network {
    /// Whether the address is of it; one of IPv4 in the form of IPv6 is the same address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network
            .map(Self)
            .map_err(|_| format!("'{text}' is no address or network; use some such as 127.0.0.1 or 10.0.0.0/8"))
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who takes the samples that the dashboard shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollectorMode {
    /// The dashboard itself, in one process.
    #[default]
    InProcess,
    /// `recipe-monitoring-collector run`.
    Separate,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 5001)),
            collector: CollectorMode::default(),
            base_path: String::new(),
            tls_certificate: PathBuf::new(),
            tls_key: PathBuf::new(),
            hsts_days: 365,
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
            client_limit: Duration::from_secs(30),
            stop_delay: Duration::ZERO,
        }
    }
}

impl Server {
    /// Whether it speaks HTTPS itself.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        !self.tls_certificate.as_os_str().is_empty()
    }

    /// Whether only this machine reaches the dashboard: neither others nor a proxy, behind which they are.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.address.ip().is_loopback() && self.trusted_proxies.is_empty()
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        let [certificate, key] = [&self.tls_certificate, &self.tls_key].map(|path| !path.as_os_str().is_empty());
        if certificate != key {
            let (missing, other) = match certificate {
                true => ("server.tls_key", "server.tls_certificate"),
                false => ("server.tls_certificate", "server.tls_key"),
            };
            return Err(Invalid::new(missing, "\"\"", format!("name its file too, or leave out {other}")));
        }
        if !is_base_path(&self.base_path) {
            return Err(Invalid::new(
                "server.base_path",
                &self.base_path,
                "use a path such as /monitoring: letters, digits, - and _ between slashes, and none at its end",
            ));
        }
        if self.hsts_days > MOST_HSTS_DAYS {
            let remedy = format!("use at most {MOST_HSTS_DAYS}, or 0");
            return Err(Invalid::new("server.hsts_days", self.hsts_days, remedy));
        }
        Invalid::unless_between("server.client_limit", self.client_limit, 1, 600)?;
        Invalid::unless_between("server.stop_delay", self.stop_delay, 0, 30)?;
        match self.allowed_origins.iter().find(|origin| !is_origin(origin)) {
            Some(origin) => Err(Invalid::new(
                "server.allowed_origins",
                origin,
                "use origins such as https://example.com or http://localhost:3000: scheme and host in small letters, \
                 the port unless it is the usual one, and no path",
            )),
            None => Ok(()),
        }
    }
}

/// Nothing, or whole segments of a path.
fn is_base_path(path: &str) -> bool {
    let is_plain = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    path.is_empty() || path.strip_prefix('/').is_some_and(|path| path.split('/').all(is_plain))
}

/// As browsers write an origin: <https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin>.
fn is_origin(origin: &str) -> bool {
    let Ok(uri) = origin.parse::<http::Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    authority.port_u16() != Some(usual)
        && !authority.as_str().contains('@')
        && !origin.bytes().any(|byte| byte.is_ascii_uppercase())
        && origin == format!("{scheme}://{authority}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_is_whole_plain_segments() {
        for path in ["", "/monitoring", "/a/b-c_1"] {
            assert!(is_base_path(path), "{path}");
        }
        for path in
            ["/", "monitoring", "/monitoring/", "/a//b", "/..", "/a/../b", "/a b", "/a?b", "/a%2f", "/レシピ", "/a\"b"]
        {
            assert!(!is_base_path(path), "{path}");
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for origin in ["https://example.com", "http://localhost:3000", "http://[::1]:8080", "https://example.com:8443"]
        {
            assert!(is_origin(origin), "{origin}");
        }
        for origin in [
            "",
            "null",
            "*",
            "example.com",
            "https://example.com/",
            "https://Example.com",
            "https://example.com:443",
            "ftp://example.com",
            "https://user@example.com",
        ] {
            assert!(!is_origin(origin), "{origin}");
        }
    }

    #[test]
    fn a_network_has_its_addresses_in_both_forms() {
        let network = |text: &str| Network::try_from(text.to_owned());
        let is_in = |text, address: &str| network(text).unwrap().contains(address.parse().unwrap());
        assert!(is_in("10.0.0.0/8", "10.1.2.3") && is_in("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(is_in("127.0.0.1", "127.0.0.1") && !is_in("127.0.0.1", "127.0.0.2"));
        assert!(is_in("fd00::/8", "fd00::1") && !is_in("fd00::/8", "fe80::1"));
        assert!(network("10.0.0.0/33").unwrap_err().contains("10.0.0.0/8"));
    }
}
