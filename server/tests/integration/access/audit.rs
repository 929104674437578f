//! The audit log: what is in it, and that an outage of PostgreSQL loses nothing of it.

use collector::access::Scope;
use jiff::SignedDuration;
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use super::{FORM, PASSWORD, log_in, session, token, with_users};
use crate::helpers::{Dashboard, Place, until};

const JSON: &str = "Content-Type: application/json";

/// The database of the running program.
async fn database(place: &Place) -> PgConnection {
    let connections = collector::embedded::running(&collector::config::Storage {
        data_dir: place.data_dir(),
        ..collector::config::Storage::default()
    });
    PgConnection::connect(&connections.unwrap().unwrap().database_url.unwrap()).await.unwrap()
}

/// Actor, role, action, object and whether it was done, the oldest first, as soon as there are so many.
async fn rows(place: &Place, count: usize) -> Vec<(String, String, String, String, bool)> {
    let mut database = database(place).await;
    let mut found = Vec::new();
    for _ in 0..600 {
        let sql = "SELECT actor, role, action, object, ok FROM audit_log ORDER BY timestamp, id";
        found = sqlx::query_as(sql).fetch_all(&mut database).await.unwrap();
        if found.len() >= count {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_noted_with_who_what_and_whether() {
    let place = Place::new();
    let access = with_users(&place).await;
    let dashboard = Dashboard::start(&place, &[]).await;
    assert_eq!(log_in(&dashboard, "operator", "not the password").await.status, 401);
    let cookie = log_in(&dashboard, "operator", PASSWORD).await.cookies();
    let silence = json!({ "matchers": "HighCPU", "author": "Somebody else", "reason": "known", "ends_at": "2100-01-01T00:00:00Z" });
    let made = dashboard.request("POST /api/v1/silences", &[JSON, &cookie], &silence.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let silence = made.json()["id"].as_str().unwrap().to_owned();
    let silences = dashboard.get("/api/v1/silences", &[&cookie]).await.json();
    assert_eq!(silences[0]["author"], "operator", "nobody silences under another name");
    dashboard.request("POST /alerts/act", &[FORM, &cookie], &format!("do=end_silence&silence={silence}")).await;
    dashboard.request("POST /alerts/act", &[FORM, &cookie], "do=acknowledge&alert=nothing&name=x").await;
    // NUL itself, and a text that only spells it: PostgreSQL takes the one nowhere, and the other as it is.
    let odd = "do=silence&alert=odd%00&reason=%00&for=%5Cu0000";
    dashboard.request("POST /alerts/act", &[FORM, &cookie], odd).await;
    let ci = token(&access, "ci", Scope::Operate, SignedDuration::from_hours(1));
    let annotation = json!({ "text": "Deploy", "id": "deploy-1", "created_by": "GitHub" });
    let marked = dashboard.request("POST /api/v1/annotations", &[JSON, &ci], &annotation.to_string()).await;
    assert_eq!(marked.json()["created_by"], "GitHub", "a program says for whom");
    let viewer = session(&access, "viewer", SignedDuration::ZERO);
    assert_eq!(dashboard.request("DELETE /api/v1/annotations/deploy-1", &[&viewer], "").await.status, 403);
    let admin = session(&access, "admin", SignedDuration::ZERO);
    dashboard.request("POST /users", &[FORM, &admin], "do=role&name=viewer&role=operator").await;
    dashboard.request("POST /preferences", &[FORM, &admin], "lang=en").await;
    dashboard.request("POST /logout", &[&cookie], "").await;

    let noted = rows(&place, 10).await;
    let noted: Vec<_> =
        noted.iter().map(|(actor, role, action, object, ok)| (&**actor, &**role, &**action, &**object, *ok)).collect();
    assert_eq!(
        noted,
        [
            ("anonymous", "", "login", "operator", false),
            ("operator", "", "login", "operator", true),
            ("operator", "operator", "silence.add", &silence, true),
            ("operator", "operator", "silence.end", &silence, true),
            ("operator", "operator", "alert.acknowledge", "nothing", false),
            ("operator", "operator", "silence.add", "odd\u{fffd}", false),
            ("token:ci", "operate", "annotation.add", "deploy-1", true),
            ("viewer", "viewer", "annotation.remove", "/api/v1/annotations/deploy-1", false),
            ("admin", "admin", "user.role", "viewer", true),
            ("operator", "operator", "logout", "operator", true),
        ]
    );
    let page = dashboard.get("/audit", &[&admin, "Accept-Language: ja"]).await;
    for part in ["監査ログ", "silence.add", "token:ci", "失敗", "127.0.0.1"] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    let mut database = database(&place).await;
    let details: Vec<String> =
        sqlx::query_scalar("SELECT detail::text FROM audit_log WHERE action = 'silence.add' ORDER BY timestamp")
            .fetch_all(&mut database)
            .await
            .unwrap();
    let details: Vec<Value> = details.iter().map(|detail| serde_json::from_str(detail).unwrap()).collect();
    assert_eq!(details[0]["reason"], "known");
    assert_eq!(details[1], json!({ "reason": "\u{fffd}", "for": "\\u0000" }));
    let all: String = sqlx::query_scalar("SELECT string_agg(audit_log::text, ' ') FROM audit_log")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert!(!all.contains("password"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_postgresql_and_a_kill_lose_nothing_and_double_nothing() {
    let place = Place::new();
    with_users(&place).await;
    let mut dashboard = Dashboard::start(&place, &[]).await;
    log_in(&dashboard, "viewer", PASSWORD).await;
    assert_eq!(rows(&place, 1).await.len(), 1);
    // A table that cannot be written is an outage of the audit log alone.
    let mut other = database(&place).await;
    sqlx::query("ALTER TABLE audit_log RENAME TO away").execute(&mut other).await.unwrap();
    // Log-in works all the same.
    let cookie = log_in(&dashboard, "admin", PASSWORD).await.cookies();
    until("it is said", async || dashboard.running.logged("entries of the audit log wait").map(drop)).await;
    let page = dashboard.get("/audit", &[&cookie, "Accept-Language: en"]).await;
    assert!(page.status == 200 && page.body.contains("PostgreSQL does not answer"), "{}", page.body);
    assert!(page.body.contains("admin"));
    drop(other);
    assert_eq!(dashboard.running.end(Signal::KILL).await, None);
    let kept = std::fs::read_to_string(place.data_dir().join("audit.moving.jsonl")).unwrap();
    let id = serde_json::from_str::<Value>(kept.lines().next().unwrap()).unwrap()["id"].as_str().unwrap().to_owned();

    // What was on its way arrives once, also where it had arrived before.
    let dashboard = Dashboard::start(&place, &[]).await;
    let mut other = database(&place).await;
    let arrived =
        "INSERT INTO away (id, timestamp, actor, action, ok) VALUES ($1::uuid, now(), 'admin', 'login', TRUE)";
    sqlx::query(arrived).bind(&id).execute(&mut other).await.unwrap();
    sqlx::query("ALTER TABLE away RENAME TO audit_log").execute(&mut other).await.unwrap();
    log_in(&dashboard, "operator", PASSWORD).await;
    let actors: Vec<_> = rows(&place, 3).await.into_iter().map(|(actor, ..)| actor).collect();
    assert_eq!(actors, ["viewer", "admin", "operator"]);
    until("nothing waits", async || (!place.data_dir().join("audit.moving.jsonl").exists()).then_some(())).await;
}
