use std::time::Duration;

use std::io::{self, Read as _, Write as _};
use std::net::TcpListener as StdListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::InJapanese as _;
use crate::exposition::LeftOut;
use crate::sentence::assert_japanese;

/// As it is by default.
const BODY: usize = 1 << 20;

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    (listener, url)
}

/// Reads a request's head.
async fn request(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Answers one request with these bytes, and then closes; answers with the request's head.
async fn server(answer: impl Into<Vec<u8>>) -> (String, JoinHandle<String>) {
    let (listener, url) = listener().await;
    let answer = answer.into();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = request(&mut stream).await;
        // Whoever has read enough is gone.
        let _ = stream.write_all(&answer).await;
        head
    });
    (url, task)
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn scraper(target: &Target) -> Result<Scraper, ScrapeError> {
    Scraper::new(target, Limits::default(), BODY)
}

async fn scrape(target: &Target) -> Result<Parsed, ScrapeError> {
    scraper(target)?.scrape(Timestamp::UNIX_EPOCH).await
}

async fn error_of(answer: Vec<u8>) -> String {
    let (url, _server) = server(answer).await;
    let error = scrape(&Target::of(&url)).await.unwrap_err();
    assert_japanese(&error.ja(), &[]);
    error.to_string()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn it_asks_as_prometheus_does() {
    let (url, head) = server(answer("200 OK", "Content-Type: text/plain; version=0.0.4\r\n", b"a_total 3\n")).await;
    let parsed = scrape(&Target::of(&url)).await.unwrap();
    assert_eq!((parsed.exposition.series.len(), parsed.exposition.at), (1, Timestamp::UNIX_EPOCH));
    assert_eq!(parsed.left_out, LeftOut::default());
    let head = head.await.unwrap();
    assert!(head.starts_with("GET /metrics HTTP/1.1\r\n"), "{head}");
    for line in [
        "accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "accept-encoding: gzip",
        "x-prometheus-scrape-timeout-seconds: 4",
        &format!("user-agent: {USER_AGENT}"),
    ] {
        assert!(head.to_lowercase().lines().any(|there| there == line), "{line} is not in {head}");
    }
    assert!(!head.to_lowercase().contains("authorization"));
}

#[tokio::test]
async fn the_format_is_the_one_that_is_answered() {
    let open_metrics = "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    let (url, _server) = server(answer("200 OK", open_metrics, b"# TYPE a counter\na_total 3\n# EOF\n")).await;
    assert_eq!(scrape(&Target::of(&url)).await.unwrap().exposition.series.len(), 1);
    assert!(error_of(answer("200 OK", open_metrics, b"a_total 3\n")).await.contains("without # EOF"));
}

#[tokio::test]
async fn compressed_and_chunked_answers_are_read() {
    let (url, _server) = server(answer("200 OK", "Content-Encoding: gzip\r\n", &gzip(b"a 1\nb 2\n"))).await;
    assert_eq!(scrape(&Target::of(&url)).await.unwrap().exposition.series.len(), 2);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na 1\r\n3\r\n\nb \r\n2\r\n2\n\r\n0\r\n\r\n";
    let (url, _server) = server(chunked).await;
    assert_eq!(scrape(&Target::of(&url)).await.unwrap().exposition.series.len(), 2);
}

#[tokio::test]
async fn credentials_are_those_of_the_settings_or_of_files_as_they_are_now() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let header = async |change: &dyn Fn(&mut Target)| {
        let (url, head) = server(answer("200 OK", "", b"")).await;
        let mut target = Target::of(&url);
        change(&mut target);
        scrape(&target).await.unwrap();
        let head = head.await.unwrap();
        head.lines().find_map(|line| line.strip_prefix("authorization: ").map(str::to_owned)).unwrap()
    };
    let bearer = |target: &mut Target| target.bearer_token = "abc".to_owned().into();
    assert_eq!(header(&bearer).await, "Bearer abc");
    for token in ["first", "second"] {
        std::fs::write(&path, format!("{token}\n")).unwrap();
        let from_file = |target: &mut Target| target.bearer_token_file = path.clone();
        assert_eq!(header(&from_file).await, format!("Bearer {token}"));
    }
    let basic = |target: &mut Target| {
        target.username = "user".into();
        target.password_file = path.clone();
    };
    assert_eq!(header(&basic).await, "Basic dXNlcjpzZWNvbmQ=");

    let mut target = Target::of("http://127.0.0.1:1/metrics");
    target.bearer_token_file = directory.path().join("none");
    assert!(scrape(&target).await.unwrap_err().to_string().contains("none cannot be read"));
    target.bearer_token_file = "/dev/zero".into();
    assert!(scrape(&target).await.unwrap_err().to_string().contains("/dev/zero cannot be read"));
    target.bearer_token = "two\nlines".to_owned().into();
    assert!(matches!(scrape(&target).await, Err(ScrapeError::Unsendable)));
}

