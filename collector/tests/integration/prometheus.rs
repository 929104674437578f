//! Beside a real Prometheus, on the same scrapes: what it takes we take, and the percentiles are
//! the same.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener as StdListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use collector::exposition::{Format, Limits, parse};
use collector::requests::{InstanceName, Mapping, Window};
use collector::{Requests, Scraper};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::helpers::{directory, until};

/// A Prometheus that ends with the test.
struct Prometheus {
    child: Child,
    address: String,
    _directory: TempDir,
}

impl Prometheus {
    /// Starts one that scrapes every second what `jobs` says, each with its name and path, all at
    /// `target`.
    fn start(target: &str, jobs: &[(String, String)]) -> Self {
        let directory = directory();
        let mut config = String::from("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n");
        for (name, path) in jobs {
            writeln!(
                config,
                "  - {{job_name: '{name}', metrics_path: '{path}', static_configs: [{{targets: ['{target}']}}]}}"
            )
            .unwrap();
        }
        let file = directory.path().join("prometheus.yml");
        fs::write(&file, config).unwrap();
        let free = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = fs::File::create(directory.path().join("prometheus.log")).unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
            .arg(format!("--web.listen-address={free}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("prometheus cannot be started: {error}; scripts/setup.sh test installs it"));
        Self { child, address: free.to_string(), _directory: directory }
    }

    /// The result of an instant query; `None` while there is none.
    async fn query(&self, query: &str) -> Option<Vec<Value>> {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let mut stream = TcpStream::connect(&self.address).await.ok()?;
        let request = format!("GET /api/v1/query?query={encoded} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        let answer: Value = serde_json::from_str(body).ok()?;
        Some(answer["data"]["result"].as_array()?.clone()).filter(|result| !result.is_empty())
    }

    async fn number(&self, query: &str) -> Option<f64> {
        number(self.query(query).await?.first()?)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn number(result: &Value) -> Option<f64> {
    result["value"][1].as_str()?.parse().ok()
}

/// Answers each request with what `page` makes of its path: content type and text.
async fn server(page: impl Fn(&str) -> (&'static str, Vec<u8>) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let page = Arc::new(page);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let page = Arc::clone(&page);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.ok()?);
                }
                let head = String::from_utf8(head).ok()?;
                let (content_type, text) = page(head.split(' ').nth(1)?);
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    text.len()
                );
                stream.write_all(&[head.as_bytes(), &text].concat()).await.ok()
            });
        }
    });
    address
}

const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const BOUNDS: [&str; 8] = ["0.005", "0.025", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"];
const ROUTES: [(&str, &str); 3] = [("/recipes", "200"), ("/recipes/{id}", "200"), ("/search", "503")];

/// What an application says that had served many requests, then served more, and then restarted.
fn page(number: u64) -> String {
    let mut text = String::from("# TYPE http_request_duration_seconds histogram\n");
    for (route, (path, status)) in (1..).zip(ROUTES) {
        let mut count = 0;
        for (bucket, bound) in (1..).zip(BOUNDS) {
            // So much, of no pattern, that Prometheus sees no series begin within its range.
            count += match number {
                0 => 1_000_000,
                1 => 1_000_000 + (route * 37 + bucket * bucket * 11) % 101,
                _ => (route * 53 + bucket * 29) % 47,
            };
            let labels = format!("method=\"GET\",route=\"{path}\",status=\"{status}\"");
            writeln!(text, "http_request_duration_seconds_bucket{{{labels},le=\"{bound}\"}} {count}").unwrap();
        }
        let labels = format!("{{method=\"GET\",route=\"{path}\",status=\"{status}\"}}");
        writeln!(text, "http_request_duration_seconds_count{labels} {count}").unwrap();
    }
    text
}

fn assert_close(ours: Option<f64>, theirs: Option<f64>, what: &str) {
    let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs(), "{what}: {ours} is not {theirs}");
}

