//! What people do about alerts, over plain HTTP: to a dashboard with its collector, and beside one.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::helpers::{Answer, Dashboard, Place, until};

const RULES: &str = "[[rule]]\nalert = \"Always\"\nexpr = \"cpu_usage >= 0\"\n";
const JSON: &str = "Content-Type: application/json";

async fn post(dashboard: &Dashboard, path: &str, body: &Value) -> Answer {
    dashboard.request(&format!("POST {path}"), &[JSON], &body.to_string()).await
}

/// The alert of [`RULES`], when it fires; the machine may have others, of its disks for one.
async fn alert(dashboard: &Dashboard) -> Value {
    let ours = |alerts: Value| alerts.as_array()?.iter().find(|alert| alert["rule_name"] == "Always").cloned();
    until("the alert", async || ours(dashboard.get("/api/v1/alerts", &[]).await.json())).await
}

pub fn rules(place: &Place) -> String {
    let path = place.path().join("rules.toml");
    std::fs::write(&path, RULES).unwrap();
    format!("alerts.rules={}", path.display())
}

/// Looks after an alert, silences it and ends the silence; everything is seen in the alert.
pub async fn play(dashboard: &Dashboard) {
    let id = alert(dashboard).await["id"].as_str().unwrap().to_owned();
    let acknowledged = post(dashboard, &format!("/api/v1/alerts/{id}/acknowledge"), &json!({ "by": "Mika" })).await;
    assert_eq!(acknowledged.status, 204, "{}", acknowledged.body);
    until("who looks after it", async || (alert(dashboard).await["acknowledged"]["by"] == "Mika").then_some(())).await;

    let silence = json!({ "matchers": "Always{host=~\".+\"}", "author": "Mika", "reason": "known" });
    let made = post(dashboard, "/api/v1/silences", &silence).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let silence = made.json()["id"].as_str().unwrap().to_owned();
    until("the silence", async || (alert(dashboard).await["quiet"]["silence"] == silence.as_str()).then_some(())).await;
    assert_eq!(dashboard.get("/api/v1/silences", &[]).await.json()[0]["reason"], "known");
    let ended = dashboard.request(&format!("DELETE /api/v1/silences/{silence}"), &[], "").await;
    assert_eq!(ended.status, 204, "{}", ended.body);
    until("the end of the silence", async || alert(dashboard).await["quiet"].is_null().then_some(())).await;
    let again = dashboard.request(&format!("DELETE /api/v1/silences/{silence}"), &[], "").await;
    assert_eq!((again.status, again.json()["error"]["field"].as_str()), (404, Some("silence")));
    let desk = dashboard.get("/api/v1/alerting", &[]).await.json();
    let rule = desk["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "Always").unwrap();
    assert_eq!(rule["values"][0]["phase"], "firing");
    assert!(rule["values"][0]["value"].is_number());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_looked_after_and_silenced_and_what_cannot_be_is_refused_by_field() {
    let place = Place::new();
    let mut dashboard = Dashboard::start(&place, &["--set", "live.push=1s", "--set", &rules(&place)]).await;
    play(&dashboard).await;
    let silence = |change: &str, value: Value| {
        let mut silence = json!({ "matchers": "Always", "author": "Mika", "reason": "known" });
        silence[change] = value;
        silence
    };
    for (path, body, status, field) in [
        ("/api/v1/silences", silence("matchers", json!("{")), 400, "matchers"),
        ("/api/v1/silences", silence("matchers", json!("{}")), 400, "matchers"),
        ("/api/v1/silences", silence("matchers", json!("Nothing")), 400, "ends_at"),
        ("/api/v1/silences", silence("author", json!(" ")), 400, "author"),
        ("/api/v1/silences", silence("reason", json!("a\nb")), 400, "reason"),
        ("/api/v1/silences", silence("ends_at", json!("soon")), 400, "ends_at"),
        ("/api/v1/silences", silence("ends_at", json!("2020-01-01T00:00:00Z")), 400, "ends_at"),
        ("/api/v1/silences", silence("until", json!("x")), 422, "body"),
        ("/api/v1/alerts/nothing/acknowledge", json!({ "by": "Mika" }), 404, "alert"),
        ("/api/v1/receivers/nobody/test", json!({}), 404, "receiver"),
    ] {
        let answer = post(&dashboard, path, &body).await;
        assert_eq!((answer.status, answer.json()["error"]["field"].as_str()), (status, Some(field)), "{body}");
    }
    let foreign = ["Origin: https://example.com", JSON];
    for (line, body) in [
        ("POST /api/v1/silences", silence("reason", json!("x")).to_string()),
        ("DELETE /api/v1/silences/x", String::new()),
        ("POST /api/v1/alerts/x/acknowledge", json!({ "by": "x" }).to_string()),
        ("POST /api/v1/receivers/x/test", String::new()),
        ("POST /alerts/act", "do=test&receiver=x".to_owned()),
    ] {
        assert_eq!(dashboard.request(line, &foreign, &body).await.status, 403, "{line}");
    }
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_do_survives_a_kill() {
    let place = Place::new();
    let rules = rules(&place);
    let mut dashboard = Dashboard::start(&place, &["--set", "live.push=1s", "--set", &rules]).await;
    let id = alert(&dashboard).await["id"].as_str().unwrap().to_owned();
    post(&dashboard, &format!("/api/v1/alerts/{id}/acknowledge"), &json!({ "by": "Mika" })).await;
    let silence =
        json!({ "matchers": "Always", "author": "Mika", "reason": "known", "ends_at": "2100-01-01T00:00:00Z" });
    assert_eq!(post(&dashboard, "/api/v1/silences", &silence).await.status, 201);
    dashboard.running.end(Signal::KILL).await;
    let mut dashboard = Dashboard::start(&place, &["--set", "live.push=1s", "--set", &rules]).await;
    let after = alert(&dashboard).await;
    assert_eq!((after["id"].as_str(), &after["acknowledged"]["by"]), (Some(id.as_str()), &json!("Mika")));
    assert_eq!(after["quiet"]["why"], "silenced");
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}
