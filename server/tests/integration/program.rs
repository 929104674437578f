//! The program itself: what it says of itself, and when it refuses to start.

use std::collections::BTreeMap;
use std::net::TcpListener;

use collector::config::{Flags, Sources};
use collector::doctor::{Checked, Outcome, examine};
use rustix::process::Signal;

use crate::helpers::{Dashboard, Place, outcome};

#[test]
fn a_port_in_use_is_refused_with_the_remedy_and_nothing_is_made() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = outcome(place.program(&["--address", &address]));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains(&address) && message.contains("in use") && message.contains("--address"), "{message}");
    assert!(!place.data_dir().exists());
}

#[test]
fn missing_page_files_are_refused_with_the_remedy() {
    let place = Place::new();
    std::fs::remove_dir_all(place.path().join("site")).unwrap();
    let output = outcome(place.program(&[]));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("cargo leptos build") && message.contains("LEPTOS_SITE_ROOT"), "{message}");
    assert!(!place.data_dir().exists());
}

#[test]
fn it_does_not_listen_to_the_world_without_a_log_in() {
    let place = Place::new();
    let output = outcome(place.program(&["--set", "server.address=0.0.0.0:0", "--set", "access.mode=open"]));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("server.address") && message.contains("access.unprotected"), "{message}");
}

#[test]
fn help_and_version_help() {
    let place = Place::new();
    let help = String::from_utf8(outcome(place.program(&["--help"])).stdout).unwrap();
    for part in ["--address", "--data-dir", "DATABASE_URL", "recipe-monitoring.toml", "RECIPE_MONITORING_"] {
        assert!(help.contains(part), "{help} lacks {part}");
    }
    let version = String::from_utf8(outcome(place.program(&["--version"])).stdout).unwrap();
    assert_eq!(version.trim(), format!("recipe-monitoring-dashboard {}", env!("CARGO_PKG_VERSION")));
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_json_where_there_is_no_terminal_and_text_when_asked_for() {
    let place = Place::new();
    let mut dashboard = Dashboard::start(&place, &[]).await;
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
    for line in dashboard.running.log().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_knows_the_port_of_a_running_dashboard_as_its_own() {
    let place = Place::new();
    let mut dashboard = Dashboard::start(&place, &[]).await;
    let set = [format!("server.address={}", dashboard.host), "application.enabled=false".to_owned()];
    let flags = Flags { data_dir: Some(place.data_dir()), set: set.to_vec(), ..Flags::default() };
    let sources = Sources { directory: place.path().to_owned(), environment: BTreeMap::new(), flags };
    let of = |done: &[Checked], id: &str| done.iter().find(|checked| checked.id == id).unwrap().clone();
    let done = examine(&sources, |_| {}).await;
    let port = of(&done, "dashboard");
    assert_eq!(port.result, Outcome::Ok, "{port:?}");
    let answers = format!("the dashboard answers at http://{}/, as recipe-monitori (process ", dashboard.host);
    assert!(port.seen.starts_with(&answers), "{port:?}");
    assert!(of(&done, "collector").seen.starts_with("recipe-monitoring-dashboard (process "), "{done:?}");
    assert_eq!(of(&done, "postgresql").result, Outcome::Ok, "{done:?}");
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
    let done = examine(&sources, |_| {}).await;
    assert_eq!(of(&done, "dashboard").findings[0].fault, "not_running");
    assert_eq!(of(&done, "collector").findings[0].fault, "not_running");
}
