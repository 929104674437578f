//! Settings that are read again, and the end, as those see them who are connected.

use std::fs;
use std::net::TcpListener;

use collector::Payload;
use futures_util::StreamExt;
use rustix::process::{Pid, Signal, kill_process};
use tokio_tungstenite::tungstenite::Message;

use crate::helpers::{Dashboard, Place, Socket, next_event, soon, until};
use crate::separate::{SEPARATE, collector};

fn write(place: &Place, address: &str, more: &str) {
    let text = format!("[server]\naddress = \"{address}\"\n{more}");
    fs::write(place.path().join("recipe-monitoring.toml"), text).unwrap();
}

/// A dashboard whose address is in its settings file; nothing else listens at port `port` of it.
async fn start(place: &Place, address: &str, more: &str) -> Dashboard {
    write(place, address, more);
    let mut command = place.program(&[]);
    command.env_remove("LEPTOS_SITE_ADDR");
    Dashboard::start_as(command, place.path().join("dashboard.log")).await
}

/// An address of this machine that nobody listens on.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Asks for the settings to be read; waits until the log says so once more.
async fn reload(dashboard: &Dashboard, message: &str) {
    let count = || dashboard.running.log().matches(message).count();
    let before = count();
    kill_process(dashboard.running.pid(), Signal::HUP).unwrap();
    until(message, async || (count() > before).then_some(())).await;
}

const USED: &str = "the new settings are in use";
const REFUSED: &str = "the settings stay as they were";

