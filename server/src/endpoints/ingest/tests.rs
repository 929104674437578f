use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use collector::{Exposition, Settings};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, HOST};
use prometheus_client::registry::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::*;

const MIB: usize = 1 << 20;
const METRICS: &str = "/v1/metrics";
const EVENTS: &str = "/api/v1/events";

/// Keeps events in memory, and says of those named `known` that they were there.
#[derive(Default)]
struct InMemory {
    events: Mutex<Vec<Event>>,
    failing: AtomicBool,
}

impl EventSink for InMemory {
    fn keep(&self, events: Vec<Event>) -> Pin<Box<dyn Future<Output = Result<Taken, NotKept>> + Send + '_>> {
        Box::pin(async move {
            if self.failing.load(Ordering::Relaxed) {
                return Err(NotKept("the disk is full; make room and send the events again".to_owned()));
            }
            let repeated = events.iter().filter(|event| event.event == "known").count() as u64;
            let kept = Taken { accepted: events.len() as u64 - repeated, repeated };
            self.events.lock().unwrap().extend(events);
            Ok(kept)
        })
    }
}

struct Rig {
    router: Router,
    sink: Arc<InMemory>,
    exposed: Arc<Mutex<Option<Exposition>>>,
}

impl Rig {
    fn new() -> Self {
        Self::with(&Settings::default())
    }

    fn with(settings: &Settings) -> Self {
        let exposed = Arc::<Mutex<Option<Exposition>>>::default();
        let hand = {
            let exposed = exposed.clone();
            move |_: &_, exposition| *exposed.lock().unwrap() = Some(exposition)
        };
        let receiver = Receiver::new(settings.application.series_limit, &mut Registry::default(), hand);
        let sink = Arc::new(InMemory::default());
        let taker = Taker::Here { receiver: Arc::new(receiver), sink: sink.clone() };
        let ingest = Ingest::new(settings, taker, SignedDuration::from_hours(720));
        let router = Router::new().route(METRICS, post(metrics)).route(EVENTS, post(events)).with_state(ingest);
        Self { router, sink, exposed }
    }

    async fn post(&self, path: &str, headers: &[(http::HeaderName, &str)], body: impl Into<Bytes>) -> Answer {
        let mut request = Request::post(path).header(HOST, "127.0.0.1:5001");
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(axum::body::Body::from(body.into())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, MIB).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn now() -> i128 {
    Timestamp::now().as_nanosecond()
}

/// One counter for each path.
fn counters(paths: usize) -> String {
    let (start, now) = (now() - 10_000_000_000, now());
    let point = |path| {
        format!(
            r#"{{"startTimeUnixNano":"{start}","timeUnixNano":"{now}","asInt":"1","attributes":[{{"key":"path","value":{{"stringValue":"/{path}"}}}}]}}"#
        )
    };
    let points: Vec<_> = (0..paths).map(point).collect();
    format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"hits","sum":{{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{}]}}}}]}}]}}]}}"#,
        points.join(",")
    )
}

/// A varint of protobuf.
fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 127 {
        bytes.push(u8::try_from(number & 127).unwrap() | 128);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

/// `length` bytes of a request that nests once and is then nothing but empty messages.
fn empty_messages(length: usize, around: &[u8]) -> Vec<u8> {
    let mut body = [0x0a, 0x00].repeat(length / 2);
    for field in around {
        let mut outer = vec![*field];
        outer.extend(varint(body.len()));
        outer.extend(body);
        body = outer;
    }
    body
}

#[tokio::test]
async fn metrics_are_taken_in_both_formats_and_answered_in_the_same() {
    let rig = Rig::new();
    let json = counters(2);
    for (encoding, body) in [("identity", json.clone().into_bytes()), ("gzip", gzip(json.as_bytes()))] {
        let headers = [(CONTENT_TYPE, "application/json; charset=utf-8"), (CONTENT_ENCODING, encoding)];
        let answer = rig.post(METRICS, &headers, body).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, "{}".to_owned()));
        assert_eq!(answer.headers[CONTENT_TYPE], JSON);
    }
    assert_eq!(rig.exposed.lock().unwrap().as_ref().unwrap().series.len(), 2);
    let answer = rig.post(METRICS, &[(CONTENT_TYPE, PROTOBUF)], Vec::new()).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert_eq!(answer.headers[CONTENT_TYPE], PROTOBUF);
}

