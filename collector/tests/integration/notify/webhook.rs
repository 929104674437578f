//! The generic webhook: signed, with one key for all attempts, tried again, given up, and in nobody's way.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rustix::process::Signal;
use sha2::Sha256;

use super::receiver::{Receiver, Request, answer};
use super::{Site, at_desk, journal, rule, said, says};
use crate::helpers::{number, until};

/// That of the specification's own example, see [`verify`].
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The signature by Standard Webhooks, "Verifying webhook authenticity":
/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
pub fn signature(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

fn verify(request: &Request) {
    let (id, timestamp) = (request.header("webhook-id"), request.header("webhook-timestamp"));
    assert_eq!(request.header("webhook-signature"), signature(SECRET, id, timestamp, &request.body));
    let age = jiff::Timestamp::now().as_second() - timestamp.parse::<i64>().unwrap();
    assert!((0..60).contains(&age), "{age}");
    assert_eq!((id, request.header("content-type")), (request.header("idempotency-key"), "application/json"));
}

#[test]
fn the_signature_of_a_known_message_is_the_known_one() {
    // https://docs.svix.com/receiving/verifying-payloads/how-manual
    let known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}"), known);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_one_key_in_every_attempt_also_after_a_kill_and_comes_once_it_is_taken() {
    let receiver = Receiver::start(|number, _| answer(if number <= 2 { 503 } else { 200 }, "", "")).await;
    let hook = format!(
        "[notify.receivers.hook]\nkind = 'webhook'\nurl = '{}'\nsecret = '{SECRET}'\n",
        receiver.url("/alerts")
    );
    let site = Site::new(&(hook + "allow_private = true"), &rule("Always", ""));
    let mut collector = site.start().await;
    receiver.takes(1).await;
    assert_eq!(collector.end(Signal::KILL).await, None);
    drop(collector);
    let mut collector = site.start().await;
    let third = receiver.takes(3).await;
    says(&collector, "alerts delivered", third.header("webhook-id")).await;
    site.set_rules("");
    let over = receiver.hears("Always", "resolved").await;
    says(&collector, "alerts delivered", over.header("webhook-id")).await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 4, "{requests:#?}");
    requests.iter().for_each(verify);
    for request in &requests[..3] {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/alerts"));
        assert_eq!(request.header("webhook-id"), third.header("webhook-id"));
        assert_eq!(request.body, third.body);
        assert_eq!(request.alerts(), [("Always".to_owned(), "firing".to_owned())]);
    }
    assert_ne!(over.header("webhook-id"), third.header("webhook-id"));
    let (first, last) = (&third.json()["alerts"][0], &over.json()["alerts"][0]);
    assert_eq!((&first["fingerprint"], &first["startsAt"]), (&last["fingerprint"], &last["startsAt"]));
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    assert_eq!(journal(&site)["dispatch"]["groups"].as_array().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_is_given_up_and_said_and_the_next_message_is_sent() {
    let receiver = Receiver::start(|number, _| match number {
        1 => answer(404, "", "no such hook"),
        _ => answer(200, "", ""),
    })
    .await;
    let hook =
        format!("[notify.receivers.hook]\nkind = 'webhook'\nallow_private = true\nurl = '{}'", receiver.url("/a"));
    let site = Site::new(&hook, &rule("First", ""));
    let mut collector = site.start().await;
    let key = receiver.takes(1).await.header("idempotency-key").to_owned();
    let given_up = says(&collector, "a message about alerts is given up", &key).await;
    assert_eq!((&given_up["level"], &given_up["receiver"]), (&"ERROR".into(), &"hook".into()));
    assert_eq!(given_up["error"], "it answers 404: no such hook");
    let state = at_desk(&collector, "hook").await;
    assert_eq!((&state["given_up"], &state["waiting"]), (&1.into(), &0.into()), "{state}");
    assert_eq!(state["error"], "it answers 404: no such hook");
    assert!(state["failing_since"].is_string() && state["delivered_at"].is_null(), "{state}");
    // Unsigned, as there is no secret.
    assert!(!receiver.requests()[0].headers.contains_key("webhook-signature"));

    site.set_rules(&(rule("First", "") + &rule("Second", "")));
    let second = receiver.hears("Second", "firing").await;
    assert_eq!(receiver.requests().len(), 2);
    says(&collector, "alerts delivered", second.header("idempotency-key")).await;
    let state = at_desk(&collector, "hook").await;
    assert!(state["error"] == "" && state["failing_since"].is_null() && state["given_up"] == 1, "{state}");
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_never_answers_holds_up_neither_the_rules_nor_others_nor_the_history() {
    let (hangs, works) = (Receiver::start(|_, _| None).await, Receiver::start(|_, _| answer(200, "", "")).await);
    let hooks = [("hangs", &hangs), ("works", &works)].map(|(name, receiver)| {
        let url = receiver.url("/");
        format!("[notify.receivers.{name}]\nkind = 'webhook'\nallow_private = true\nurl = '{url}'\ntimeout = '60s'\n")
    });
    let site = Site::new(&hooks.concat(), &rule("First", ""));
    let mut collector = site.start().await;
    hangs.takes(1).await;
    works.hears("First", "firing").await;
    let mut database = collector.database().await;
    site.set_rules(&(rule("First", "") + &rule("Second", "")));
    works.hears("Second", "firing").await;
    let rows = "SELECT count(*) FROM alert_history WHERE rule_name IN ('First', 'Second') AND NOT resolved";
    until("both are in the history", async || (number(&mut database, rows).await == 2).then_some(())).await;
    site.set_rules(&rule("Second", ""));
    works.hears("First", "resolved").await;
    // All of this while the first attempt there still waited for its answer.
    assert_eq!(hangs.requests().len(), 1);
    let log = collector.log();
    assert!(said(&log, "a message about alerts waits", "hangs").is_empty());
    assert_eq!(at_desk(&collector, "hangs").await["waiting"], 2);
    // A collector that is asked to end does so, too.
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
