//! Signs that paging works: the heartbeat, and fire drills.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::receiver::{Receiver, answer, refusing};
use super::{Site, ask, journal, says};
use crate::helpers::{program, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_comes_each_time_and_what_becomes_of_it_is_known() {
    let switch = Receiver::start(|number, _| if number == 3 { answer(500, "", "") } else { answer(200, "", "") }).await;
    let settings = format!(
        "heartbeat_url = '{}'\nheartbeat = '10s'\nheartbeat_allow_private = true",
        switch.url("/ping/a-secret")
    );
    let site = Site::new(&settings, "");
    let mut collector = site.start().await;
    switch.takes(3).await;
    let beats = switch.requests();
    for pair in beats.windows(2) {
        let pause = pair[1].at - pair[0].at;
        assert!((Duration::from_secs(9)..Duration::from_secs(14)).contains(&pause), "{pause:?}");
    }
    assert!(beats.iter().all(|beat| beat.method == "GET" && beat.path == "/ping/a-secret" && beat.body.is_empty()));
    let line = says(&collector, "the heartbeat does not arrive", "").await;
    assert_eq!(line["error"], "it answers 500");
    let desk: Value = serde_json::from_slice(&ask(&collector, b'd', b"").await).unwrap();
    assert!(desk["heartbeat"]["error"] == "it answers 500" && desk["heartbeat"]["sent_at"].is_string(), "{desk}");
    assert_eq!(desk["paging_error"], "heartbeat: it answers 500");
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_goes_nowhere_private_that_is_not_allowed() {
    let switch = Receiver::start(|_, _| answer(200, "", "")).await;
    let site = Site::new(&format!("heartbeat_url = '{}'\nheartbeat = '10s'", switch.url("/")), "");
    let mut collector = site.start().await;
    let line = says(&collector, "the heartbeat does not arrive", "").await;
    let error = line["error"].as_str().unwrap();
    assert!(
        error.contains("127.0.0.1, in a private network or on this machine; set") && error.contains("allow_private")
    );
    assert!(switch.requests().is_empty());
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_arrives_everywhere_at_once_whatever_the_routes_and_is_known_to_have() {
    let receiver = async || Receiver::start(|_, _| answer(200, "", "")).await;
    let (routed, unrouted, refused) = (receiver().await, receiver().await, refusing());
    let gone = format!("http://{}/", refused.local_addr().unwrap());
    let hooks = [("routed", routed.url("/")), ("unrouted", unrouted.url("/")), ("gone", gone)].map(|(name, url)| {
        format!("[notify.receivers.{name}]\nkind = 'webhook'\nallow_private = true\nurl = '{url}'\n")
    });
    let routes = "[[notify.routes]]\nreceivers = ['routed']\nseverity = ['critical']\nquiet_hours = ['00:00-24:00']\n";
    let site = Site::new(&(hooks.concat() + routes), "");
    let drills = ["--set", "notify.fire_drill=60s"];
    let mut collector = site.start_as(program(&[]), &drills).await;
    for receiver in [&routed, &unrouted] {
        let drill = receiver.takes(1).await;
        assert_eq!(drill.alerts(), [("FireDrill".to_owned(), "firing".to_owned())]);
        assert!(
            drill.json()["title"].as_str().unwrap().starts_with("[FIRE DRILL] [FIRING:1] FireDrill: "),
            "{drill:?}"
        );
        assert_eq!(drill.json()["alerts"][0]["labels"]["severity"], "info");
    }
    let record = |name: &str| journal(&site)["dispatch"]["records"][name].clone();
    for name in ["routed", "unrouted"] {
        until("it is proven", async || record(name)["proven_at"].is_string().then_some(())).await;
        assert!(record(name)["drill_failed_at"].is_null());
    }
    says(&collector, "a message about alerts waits", "\"gone\"").await;
    assert!(record("gone")["proven_at"].is_null() && record("gone")["failing_since"].is_string());
    // The next one begins a minute after this one, and not with the next start.
    let began = journal(&site)["drilled_at"].clone();
    assert_eq!(collector.end(Signal::KILL).await, None);
    drop(collector);
    let mut collector = site.start_as(program(&[]), &drills).await;
    // What else is pending is the machine's, which may have much to do.
    let is_over = || !journal(&site)["active"].to_string().contains("FireDrill");
    until("the drill is over", async || is_over().then_some(())).await;
    assert!(began.is_string() && journal(&site)["drilled_at"] == began);
    assert_eq!(routed.requests().len(), 1);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