#[tokio::test]
async fn percentiles_and_error_rate_are_those_of_prometheus_over_the_same_scrapes() {
    let scrapes = AtomicUsize::new(0);
    let target = server(move |_| {
        let scrape = scrapes.fetch_add(1, Ordering::Relaxed);
        (PROMETHEUS, page(scrape.min(2) as u64).into_bytes())
    });
    let target = target.await;
    let prometheus = Prometheus::start(&target, &[("app".into(), "/metrics".into())]);
    until("the third scrape", async || {
        let resets = prometheus.number("sum(resets(http_request_duration_seconds_count[5m]))").await?;
        (resets > 2.5).then_some(())
    })
    .await;

    let mut window = Window::new(Mapping::default());
    let name = InstanceName { job: "app".into(), instance: target, pushes: false };
    let begin = Timestamp::from_second(1_764_000_000).unwrap();
    for (scrape, at) in (0..3).zip([0, 1, 2]) {
        let at = begin + SignedDuration::from_secs(at);
        let parsed = parse(page(scrape).as_bytes(), Format::Prometheus, at, Limits::default()).unwrap();
        window.observe(&name, &parsed.exposition).unwrap();
    }
    let reading = window.read(begin + SignedDuration::from_secs(2), "web");

    // How far Prometheus extrapolates is the same for all series, and so without effect here.
    let same = async |ours: &Requests, selector: &str, what: &str| {
        for (q, ours) in [(0.5, ours.p50_ms), (0.95, ours.p95_ms), (0.99, ours.p99_ms)] {
            let increase = format!("increase(http_request_duration_seconds_bucket{selector}[5m])");
            let query = format!("1000 * histogram_quantile({q}, sum by (le) ({increase}))");
            assert_close(ours, prometheus.number(&query).await, &format!("{what} {q}"));
        }
    };
    same(&reading.total, "", "all").await;
    assert_eq!(reading.routes.len(), ROUTES.len());
    for route in &reading.routes {
        same(&route.requests, &format!("{{route=\"{}\"}}", route.route), &route.route).await;
    }
    let failed = "sum(increase(http_request_duration_seconds_count{status=~\"5..\"}[5m]))";
    let query = format!("100 * {failed} / sum(increase(http_request_duration_seconds_count[5m]))");
    assert_close(reading.total.error_rate, prometheus.number(&query).await, "error rate");

    // And its own metrics, which are many and of every type, are read without a loss.
    let url = format!("http://{}/metrics", prometheus.address);
    let scraper = Scraper::new(&collector::config::Target::of(&url), Limits::default(), 16 << 20).unwrap();
    let parsed = scraper.scrape(begin).await.unwrap();
    assert_eq!(parsed.left_out.total(), 0);
    assert!(parsed.exposition.series.len() > 150, "{}", parsed.exposition.series.len());
}

/// Taken here, but not by Prometheus, which keeps the blank as part of the name though the format
/// says that it is ignored.
const DIFFERENT: [&str; 1] = ["wellformed/leading_blank.prom"];

#[tokio::test]
async fn prometheus_takes_what_we_take_and_fails_where_we_fail() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/exposition");
    let texts = |folder: &Path| {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| !path.to_str().unwrap().ends_with(".expected")).collect::<Vec<_>>()
    };
    let fixtures = ["wellformed", "malformed"].map(|name| texts(&folder.join(name))).concat();
    let name = |path: &Path| path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
    let jobs: Vec<_> = fixtures.iter().map(|path| (name(path), format!("/{}", name(path)))).collect();
    let served = folder.clone();
    let target = server(move |path| {
        let content_type = if path.ends_with(".om") { OPEN_METRICS } else { PROMETHEUS };
        (content_type, fs::read(served.join(&path[1..])).unwrap())
    });
    let prometheus = Prometheus::start(&target.await, &jobs);
    let all = until("a scrape of each fixture", async || {
        prometheus.query("up").await.filter(|results| results.len() == jobs.len())
    })
    .await;
    let mut wrong = Vec::new();
    for result in all {
        let job = result["metric"]["job"].as_str().unwrap().to_owned();
        let format = if job.ends_with(".om") { Format::OpenMetrics } else { Format::Prometheus };
        let text = fs::read(folder.join(&job)).unwrap();
        let ours = parse(&text, format, Timestamp::UNIX_EPOCH, Limits::default());
        let theirs = number(&result).unwrap() > 0.5;
        if (ours.is_ok() == theirs) == DIFFERENT.contains(&job.as_str()) {
            wrong.push(format!("{job}: Prometheus takes it: {theirs}, we: {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
