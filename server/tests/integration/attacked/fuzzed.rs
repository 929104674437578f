//! Requests by chance over all routes, always the same ones: `FUZZ_REQUESTS` says how many, and `FUZZ_SEED` which.

mod request;

use std::sync::Arc;
use std::time::Instant;

use collector::access::{Access, Role, Scope};
use jiff::SignedDuration;

use super::line::{Line, ask_once};
use super::no_rules;
use super::parameters::templates;
use crate::access::{session, tampered, token, with_users};
use crate::helpers::{Answer, Dashboard, Place};
use request::{Chance, Request};

/// As many as are done within a minute on a slow machine.
const REQUESTS: u64 = 6_000;
/// Connections at once.
const LINES: u64 = 4;
/// After so many requests everybody logs in again, since some log out.
const RENEW: u64 = 200;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// The headers of everybody there is, and of some who are not.
fn credentials(access: &Access, tokens: &[String]) -> Vec<String> {
    let mut all: Vec<_> = Role::ALL.iter().map(|role| session(access, role.name(), SignedDuration::ZERO)).collect();
    // Mostly somebody who may do everything, to get behind the door.
    let admin = all.first().cloned();
    all.extend(std::iter::repeat_n(session(access, "admin", SignedDuration::ZERO), 4));
    all.extend(tokens.iter().cloned());
    all.extend(admin.map(|header| tampered(&header)));
    all.push(String::new());
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_is_answered_and_breaks_nothing() {
    let (count, seed) = (number("FUZZ_REQUESTS").unwrap_or(REQUESTS), number("FUZZ_SEED").unwrap_or(1));
    let place = Place::new();
    // An alert is an error in the log, and what is looked for there is none.
    no_rules(&place);
    let access = Arc::new(with_users(&place).await);
    let dashboard = Dashboard::start(&place, &["--set", "live.push=1s", "--set", "sampling.system=1s"]).await;
    let hour = SignedDuration::from_hours(1);
    let mut tokens: Vec<_> = Scope::ALL.iter().map(|scope| token(&access, scope.name(), *scope, hour)).collect();
    tokens.push(token(&access, "ended", Scope::Read, -hour));
    let admin = session(&access, "admin", SignedDuration::ZERO);
    let openapi = dashboard.get("/api/v1/openapi.json", &[&admin]).await.json();
    let (templates, tokens) = (Arc::new(templates(&openapi)), Arc::new(tokens));
    let began = Instant::now();
    let lines = (0..LINES).map(|number| {
        let (host, access, templates, tokens) =
            (dashboard.host.clone(), Arc::clone(&access), Arc::clone(&templates), Arc::clone(&tokens));
        tokio::spawn(async move {
            let (mut line, mut chance) = (Line::to(&host), Chance::new(seed, number));
            let mut everybody = Vec::new();
            let mut statuses = [0_u64; 6];
            for index in 0..count / LINES {
                if index % RENEW == 0 {
                    everybody = credentials(&access, &tokens);
                }
                let who = chance.of(&everybody).clone();
                let request = Request::by_chance(&mut chance, &templates, &host, &who);
                let answer = match request.is_whole {
                    true => line.ask(&request.bytes).await,
                    false => ask_once(&host, &request.bytes).await,
                };
                check(&request, answer.as_ref());
                statuses[usize::from(answer.map_or(0, |answer| answer.status) / 100)] += 1;
            }
            statuses
        })
    });
    let mut statuses = [0_u64; 6];
    for line in lines.collect::<Vec<_>>() {
        let some = line.await.unwrap();
        statuses.iter_mut().zip(some).for_each(|(all, some)| *all += some);
    }
    eprintln!("{count} requests in {:?}, seed {seed}; none, 1xx .. 5xx: {statuses:?}", began.elapsed());
    // It came through to what is behind, and was not only refused.
    let [_, upgraded, done, led, refused, _] = statuses;
    assert!(upgraded > 0 && done > count / 10 && led > count / 100 && refused > count / 10, "{statuses:?}");
    assert_eq!(dashboard.get("/healthz", &[]).await.status, 200);
    let log = dashboard.running.log();
    // A busy machine may keep a store from answering in time; the answers have been looked at above.
    let is_of_load = |line: &&str| line.contains("503 Service Unavailable") || line.contains("\"fault\":\"hanging\"");
    // With what comes after it, which says why.
    for bad in ["panicked", "\"level\":\"ERROR\"", "overflowed its stack"] {
        let lines: Vec<_> = log.lines().skip_while(|line| !line.contains(bad) || is_of_load(line)).take(60).collect();
        assert!(lines.is_empty(), "{lines:#?}");
    }
    let said = std::fs::read_to_string(place.data_dir().join("log/postgres.log")).unwrap();
    let errors: Vec<_> = said.lines().filter(|line| line.contains("ERROR:")).take(5).collect();
    assert!(errors.is_empty(), "PostgreSQL was sent what it refuses: {errors:#?}");
}

fn check(request: &Request, answer: Option<&Answer>) {
    let Some(answer) = answer else {
        assert!(!(request.is_whole && request.is_short), "no answer to {request:?}");
        return;
    };
    // What says whether all is well says so, too, where a busy machine keeps a store from answering.
    let is_not_ready = answer.status == 503 && answer.body.contains("\"parts\"");
    assert!(answer.status < 500 || is_not_ready, "{request:?}: {answer:?}");
    // An error of the API is one in its own form, whatever is wrong.
    // Whoever asks for a page gets one.
    let is_readable =
        !answer.body.is_empty() && !["content-encoding", "text/html"].iter().any(|it| answer.headers.contains(it));
    if request.is_of_api && answer.status >= 400 && is_readable {
        let error: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
        assert!(error["error"]["code"].is_string(), "{request:?}: {answer:?}");
    }
}
