//! `/metrics` as Prometheus' own tools take it.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

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
    let text = until("the requests are counted", async || {
        assert_eq!(dashboard.get("/healthz", &[]).await.status, 200);
        let text = dashboard.get("/metrics", &[]).await.body;
        text.contains("recipe_monitoring_http_requests_total{method=\"GET\",route=\"/metrics\",status=\"200\"}")
            .then_some(text)
    })
    .await;
    for line in [
        "recipe_monitoring_http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} ",
        "recipe_monitoring_http_requests_total{method=\"GET\",route=\"/api/v1/live\",status=\"101\"} 1\n",
        // The socket is open and its request has long ended; what is in flight is this very one.
        "recipe_monitoring_http_request_duration_seconds_count{method=\"GET\",route=\"/api/v1/live\",status=\"101\"} 1\n",
        "\nrecipe_monitoring_http_requests_in_flight 1\n",
        "\nrecipe_monitoring_http_active_connections 2\n",
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

    let target = &dashboard.host;
    let config = place.path().join("prometheus.yml");
    let scrape = format!("{{job_name: dashboard, scrape_interval: 1s, static_configs: [{{targets: ['{target}']}}]}}");
    fs::write(&config, format!("scrape_configs: [{scrape}]\n")).unwrap();
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
    let log = fs::read_to_string(log).unwrap();
    let warnings: Vec<_> =
        log.lines().filter(|line| line.contains("level=warn") || line.contains("level=error")).collect();
    assert_eq!(warnings, Vec::<&str>::new());
}
