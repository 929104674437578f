//! HTTPS by the program itself: certificates, their renewal, and connections that misbehave.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use collector::LiveEvent;
use futures_util::StreamExt;
use rustix::process::Signal;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::helpers::{Place, Running, outcome, soon, until};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(fixture(&format!("{name}.pem"))).unwrap()
}

/// A dashboard with certificate and key in files of its own.
struct Secure {
    place: Place,
    running: Running,
    address: SocketAddr,
}

fn install(place: &Place, certificate: &str, key: &str) {
    for (from, to) in [(format!("{certificate}.pem"), "tls.pem"), (format!("{key}.key"), "tls.key")] {
        // As renewal does it: never a half of a file.
        fs::copy(fixture(&from), place.path().join("new")).unwrap();
        fs::rename(place.path().join("new"), place.path().join(to)).unwrap();
    }
}

const FILES: [&str; 4] = ["--set", "server.tls_certificate=tls.pem", "--set", "server.tls_key=tls.key"];

impl Secure {
    async fn start(name: &str) -> Self {
        let place = Place::new();
        install(&place, name, name);
        let running = Running::start(place.program(&FILES), place.path().join("dashboard.log"), "serving").await;
        let url = running.logged("serving").unwrap()["url"].as_str().unwrap().to_owned();
        let address = url.strip_prefix("https://").unwrap().trim_end_matches('/').parse().unwrap();
        Self { place, running, address }
    }

    async fn try_connect(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        for name in ["first", "second"] {
            roots.add(certificate(name)).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        soon("a handshake", TlsConnector::from(Arc::new(config)).connect(name, stream)).await
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        self.try_connect(rustls::DEFAULT_VERSIONS).await.unwrap()
    }

    /// Which certificate a new connection gets.
    async fn serves(&self) -> CertificateDer<'static> {
        self.connect().await.get_ref().1.peer_certificates().unwrap()[0].clone()
    }

    async fn get(&self, path: &str) -> String {
        let mut stream = self.connect().await;
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        soon("an answer", stream.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_the_live_feed_come_by_https() {
    let mut dashboard = Secure::start("first").await;
    let page = dashboard.get("/").await;
    assert!(page.starts_with("HTTP/1.0 200"), "{page}");
    assert!(page.contains("strict-transport-security: max-age=31536000\r\n"), "{page}");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        dashboard.try_connect(&[version]).await.unwrap();
    }
    let request = format!("wss://{}/api/v1/live", dashboard.address);
    let stream = dashboard.connect().await;
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let first = soon("an event", socket.next()).await.unwrap().unwrap();
    let _: LiveEvent = serde_json::from_str(first.to_text().unwrap()).unwrap();
    // The websocket does not hold up the end.
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_does_not_speak_holds_up_nobody() {
    let dashboard = Secure::start("first").await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(dashboard.address).await.unwrap());
    }
    assert!(dashboard.get("/healthz").await.starts_with("HTTP/1.0 200"));
    let mut plain = TcpStream::connect(dashboard.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = soon("an end", plain.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP"), "nothing is served in the clear");
    // Those that stay silent are shut out in the end.
    let mut one = silent.swap_remove(0);
    assert_eq!(soon("an end", one.read(&mut [0; 16])).await.unwrap_or_default(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_used_without_a_restart_and_a_wrong_one_is_not() {
    let dashboard = Secure::start("first").await;
    assert_eq!(dashboard.serves().await, certificate("first"));
    let before = dashboard.connect().await;

    // A certificate without its key is not used, and said to be wrong.
    install(&dashboard.place, "second", "first");
    let message = "the new certificate is not used, the one before is";
    let warned = until(message, async || dashboard.running.logged(message)).await;
    let error = warned["error"].as_str().unwrap();
    assert!(error.contains("tls.key") && error.contains("does not fit"), "{error}");
    assert_eq!(dashboard.serves().await, certificate("first"));

    install(&dashboard.place, "second", "second");
    until("the new certificate", async || (dashboard.serves().await == certificate("second")).then_some(())).await;

    // A connection of before goes on.
    let mut before = before;
    before.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    soon("an answer", before.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.0 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_used_and_warned_of() {
    let dashboard = Secure::start("expired").await;
    let warned = dashboard.running.logged("the certificate has expired: browsers will not come; renew it").unwrap();
    assert_eq!((warned["level"].as_str(), warned["until"].as_str()), (Some("WARN"), Some("2021-01-01T00:00:00Z")));
}

#[test]
fn files_that_cannot_be_used_are_refused_by_name() {
    let place = Place::new();
    let refused = |parts: &[&str]| {
        let output = outcome(place.program(&FILES));
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        for part in parts {
            assert!(message.contains(part), "{message} lacks {part}");
        }
        assert!(!place.data_dir().exists());
    };
    refused(&["tls.pem", "server.tls_certificate", "No such file"]);
    install(&place, "first", "second");
    refused(&["tls.key", "tls.pem", "does not fit"]);
    fs::copy(fixture("first.key"), place.path().join("tls.pem")).unwrap();
    refused(&["tls.pem", "has no certificate", "BEGIN CERTIFICATE"]);
    install(&place, "first", "first");
    fs::copy(fixture("first.pem"), place.path().join("tls.key")).unwrap();
    refused(&["tls.key", "server.tls_key", "has no key"]);
    fs::write(place.path().join("tls.key"), "-----BEGIN PRIVATE KEY-----\n").unwrap();
    refused(&["tls.key", "no valid PEM"]);
    fs::write(place.path().join("tls.key"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    refused(&["tls.key", "cannot be used"]);

    let output = outcome(place.program(&["--set", "server.tls_certificate=tls.pem"]));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("server.tls_key") && message.contains("leave out server.tls_certificate"), "{message}");
}