#[tokio::test]
async fn what_is_left_out_is_said_in_the_answer() {
    let rig = Rig::new();
    let answer = rig.post(METRICS, &[(CONTENT_TYPE, JSON)], counters(10_001)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let partial = &answer.json()["partialSuccess"];
    let left_out: usize = partial["rejectedDataPoints"].as_str().unwrap().parse().unwrap();
    assert!(left_out >= 1, "{partial}");
    let series = rig.exposed.lock().unwrap().as_ref().unwrap().series.len();
    assert_eq!(series + left_out, 10_001);
}

#[tokio::test]
async fn a_refusal_of_metrics_is_a_status_in_the_format_of_the_request() {
    let rig = Rig::new();
    let answer = rig.post(METRICS, &[(CONTENT_TYPE, PROTOBUF)], vec![0x0a, 0x7f]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.headers[CONTENT_TYPE], PROTOBUF);
    assert_eq!(answer.body[..3], [8, 3, 18]);
    assert!(answer.text().contains("cut short"), "{}", answer.text());

    let answer = rig.post(METRICS, &[(CONTENT_TYPE, JSON)], "{").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.headers[CONTENT_TYPE], JSON);
    let json = answer.json();
    assert_eq!((&json["code"], &json["error"]["code"]), (&3.into(), &"invalid".into()));
    assert_eq!(json["message"], json["error"]["message"]);
}

