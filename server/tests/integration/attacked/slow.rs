//! Clients that take their time, on purpose: nobody else may notice, and they themselves get nothing by it.

use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::helpers::{Dashboard, PROGRAM, Place, Running, next_event, soon, until};

/// Longer than any answer takes on a machine that does all of this at once.
const NOTICED: Duration = Duration::from_secs(10);
/// Bytes that all of it together may take.
const MOST_MEMORY: u64 = 192 << 20;
const LIMIT: &str = "server.client_limit=2s";

/// What the program has in memory.
fn memory(dashboard: &Dashboard) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", dashboard.running.id())).unwrap();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    kib.unwrap().parse::<u64>().unwrap() << 10
}

/// How many connections the program has open.
async fn connections(dashboard: &Dashboard) -> u64 {
    let metrics = dashboard.get("/metrics", &[]).await.body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("recipe_monitoring_http_active_connections "));
    line.unwrap().parse().unwrap()
}

/// Somebody who wants nothing but an answer, again and again, while `others` are at it.
async fn undisturbed(dashboard: &Dashboard, mut others: JoinSet<()>) -> u32 {
    let mut answers = 0;
    loop {
        for path in ["/healthz", "/api/v1/current", "/"] {
            let began = Instant::now();
            assert_eq!(dashboard.get(path, &[]).await.status, 200);
            assert!(began.elapsed() < NOTICED, "{path} took {:?}", began.elapsed());
            answers += 1;
        }
        while let Some(ended) = others.try_join_next() {
            ended.unwrap();
        }
        if others.is_empty() {
            return answers;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Writes byte by byte until the other side has had enough.
async fn drip(host: &str, at_once: &str, then: u8) {
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(at_once.as_bytes()).await.unwrap();
    let (mut from, mut to) = stream.split();
    let dripping = async {
        while to.write_all(&[then]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let reading = async { while from.read(&mut [0; 1_024]).await.is_ok_and(|length| length > 0) {} };
    let closed = async {
        tokio::select! {
            () = dripping => {}
            () = reading => {}
        }
    };
    soon("an end of a slow request", closed).await;
}

/// As many file descriptors as the system allows, and how many that are.
fn file_descriptors() -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    getrlimit(Resource::Nofile).current.map_or(usize::MAX, |most| usize::try_from(most).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_slow_bodies_and_thousands_that_say_nothing_are_cut_off_and_disturb_nobody() {
    let many = 3_000.min(file_descriptors() / 3);
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &["--set", LIMIT]).await;
    let before = memory(&dashboard);
    let mut others = JoinSet::new();
    for index in 0..300 {
        let host = dashboard.host.clone();
        let head = match index % 3 {
            0 => "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ",
            1 => "GE",
            _ => "",
        };
        others.spawn(async move { drip(&host, head, b'a').await });
    }
    for index in 0..100 {
        let host = dashboard.host.clone();
        let (path, kind) = [
            ("/api/v1/silences", "application/json"),
            ("/api/v1/events", "application/json"),
            ("/v1/metrics", "application/x-protobuf"),
            ("/login", "application/x-www-form-urlencoded"),
            ("/api/snapshot", "application/json"),
        ][index % 5];
        others.spawn(async move {
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: 100000\r\n\r\n"
            );
            drip(&host, &head, b' ').await;
        });
    }
    for _ in 0..many {
        let host = dashboard.host.clone();
        others.spawn(async move {
            let mut stream = TcpStream::connect(&host).await.unwrap();
            // Without a byte that is sent again, the other side may never get to know of one of so many.
            stream.write_all(b"G").await.unwrap();
            // Until it is closed, or reset.
            let _ = soon("an end of silence", stream.read(&mut [0; 16])).await;
        });
    }
    assert!(undisturbed(&dashboard, others).await >= 3);
    until("they are all gone", async || (connections(&dashboard).await < 10).then_some(())).await;
    let grown = memory(&dashboard).saturating_sub(before);
    assert!(grown < MOST_MEMORY, "{many} connections and more took {grown} bytes");
    assert!(!dashboard.running.log().contains("panicked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_reads_is_not_kept_for_ever() {
    let place = Place::new();
    const LENGTH: u64 = 48 << 20;
    let file = std::fs::File::create(place.path().join("site/pkg/large.bin")).unwrap();
    file.set_len(LENGTH).unwrap();
    let dashboard = Dashboard::start(&place, &["--set", LIMIT]).await;
    let mut stream = TcpStream::connect(&dashboard.host).await.unwrap();
    let request = format!("GET /pkg/large.bin HTTP/1.1\r\nHost: {}\r\n\r\n", dashboard.host);
    stream.write_all(request.as_bytes()).await.unwrap();
    until("it is served", async || (connections(&dashboard).await > 1).then_some(())).await;
    until("it is given up", async || (connections(&dashboard).await == 1).then_some(())).await;
    let mut got = 0;
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        got += length as u64;
    }
    assert!(got < LENGTH, "it had been sent before");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_room_for_few_those_who_say_nothing_make_room() {
    let place = Place::new();
    let inner = place.program(&["--set", LIMIT]);
    // 344 connections, beside what is reserved.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 600; exec \"$0\" \"$@\"", PROGRAM]).args(inner.get_args()).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(place.path());
    let running = Running::start(command, place.path().join("dashboard.log"), "serving").await;
    let url = running.logged("serving").unwrap()["url"].as_str().unwrap().to_owned();
    let host = url.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
    let dashboard = Dashboard { running, host };
    until("PostgreSQL", async || (dashboard.get("/readyz", &[]).await.status == 200).then_some(())).await;
    let mut silent = Vec::new();
    for _ in 0..900 {
        // Past those that are taken, the system keeps some waiting.
        let connecting = TcpStream::connect(dashboard.host.clone());
        silent.extend(tokio::time::timeout(Duration::from_secs(1), connecting).await.ok().and_then(Result::ok));
    }
    assert!(silent.len() > 344, "{}", silent.len());
    assert_eq!(dashboard.get("/", &[]).await.status, 200);
    assert_eq!(dashboard.get("/readyz", &[]).await.status, 200, "the stores have what they need");
    let log = dashboard.running.log();
    assert!(!log.contains("Too many open files") && !log.contains("os error 24"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_by_the_hundred_thousand_and_messages_byte_by_byte_disturb_nobody() {
    const PINGS: usize = 100_000;
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    let before = memory(&dashboard);
    let mut watching = dashboard.connect("").await;
    let first = next_event(&mut watching).await.seq;
    let mut others = JoinSet::new();
    for reads in [true, false] {
        let mut socket = dashboard.connect("").await;
        others.spawn(async move {
            let mut pongs = 0;
            for number in 0..PINGS / 2 {
                if socket.feed(Message::Ping(number.to_le_bytes().to_vec().into())).await.is_err() {
                    break;
                }
                // Whoever reads no pongs is not read any further in the end either.
                if number % 1_000 == 0 {
                    let sent = tokio::time::timeout(Duration::from_secs(2), socket.flush()).await;
                    if sent.is_err() {
                        break;
                    }
                }
                if !reads || number % 100 != 0 {
                    continue;
                }
                while let Ok(next) = tokio::time::timeout(Duration::from_millis(1), socket.next()).await {
                    let Some(Ok(message)) = next else { return };
                    pongs += u32::from(message.is_pong());
                }
            }
            assert!(!reads || pongs > 0);
        });
    }
    for _ in 0..20 {
        let mut socket = dashboard.connect("").await;
        others.spawn(async move {
            // A text that never ends, in parts of one byte: until it is longer than anything a client may say.
            let mut kind = OpCode::Data(Data::Text);
            for _ in 0..8_192 {
                let part = Frame::message(vec![b'a'], kind, false);
                kind = OpCode::Data(Data::Continue);
                if socket.send(Message::Frame(part)).await.is_err() {
                    return;
                }
            }
            let end = async { while matches!(socket.next().await, Some(Ok(message)) if !message.is_close()) {} };
            soon("an end of a message without one", end).await;
        });
    }
    let answers = undisturbed(&dashboard, others);
    let events = async {
        let mut seq = first;
        while seq < first + 3 {
            let event = next_event(&mut watching).await;
            assert_eq!(event.seq, seq + 1, "whoever watches misses nothing");
            seq = event.seq;
        }
    };
    let (answers, ()) = tokio::join!(answers, events);
    assert!(answers >= 3);
    let grown = memory(&dashboard).saturating_sub(before);
    assert!(grown < MOST_MEMORY, "it took {grown} bytes");
    assert!(!dashboard.running.log().contains("panicked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_who_go_away_while_their_page_is_drawn_leave_nothing_behind() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &[]).await;
    for number in 0..600 {
        let path = ["/", "/system", "/application", "/business", "/alerts", "/database", "/no/such"][number % 7];
        let mut stream = TcpStream::connect(&dashboard.host).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", dashboard.host);
        stream.write_all(request.as_bytes()).await.unwrap();
        // At another moment each time.
        tokio::time::sleep(Duration::from_micros(u64::try_from(number % 40).unwrap() * 500)).await;
    }
    assert_eq!(dashboard.get("/", &[]).await.status, 200);
    until("all are gone", async || (connections(&dashboard).await == 1).then_some(())).await;
    let log = dashboard.running.log();
    assert!(!log.contains("panicked"), "{log}");
}
