//! `/metrics` as Prometheus' own tools take it.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::helpers::{Dashboard, Place, ask, next_text, until};

/// Ended with the test.
struct Prometheus(Child);

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn own_requests_have_names_of_their_own_and_a_websocket_is_no_long_request() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    let mut socket = dashboard.connect("").await;
    next_text(&mut socket).await;
    let text = until("the requests are counted, and two connections", async || {
        assert_eq!(dashboard.get("/healthz", &[]).await.status, 200);
        let text = dashboard.get("/metrics", &[]).await.body;
        let counted = "recipe_monitoring_http_requests_total{method=\"GET\",route=\"/metrics\",status=\"200\"}";
        // That the client has left is noticed after its next request may have come.
        (text.contains(counted) && text.contains("\nrecipe_monitoring_http_active_connections 2\n")).then_some(text)
    })
    .await;
    for line in [
        "recipe_monitoring_http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} ",
        "recipe_monitoring_http_requests_total{method=\"GET\",route=\"/api/v1/live\",status=\"101\"} 1\n",
        // The socket is open and its request has long ended; what is in flight is this very one.
        "recipe_monitoring_http_request_duration_seconds_count{method=\"GET\",route=\"/api/v1/live\",status=\"101\"} 1\n",
        "\nrecipe_monitoring_http_requests_in_flight 1\n",
        "\nrecipe_monitoring_live_clients 1\n",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    // Those are the watched application's.
    assert!(!text.contains("\nhttp_request"), "{text}");
    socket.close(None).await.unwrap();
    until("the socket is closed", async || {
        dashboard
            .get("/metrics", &[])
            .await
            .body
            .contains("\nrecipe_monitoring_http_active_connections 1\n")
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_finds_nothing_wrong_and_prometheus_scrapes_it_without_a_warning() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    let text = until("a reading and a request", async || {
        let text = dashboard.get("/metrics", &[]).await.body;
        (text.contains("\ncpu_usage{") && text.contains("_http_request_duration_seconds_bucket{")).then_some(text)
    })
    .await;
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // It is a part of Debian's package prometheus.
    let mut promtool = promtool.spawn().unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");

    // With the packaged files, but for the address and how often.
    let packaged = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/prometheus");
    let rules = "recipe-monitoring.rules.yml";
    fs::copy(packaged.join(rules), place.path().join(rules)).unwrap();
    let text = fs::read_to_string(packaged.join("prometheus.yml")).unwrap();
    let changed =
        text.replace("127.0.0.1:5001", &dashboard.host).replace("scrape_interval: 10s", "scrape_interval: 1s");
    let config = place.path().join("prometheus.yml");
    fs::write(&config, format!("global: {{evaluation_interval: 1s}}\n{changed}")).unwrap();
    let mut promtool = Command::new("promtool");
    let output = promtool.args(["check", "config"]).arg(&config).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let log = place.path().join("prometheus.log");
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", config.display())).arg(format!("--web.listen-address={address}"));
    command.arg(format!("--storage.tsdb.path={}", place.path().join("tsdb").display()));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
    let _prometheus = Prometheus(command.spawn().unwrap());
    until("it listens", async || tokio::net::TcpStream::connect(&address).await.ok()).await;
    let query = "GET /api/v1/query?query=recipe_monitoring_http_requests_total";
    until("two scrapes are in Prometheus", async || {
        let answer = ask(&address, query, &[], "").await;
        // The first scrape is itself counted, so that the second one has it.
        (answer.status == 200 && answer.body.contains("\"route\":\"/metrics\"")).then_some(())
    })
    .await;
    let targets = ask(&address, "GET /api/v1/targets", &[], "").await.json();
    let target = &targets["data"]["activeTargets"][0];
    assert_eq!((target["health"].as_str(), target["lastError"].as_str()), (Some("up"), Some("")), "{target}");
    assert_same_rules(&address, &dashboard).await;
    let log = fs::read_to_string(log).unwrap();
    let warnings: Vec<_> =
        log.lines().filter(|line| line.contains("level=warn") || line.contains("level=error")).collect();
    assert_eq!(warnings, Vec::<&str>::new());
}

/// The default rules are the packaged ones, and Prometheus evaluates them without an error.
async fn assert_same_rules(prometheus: &str, dashboard: &Dashboard) {
    let theirs = until("every rule has been evaluated", async || {
        let groups = ask(prometheus, "GET /api/v1/rules", &[], "").await.json();
        let rules = groups["data"]["groups"][0]["rules"].as_array()?.clone();
        rules.iter().all(|rule| rule["health"] != "unknown").then_some(rules)
    })
    .await;
    let failed: Vec<_> = theirs.iter().filter(|rule| rule["health"] != "ok").collect();
    assert!(failed.is_empty(), "{failed:?}");
    let theirs: Vec<_> = theirs
        .iter()
        .map(|rule| {
            json!([
                rule["name"],
                rule["query"],
                rule["duration"].as_f64(),
                rule["labels"]["severity"],
                rule["labels"]["category"]
            ])
        })
        .collect();
    let ours = dashboard.get("/api/v1/alerting", &[]).await.json();
    let ours: Vec<_> = ours["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| {
            json!([rule["name"], rule["expr"], rule["for_seconds"].as_f64(), rule["severity"], rule["category"]])
        })
        .collect();
    let (down, theirs) = theirs.split_first().unwrap();
    assert_eq!(down[0], "RecipeMonitoringDown");
    assert_eq!(theirs, ours);
}