/// How it is closed.
async fn bye(socket: &mut Socket) -> u16 {
    let bye = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => return u16::from(frame.unwrap().code),
                Some(Ok(_)) => {}
                other => panic!("closed without a word: {other:?}"),
            }
        }
    };
    soon("a close frame", bye).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_and_an_interval_change_under_those_who_are_connected() {
    let (place, first, second) = (Place::new(), free(), free());
    let mut dashboard = start(&place, &first, "[live]\npush = \"5s\"\n").await;
    let mut socket = dashboard.connect("").await;
    next_event(&mut socket).await;

    // At the same address nobody is turned away meanwhile, however often somebody comes.
    write(&place, &first, "[live]\npush = \"1s\"\n");
    let asking = async {
        let mut answers = 0;
        while !dashboard.running.log().contains(USED) {
            assert_eq!(dashboard.get("/healthz", &[]).await.status, 200);
            answers += 1;
        }
        answers
    };
    let (answers, (), code) = tokio::join!(asking, reload(&dashboard, USED), bye(&mut socket));
    assert!(answers > 0);
    assert_eq!(code, 1012);
    let mut socket = dashboard.connect("").await;
    next_event(&mut socket).await;
    assert_eq!(dashboard.get("/api/v1/current", &[]).await.status, 200);
    let metrics = dashboard.get("/metrics", &[]).await.body;
    assert!(metrics.contains("\nrecipe_monitoring_config_last_reload_successful 1\n"), "{metrics}");

    // A port that is taken is refused before anything has changed: the websocket stays.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    write(&place, &taken.local_addr().unwrap().to_string(), "[live]\npush = \"1s\"\n");
    reload(&dashboard, REFUSED).await;
    next_event(&mut socket).await;
    let metrics = dashboard.get("/metrics", &[]).await.body;
    assert!(metrics.contains("\nrecipe_monitoring_config_last_reload_successful 0\n"), "{metrics}");

    write(&place, &second, "[live]\npush = \"1s\"\n");
    tokio::join!(reload(&dashboard, USED), bye(&mut socket));
    dashboard.host = second;
    assert_eq!(dashboard.get("/healthz", &[]).await.status, 200);
    assert!(TcpListener::bind(&first).is_ok(), "the first is let go");
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_does_not_start_by_new_settings_is_followed_by_one_by_the_old() {
    let (place, address) = (Place::new(), free());
    let port = address.rsplit(':').next().unwrap().to_owned();
    let mut dashboard = start(&place, &address, "[live]\npush = \"1s\"\n").await;
    // Only once our own socket at this port is closed it is seen that another is in the way.
    let taken = TcpListener::bind(format!("127.0.0.2:{port}")).unwrap();
    write(&place, &format!("127.0.0.2:{port}"), "[live]\npush = \"2s\"\n");
    reload(&dashboard, REFUSED).await;
    until("it serves where it did", async || {
        let metrics = dashboard.try_get("/metrics").await?.body;
        metrics.contains("\nrecipe_monitoring_config_last_reload_successful 0\n").then_some(())
    })
    .await;
    drop(taken);
    // From one address of this machine to another one at the same port, which is free now.
    reload(&dashboard, USED).await;
    dashboard.host = format!("127.0.0.2:{port}");
    until("it serves there", async || dashboard.try_get("/healthz").await).await;
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn once_it_is_told_to_stop_it_is_not_ready_serves_on_for_a_while_and_takes_leave() {
    let (place, address) = (Place::new(), free());
    let mut dashboard = start(&place, &address, "stop_delay = \"3s\"\n[live]\npush = \"1s\"\n").await;
    let mut socket = dashboard.connect("").await;
    next_event(&mut socket).await;
    let ready = dashboard.get("/readyz", &[]).await;
    assert_eq!((ready.status, ready.json()["stopping"].as_bool()), (200, Some(false)));
    kill_process(dashboard.running.pid(), Signal::TERM).unwrap();
    let leaving = until("it is not ready", async || {
        Some(dashboard.get("/readyz", &[]).await).filter(|answer| answer.status == 503)
    })
    .await;
    let leaving = leaving.json();
    assert_eq!((leaving["ready"].as_bool(), leaving["stopping"].as_bool()), (Some(false), Some(true)));
    assert_eq!(leaving["parts"]["postgresql"]["state"], "up", "{leaving}");
    // Who is there is served.
    assert_eq!(dashboard.get("/", &[]).await.status, 200);
    next_event(&mut socket).await;
    assert_eq!(bye(&mut socket).await, 1001);
    assert_eq!(dashboard.running.ended().await, Some(0));
    assert!(TcpListener::bind(&address).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_read_their_settings_each_and_stay_together() {
    let place = Place::new();
    let mut collecting = collector(&place, &[]).await;
    let mut dashboard = Dashboard::start(&place, &SEPARATE).await;
    let mut socket = dashboard.connect("").await;
    fs::write(place.path().join("recipe-monitoring.toml"), "[system]\nhost = \"renamed\"\n").unwrap();
    kill_process(collecting.pid(), Signal::HUP).unwrap();
    // The dashboard goes on, and shows what the collector samples by its new settings.
    loop {
        if let Payload::System(system) = next_event(&mut socket).await.payload
            && system.host == "renamed"
        {
            break;
        }
    }
    until(USED, async || collecting.log().contains(USED).then_some(())).await;
    assert!(!dashboard.running.log().contains(USED));
    tokio::join!(reload(&dashboard, USED), bye(&mut socket));
    let mut socket = dashboard.connect("").await;
    while !matches!(next_event(&mut socket).await.payload, Payload::System(_)) {}
    let json = "Content-Type: application/json";
    let pushed = dashboard.request("POST /api/v1/events", &[json], r#"{"event":"recipe_created"}"#).await;
    assert_eq!(pushed.status, 202, "{}", pushed.body);
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
    assert_eq!(collecting.end(Signal::TERM).await, Some(0));
}

/// A client that says nothing to the good-bye, and one that does not even read it.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_do_not_take_leave_hold_up_nobody() {
    let place = Place::new();
    let mut dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    let mut idle = Vec::new();
    for _ in 0..50 {
        idle.push(dashboard.connect("").await);
    }
    let begun = std::time::Instant::now();
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
    let mut codes = Vec::new();
    for socket in &mut idle {
        codes.push(bye(socket).await);
    }
    assert_eq!(codes, [1001; 50]);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_follows_postgresql() {
    let place = Place::new();
    let mut dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    let status = async || dashboard.get("/readyz", &[]).await.status;
    until("it is ready", async || (status().await == 200).then_some(())).await;
    let pid = fs::read_to_string(place.data_dir().join("postgres/postmaster.pid")).unwrap();
    let postmaster: i32 = pid.lines().next().unwrap().parse().unwrap();
    let family: Vec<_> = [vec![postmaster], children(postmaster)].concat();
    let all = |signal| {
        // One that has ended by now needs none.
        for pid in &family {
            let _ = kill_process(Pid::from_raw(*pid).unwrap(), signal);
        }
    };
    // It takes connections, and answers nobody.
    all(Signal::STOP);
    until("it is not ready", async || (status().await == 503).then_some(())).await;
    let readiness = dashboard.get("/readyz", &[]).await.json();
    assert_eq!(readiness["parts"]["postgresql"]["state"], "down", "{readiness}");
    assert_eq!(dashboard.get("/healthz", &[]).await.status, 200);
    all(Signal::CONT);
    until("it is ready again", async || (status().await == 200).then_some(())).await;
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}

fn children(parent: i32) -> Vec<i32> {
    let is_child = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // State and parent come after the name, which is in parentheses: proc_pid_stat(5).
        stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse().ok()) == Some(parent)
    };
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_child).collect()
}
