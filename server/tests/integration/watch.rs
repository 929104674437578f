//! The example of the API in Rust: what a program of somebody else's gets by the shared types.

use std::process::{Command, Output, Stdio};

use collector::access::Scope;
use jiff::SignedDuration;

use crate::access::{token, with_users};
use crate::helpers::{Dashboard, Place, example, soon, until};

/// Until it has seen three events.
fn watch(dashboard: &Dashboard) -> Command {
    let mut command = example("watch");
    command
        .args([&format!("http://{}/", dashboard.host), "cpu_usage", "3"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

async fn output(mut command: Command) -> Output {
    soon("the example ends", tokio::task::spawn_blocking(move || command.output())).await.unwrap().unwrap()
}

/// A metric that has no sample yet is none.
async fn sampled(dashboard: &Dashboard, headers: &[&str]) {
    until("there is a sample of the CPU", async || {
        let range = dashboard.get("/api/v1/range?metric=cpu_usage", headers).await.json();
        range["series"][0]["points"].is_array().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_shows_the_newest_values_an_hour_and_what_happens() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &[]).await;
    sampled(&dashboard, &[]).await;
    let seen = output(watch(&dashboard)).await;
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(seen.status.success(), "{text}{}", String::from_utf8_lossy(&seen.stderr));

    let current = dashboard.get("/api/v1/current", &[]).await.json();
    let host = current["system"]["host"].as_str().unwrap();
    let first = text.lines().next().unwrap_or_default();
    assert!(first.starts_with(&format!("{host}: {} cores, up ", current["system"]["cpu_count"])), "{text}");
    assert!(text.contains("\ncpu_usage "), "{text}");
    let events: Vec<u64> = text.lines().filter_map(|line| line.split_once(' ')?.0.parse().ok()).collect();
    assert_eq!(events.len(), 3, "{text}");
    assert!(events.is_sorted_by(|one, next| one < next), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_needs_a_token_where_there_are_users_and_says_what_it_was_answered() {
    let place = Place::new();
    let access = with_users(&place).await;
    let dashboard = Dashboard::start(&place, &[]).await;
    let refused = output(watch(&dashboard)).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("current answers 401"), "{said}");

    let header = token(&access, "watch", Scope::Read, SignedDuration::from_hours(1));
    sampled(&dashboard, &[&header]).await;
    let mut command = watch(&dashboard);
    command.env("RECIPE_MONITORING_TOKEN", header.rsplit_once(' ').unwrap().1);
    let seen = output(command).await;
    assert!(seen.status.success(), "{}", String::from_utf8_lossy(&seen.stderr));
}