#[tokio::test]
async fn other_types_and_encodings_are_refused() {
    let rig = Rig::new();
    for (path, headers, status, field) in [
        (METRICS, vec![], StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type"),
        (METRICS, vec![(CONTENT_TYPE, "text/plain")], StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type"),
        (EVENTS, vec![(CONTENT_TYPE, PROTOBUF)], StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type"),
        (
            EVENTS,
            vec![(CONTENT_TYPE, JSON), (CONTENT_ENCODING, "br")],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content-encoding",
        ),
        (
            EVENTS,
            vec![(CONTENT_TYPE, JSON), (CONTENT_ENCODING, "gzip, gzip")],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content-encoding",
        ),
        (EVENTS, vec![(CONTENT_TYPE, JSON), (CONTENT_ENCODING, "gzip")], StatusCode::BAD_REQUEST, "body"),
    ] {
        let answer = rig.post(path, &headers, r#"{"event":"a"}"#).await;
        assert_eq!(answer.status, status, "{path} {headers:?}");
        assert_eq!(answer.json()["error"]["field"], field, "{path} {headers:?}");
    }
    let mut cut = gzip(br#"{"event":"a"}"#);
    cut.truncate(cut.len() - 9);
    let answer = rig.post(EVENTS, &[(CONTENT_TYPE, JSON), (CONTENT_ENCODING, "gzip")], cut).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn events_are_accepted_once_they_are_kept() {
    let rig = Rig::new();
    let json = [(CONTENT_TYPE, JSON)];
    let answer = rig.post(EVENTS, &json, r#"[{"event":"a","id":"1"},{"event":"known","count":3}]"#).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::ACCEPTED, json!({ "accepted": 1, "repeated": 1 })));
    assert_eq!(rig.sink.events.lock().unwrap().len(), 2);

    let answer = rig.post(EVENTS, &json, r#"[{"event":"a"},{"event":"a","count":0}]"#).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json()["error"]["field"], "[1].count");
    assert_eq!(rig.sink.events.lock().unwrap().len(), 2);

    rig.sink.failing.store(true, Ordering::Relaxed);
    let answer = rig.post(EVENTS, &json, r#"{"event":"a"}"#).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers[RETRY_AFTER], "5");
}

#[tokio::test]
async fn too_many_requests_are_told_to_wait() {
    let mut settings = Settings::default();
    settings.ingest.requests_per_second = 1;
    settings.ingest.burst = 2;
    let rig = Rig::with(&settings);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let answer = rig.post(METRICS, &[(CONTENT_TYPE, PROTOBUF)], Vec::new()).await;
        statuses.push((answer.status.as_u16(), answer.headers.get(RETRY_AFTER).is_some()));
    }
    assert_eq!(statuses, [(200, false), (200, false), (429, true)]);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_however_it_comes() {
    let mut settings = Settings::default();
    settings.application.body_limit_mib = 1;
    let rig = Rig::with(&settings);
    let spaces = |length: usize| [b" ".repeat(length - 2), b"{}".to_vec()].concat();
    for (length, status) in [(MIB, StatusCode::OK), (MIB + 1, StatusCode::PAYLOAD_TOO_LARGE)] {
        let body = spaces(length);
        let json = (CONTENT_TYPE, JSON);
        let answer = rig.post(METRICS, &[json.clone(), (CONTENT_ENCODING, "gzip")], gzip(&body)).await;
        assert_eq!(answer.status, status, "gzip {length}");
        let answer =
            rig.post(METRICS, &[json.clone(), (http::header::CONTENT_LENGTH, &length.to_string())], body).await;
        assert_eq!(answer.status, status, "identity {length}");
    }
    let answer = rig.post(EVENTS, &[(CONTENT_TYPE, JSON), (CONTENT_ENCODING, "gzip")], gzip(&spaces(MIB + 1))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.json()["error"]["code"], "too_large");
}

#[tokio::test]
async fn bodies_together_have_no_more_memory_than_one() {
    let memory = Memory::new(4 * MIB);
    let request = |length: usize| Request::post("/").body(axum::body::Body::from(vec![0; length])).unwrap();
    let three = memory.read(request(3 * MIB)).await.unwrap();
    assert_eq!(memory.read(request(2 * MIB + 1)).await.err(), Some(BodyError::Busy));
    let small = memory.read(request(1_000)).await.unwrap();
    assert_eq!((three.bytes().len(), small.bytes().len()), (3 * MIB, 1_000));
    drop(three);
    assert_eq!(memory.read(request(2 * MIB)).await.unwrap().bytes().len(), 2 * MIB);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let nothing = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
    let request = Request::post("/").body(axum::body::Body::from_stream(nothing)).unwrap();
    let mut memory = Memory::new(MIB);
    memory.timeout = Duration::ZERO;
    assert_eq!(memory.read(request).await.err(), Some(BodyError::Slow));
}

/// The server of the test below, in a process of its own: what is measured there is its memory alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "bombs_cost_at_most_40_megabytes starts it"]
async fn serves_until_its_input_ends() {
    let mut settings = Settings::default();
    (settings.ingest.requests_per_second, settings.ingest.burst) = (10_000, 10_000);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("\nlistening on {}", listener.local_addr().unwrap());
    let router = Rig::with(&settings).router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, router).with_graceful_shutdown(async {
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
        ended.await.unwrap().unwrap();
    });
    tokio::time::timeout(Duration::from_secs(600), serving.into_future()).await.unwrap().unwrap();
}

struct Server {
    process: std::process::Child,
    address: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let test = "endpoints::ingest::tests::serves_until_its_input_ends";
        let mut process = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", test])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| line.unwrap().strip_prefix("listening on ")?.parse().ok());
        // What is printed later must have a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address: address.unwrap() }
    }

    /// The most memory it ever had.
    fn most_bytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let most =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        1_024 * most.unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a request as it is and reads the status of its answer; 0 where there is none.
async fn send(address: SocketAddr, head: String, body: Vec<u8>) -> u16 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // An error is an answer that came before the end of the body.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let status = answer.get(9..12).and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    status.unwrap_or(0)
}

fn head(path: &str, content_type: &str, more: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_cost_at_most_40_megabytes() {
    let server = Server::start();
    let address = server.address;
    let gz = "Content-Encoding: gzip\r\n";
    let limit = Settings::default().application.body_limit_bytes();
    let list = |element: &str, number: usize| format!("[{}]", vec![element; number].join(","));
    let json_points = |points: String| {
        format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"a","gauge":{{"dataPoints":{points}}}}}]}}]}}]}}"#
        )
    };
    // What they take compressed is all that there is of them here.
    let bombs: Vec<(&str, String, Vec<u8>)> = [
        (METRICS, PROTOBUF, gzip(&vec![0; 8 * limit])),
        (METRICS, PROTOBUF, gzip(&empty_messages(limit - 64, &[]))),
        (METRICS, PROTOBUF, gzip(&empty_messages(limit - 64, &[0x12, 0x12, 0x0a]))),
        (METRICS, PROTOBUF, gzip(&empty_messages(limit - 64, &[0x2a, 0x12, 0x12, 0x0a]))),
        (METRICS, PROTOBUF, gzip(&empty_messages(limit - 64, &[0x3a, 0x0a, 0x2a, 0x12, 0x12, 0x0a]))),
        (METRICS, PROTOBUF, gzip(&empty_messages(limit - 64, &[0x0a, 0x0a]))),
        (METRICS, JSON, gzip(&b"[".repeat(limit))),
        (METRICS, JSON, gzip(json_points(list("{}", 5_000_000)).as_bytes())),
        (METRICS, JSON, gzip(json_points(format!(r#"[{{"attributes":{}}}]"#, list("{}", 5_000_000))).as_bytes())),
        (METRICS, JSON, gzip(counters(100_000).as_bytes())),
        (EVENTS, JSON, gzip(list(r#"{"event":"a"}"#, 1_000_000).as_bytes())),
        (EVENTS, JSON, gzip(format!(r#"{{"event":{}}}"#, list("1", 8_000_000)).as_bytes())),
    ]
    .into_iter()
    .map(|(path, content_type, body)| (path, head(path, content_type, gz, body.len()), body))
    .collect();
    let lies = [
        (head(METRICS, PROTOBUF, "", 1 << 40), vec![0x0a; 10]),
        (head(METRICS, PROTOBUF, "", 5), [vec![0x0a], varint(256 << 20)].concat()),
    ];

    // The first makes threads and buffers that stay.
    assert_eq!(send(address, head(METRICS, PROTOBUF, "", 0), Vec::new()).await, 200);
    let before = server.most_bytes();
    assert_ne!(before, 0);
    // Connections that say much, send a byte and then nothing, beside all others.
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all((head(METRICS, PROTOBUF, "", limit) + "\n").as_bytes()).await.unwrap();
        slow.push(stream);
    }
    for (head, body) in lies {
        let status = send(address, head.clone(), body).await;
        assert!((400..500).contains(&status), "{status} {head}");
    }
    for (path, head, body) in &bombs {
        let status = send(address, head.clone(), body.clone()).await;
        assert!([200, 400, 413].contains(&status), "{path} {status}");
    }
    let together = bombs.iter().map(|(_, head, body)| tokio::spawn(send(address, head.clone(), body.clone())));
    for bomb in together.collect::<Vec<_>>() {
        let status = bomb.await.unwrap();
        assert!([200, 400, 413, 503].contains(&status), "{status}");
    }
    let grown = server.most_bytes() - before;
    assert!(grown <= 40_000_000, "{grown} bytes");
    // And others do not notice.
    assert_eq!(send(address, head(EVENTS, JSON, "", 13), br#"{"event":"a"}"#.to_vec()).await, 202);
    drop(slow);
}