#[tokio::test]
async fn each_answer_that_is_none_says_what_to_do() {
    for (status, headers, body, expected) in [
        ("401 Unauthorized", "", "", "it answers 401: give the target a bearer_token"),
        ("403 Forbidden", "", "", "it answers 403: give the target a bearer_token"),
        ("404 Not Found", "", "", "it has nothing at /metrics: give the path"),
        ("302 Found", "Location: https://elsewhere.example/\r\n", "", "sends us to https://elsewhere.example/"),
        ("500 Internal Server Error", "", "", "it answers 500 instead of its metrics"),
        ("204 No Content", "", "", "it answers 204 instead of its metrics"),
        (
            "200 OK",
            "Content-Type: text/html\r\n",
            "a 1\n<html>",
            "line 2 is not Prometheus text: it is a web page; give",
        ),
        ("200 OK", "", "good 1\na{b=1} 2\n", "line 2 is not Prometheus text: expected a label's value in quotes"),
        ("200 OK", "Content-Encoding: gzip\r\n", "not gzip", "cannot be decompressed"),
    ] {
        let error = error_of(answer(status, headers, body.as_bytes())).await;
        assert!(error.contains(expected), "{status}: {error}");
    }
    let cut = error_of(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na 1\n".to_vec()).await;
    assert!(cut.contains("its answer broke off"), "{cut}");
    let (url, _server) = server(answer("401 Unauthorized", "", b"")).await;
    let mut target = Target::of(&url);
    target.username = "user".into();
    assert!(scrape(&target).await.unwrap_err().to_string().contains("are not those it takes"));
}

#[test]
fn every_error_says_itself_in_japanese_with_its_values() {
    let (path, cause) = (PathBuf::from("/etc/a.pem"), "no such file".to_owned());
    let source = Url::parse("http://").unwrap_err();
    let (file, timeout) = (io::Error::from(io::ErrorKind::NotFound), Duration::from_millis(1_500));
    let (file_said, address_said) = (file.to_string(), source.to_string());
    let location = Some("https://a.example/".to_owned());
    for (error, values) in [
        (ScrapeError::Address { source }, vec![address_said.as_str(), "http://127.0.0.1:5000/metrics"]),
        (ScrapeError::Client { cause: cause.clone() }, vec!["no such file", "ca-certificates", "ca_file"]),
        (ScrapeError::CaFile { path: path.clone(), cause: cause.clone() }, vec!["/etc/a.pem", "no such file"]),
        (ScrapeError::NoCertificate { path: path.clone() }, vec!["/etc/a.pem"]),
        (ScrapeError::SecretFile { path, source: file }, vec!["/etc/a.pem", &file_said]),
        (ScrapeError::NotListening { address: "a:80".into() }, vec!["a:80"]),
        (ScrapeError::Unreachable { address: "a:80".into(), cause: cause.clone() }, vec!["a:80", "no such file"]),
        (ScrapeError::Untrusted { cause: cause.clone() }, vec!["no such file", "ca_file", "http://"]),
        (ScrapeError::Tls { cause: cause.clone() }, vec!["no such file", "ca_file", "http://"]),
        (ScrapeError::TimedOut { timeout }, vec!["1.5 秒", "timeout"]),
        (ScrapeError::NoCredentials { code: 401 }, vec!["401", "bearer_token"]),
        (ScrapeError::Refused { code: 403 }, vec!["403", "password"]),
        (ScrapeError::Unsendable, vec![]),
        (ScrapeError::NotFound { path: "/metrics".into() }, vec!["/metrics", "url"]),
        (ScrapeError::Redirected { code: 302, location }, vec!["302", "https://a.example/", "url"]),
        (ScrapeError::Redirected { code: 302, location: None }, vec!["302", "url"]),
        (ScrapeError::Status { code: 500 }, vec!["500"]),
        (ScrapeError::TooLarge { limit: 1 << 20 }, vec!["1 MiB", "application.body_limit_mib"]),
        (ScrapeError::Broken { cause }, vec!["no such file"]),
    ] {
        assert_japanese(&error.ja(), &values);
    }
}

#[tokio::test]
async fn nobody_there_and_no_way_there_are_told_apart() {
    let (listener, url) = listener().await;
    drop(listener);
    let refused = scrape(&Target::of(&url)).await.unwrap_err().to_string();
    assert!(refused.contains("refuses connections: see whether the application runs"), "{refused}");
    // Nobody can be connected to at the address of all.
    let nowhere = scrape(&Target::of("http://255.255.255.255/metrics")).await.unwrap_err().to_string();
    assert!(nowhere.contains("255.255.255.255:80 cannot be reached"), "{nowhere}");
    assert!(scrape(&Target::of("http://")).await.unwrap_err().to_string().contains("its address cannot be read"));
}

#[tokio::test]
async fn one_that_never_answers_in_full_times_out() {
    for beginning in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na 1\n"] {
        let (listener, url) = listener().await;
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            request(&mut stream).await;
            stream.write_all(beginning.as_bytes()).await.unwrap();
            // Until the other side has had enough.
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        });
        let mut target = Target::of(&url);
        target.timeout = Duration::from_millis(200);
        let error = scrape(&target).await.unwrap_err().to_string();
        assert!(error.contains("it did not answer in full within 200ms"), "{error}");
        server.await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_without_end_costs_no_more_than_the_limit() {
    let (listener, url) = listener().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        let mut sent = 0;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 1 << 16]).await.is_ok() {
            sent += 1_usize << 16;
        }
        sent
    });
    let error = scrape(&Target::of(&url)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "it answers more than 1 MiB: have it expose less, or raise application.body_limit_mib"
    );
    // Besides what was read, the kernel's buffers of both sides took some.
    assert!(server.await.unwrap() < 32 << 20);
}

