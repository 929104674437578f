//! The websocket of the live feed.

use collector::{Hello, Payload};
use futures_util::StreamExt;
use rustix::process::Signal;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::helpers::{Dashboard, Place, next_event, next_text, soon};

const FAST: [&str; 2] = ["--set", "live.push=1s"];

#[tokio::test(flavor = "multi_thread")]
async fn events_have_the_documented_form_and_numbers_without_a_hole() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &FAST).await;
    let mut socket = dashboard.connect("").await;
    let hello: serde_json::Value = serde_json::from_str(&next_text(&mut socket).await).unwrap();
    assert_eq!((hello["event"].as_str(), hello["data"]["resumed"].as_bool()), (Some("hello"), Some(false)));
    let mut seq = hello["seq"].as_u64().unwrap();
    let mut readings = 0;
    while readings < 3 {
        let event: serde_json::Value = serde_json::from_str(&next_text(&mut socket).await).unwrap();
        seq += 1;
        assert_eq!(event["seq"].as_u64(), Some(seq));
        if event["event"] == "metrics:system" {
            readings += 1;
            assert!(event["data"]["memory_usage"].as_f64().is_some(), "{event}");
            assert!(event["at"].as_str().unwrap().ends_with('Z'), "{event}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_misses_nothing() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &FAST).await;
    let mut first = dashboard.connect("").await;
    next_event(&mut first).await;
    let seen = next_event(&mut first).await.seq;
    let mut watching = dashboard.connect("").await;
    drop(first);
    while next_event(&mut watching).await.seq < seen + 2 {}

    let mut back = dashboard.connect(&format!("?since={seen}")).await;
    assert_eq!(next_event(&mut back).await.payload, Payload::Hello(Hello { resumed: true }));
    for seq in seen + 1..seen + 4 {
        assert_eq!(next_event(&mut back).await.seq, seq);
    }
    let mut lost = dashboard.connect("?since=1").await;
    assert_eq!(next_event(&mut lost).await.payload, Payload::Hello(Hello { resumed: false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_and_nonsense_are_refused() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &[]).await;
    let own = format!("http://{}", dashboard.host);
    assert!(dashboard.try_connect("", Some(&own)).await.is_ok());
    for (query, origin, status) in
        [("", Some("http://example.com"), 403), ("", Some("null"), 403), ("?since=yesterday", None, 400)]
    {
        match dashboard.try_connect(query, origin).await {
            Err(Error::Http(answer)) => assert_eq!(answer.status().as_u16(), status),
            other => panic!("{query} {origin:?}: {other:?}"),
        }
    }
    let plain = dashboard.get("/api/v1/live", &[]).await;
    assert_eq!((plain.status, plain.json()["error"]["code"].as_str()), (426, Some("not_a_websocket")));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_clients_are_told_to_come_back_later() {
    let place = Place::new();
    let mut dashboard = Dashboard::start(&place, &[]).await;
    let mut socket = dashboard.connect("").await;
    next_event(&mut socket).await;
    let bye = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => return frame.unwrap(),
                Some(Ok(_)) => {}
                other => panic!("closed without a word: {other:?}"),
            }
        }
    };
    let (code, bye) = tokio::join!(dashboard.running.end(Signal::TERM), soon("a close frame", bye));
    assert_eq!((code, u16::from(bye.code)), (Some(0), 1001));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_disturbs_nobody() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &FAST).await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(dashboard.connect("").await);
    }
    let mut reader = dashboard.connect("").await;
    let mut seq = next_event(&mut reader).await.seq;
    for _ in 0..3 {
        seq += 1;
        assert_eq!(next_event(&mut reader).await.seq, seq);
    }
}