#[tokio::test]
async fn a_bomb_is_left_at_the_limit_and_a_claim_is_not_believed() {
    // 64 MiB in 64 KiB.
    let bomb = gzip(&vec![b'#'; 64 << 20]);
    assert!(bomb.len() < 1 << 17);
    let error = error_of(answer("200 OK", "Content-Encoding: gzip\r\n", &bomb)).await;
    assert!(error.contains("more than 1 MiB"), "{error}");
    let error = error_of(b"HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\na 1\n".to_vec()).await;
    assert!(error.contains("more than 1 MiB"), "{error}");
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

/// Answers every connection over TLS with the fixtures' certificate, for 127.0.0.1.
fn tls_server() -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_file(fixture("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(fixture("server.key")).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/metrics", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            // A client that does not trust us ends it.
            if stream.read(&mut [0; 4096]).is_ok() {
                let _ = stream.write_all(&answer("200 OK", "", b"a 1\n"));
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    url
}

#[tokio::test]
async fn a_certificate_is_trusted_by_its_authority_or_by_order() {
    let url = tls_server();
    let untrusted = scrape(&Target::of(&url)).await.unwrap_err().to_string();
    assert!(untrusted.contains("its certificate is not trusted"), "{untrusted}");
    assert!(untrusted.contains("ca_file"), "{untrusted}");
    let mut target = Target::of(&url);
    target.ca_file = fixture("authority.pem");
    assert_eq!(scrape(&target).await.unwrap().exposition.series.len(), 1);
    let mut target = Target::of(&url);
    target.insecure_skip_verify = true;
    assert_eq!(scrape(&target).await.unwrap().exposition.series.len(), 1);
    for (file, expected) in [("none.pem", "No such file"), ("server.key", "no certificate in PEM")] {
        target.insecure_skip_verify = false;
        target.ca_file = fixture(file);
        let error = scraper(&target).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn tls_to_one_that_does_not_speak_it_says_so() {
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read(&mut [0; 4096]).await;
    });
    let error = scrape(&Target::of(&url.replace("http://", "https://"))).await.unwrap_err().to_string();
    assert!(error.contains("write http:// where it does not speak TLS"), "{error}");
}

#[tokio::test]
async fn a_target_is_scraped_again_after_failures() {
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        for body in ["a 1\n", "broken\n", "a 1\nb 1\n"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            request(&mut stream).await;
            stream.write_all(&answer("200 OK", "Connection: close\r\n", body.as_bytes())).await.unwrap();
        }
    });
    let (target, mut scraper) = (Target::of(&url), None);
    let mut series = async || {
        let parsed = scrape_again(&mut scraper, &target, Limits::default(), BODY).await;
        parsed.map(|parsed| parsed.exposition.series.len()).map_err(|error| error.to_string())
    };
    assert_eq!(series().await, Ok(1));
    assert!(series().await.is_err());
    assert_eq!(series().await, Ok(2));
}

#[test]
fn an_instance_is_called_by_host_and_port() {
    for (url, expected) in [
        ("http://127.0.0.1:5000/metrics", "127.0.0.1:5000"),
        ("https://user:secret@app.example/metrics?x=1", "app.example:443"),
        ("http://app.example/actuator/prometheus", "app.example:80/actuator/prometheus"),
        ("http://[::1]:80/metrics", "[::1]:80"),
    ] {
        assert_eq!(instance_name(&Target::of(url)).instance, expected);
    }
    assert_eq!(instance_name(&Target::of("http://a/")).job, "app");
}
