//! What is told of PostgreSQL and Redis, by the API and on the pages, which need no script for it.

use collector::backup::{Backups, remember_failure};
use collector::{Settings, Store, embedded};
use jiff::Timestamp;
use serde_json::Value;

use crate::helpers::{Dashboard, Place, until};

/// The look, when everything in it is there.
pub async fn look(dashboard: &Dashboard) -> Value {
    until("all of it is seen", async || {
        let look = dashboard.get("/api/v1/database", &[]).await;
        assert_eq!(look.status, 200, "{}", look.body);
        let look = look.json();
        let parts = ["server", "sessions", "locks", "statements", "relations", "replication"];
        let is_there = |part: &Value| !part["value"].is_null() && part["obstacles"].is_null();
        let all = parts.iter().all(|part| is_there(&look["postgresql"][part]));
        (all && is_there(&look["redis"]["server"]) && is_there(&look["redis"]["slow_log"])).then_some(look)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seen_of_the_databases_is_in_the_api_in_metrics_and_in_the_pages_before_any_script() {
    let place = Place::new();
    let settings = ["--set", "live.push=1s", "--set", "sampling.system=1s", "--set", "application.enabled=false"];
    let dashboard = Dashboard::start(&place, &settings).await;
    let look = look(&dashboard).await;
    assert_eq!(look["postgresql"]["server"]["value"]["database"], "recipe_db");
    assert!(look["postgresql"]["pool"]["most"].as_u64().unwrap() > 0);
    assert!(look["redis"]["server"]["value"]["memory_used_bytes"].as_u64().unwrap() > 100_000);
    let statements = &look["postgresql"]["statements"]["value"]["statements"];
    let first = statements[0]["query"].as_str().unwrap();
    assert!(!first.is_empty() && !first.contains('\''), "{first}");
    // The same look for all who ask at about the same time.
    let again = dashboard.get("/api/v1/database", &[]).await.json();
    assert_eq!(again["at"], look["at"]);

    until("the rates", async || {
        let metrics = dashboard.get("/metrics", &[]).await.body;
        let has = |name: &str| metrics.lines().any(|line| line.starts_with(name));
        (has("postgresql_commits_per_second{")
            && has("redis_memory_used_bytes{")
            && has("postgresql_table_bytes{")
            && has("postgresql_connections{"))
        .then_some(())
    })
    .await;

    let versions = format!(
        "PostgreSQL {} · Redis {}",
        look["postgresql"]["server"]["value"]["version"].as_str().unwrap(),
        look["redis"]["server"]["value"]["version"].as_str().unwrap()
    );
    let overview = dashboard.get("/", &["Accept-Language: ja"]).await.body;
    for part in
        ["id=\"database-title\">データベース", "接続プール", "スロークエリ", "<details class=\"query\">", &versions]
    {
        assert!(overview.contains(part), "the overview lacks {part}");
    }
    assert!(overview.contains("href=\"./database\""));
    let page = dashboard.get("/database", &["Accept-Language: en"]).await;
    assert_eq!(page.status, 200);
    let policy = look["redis"]["server"]["value"]["eviction_policy"].as_str().unwrap();
    let parts = [
        "<title>",
        "Nobody waits for a lock.",
        "Slow queries",
        "Largest tables",
        "public.system_metrics",
        "Unused indexes",
        "Redis slow log",
        "class=\"sparkline\"",
        "id=\"graph-connections\"",
        policy,
    ];
    for part in parts {
        assert!(page.body.contains(part), "the page lacks {part}");
    }
    // Of what is not there nothing is drawn.
    assert!(!page.body.contains("replication-title"));
}

/// It is asked for by an address that is no page, and would take away what is drawn on the one it is for.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_the_browser_asks_for_has_nothing_drawn() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &["--set", "application.enabled=false"]).await;
    let body = r#"{"search":"range=1h"}"#;
    let answer = dashboard.request("POST /api/snapshot", &["Content-Type: application/json"], body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // A text, with the snapshot as JSON in it.
    let snapshot: String = serde_json::from_str(&answer.body).unwrap();
    let snapshot: Value = serde_json::from_str(&snapshot).unwrap();
    assert_eq!((&snapshot["look"], &snapshot["drawn"]), (&Value::from("range=1h"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_backup_or_why_there_is_none_is_on_the_page_in_readyz_and_in_metrics() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &["--set", "application.enabled=false"]).await;
    let page = async |language: &str| dashboard.get("/database", &[&format!("Accept-Language: {language}")]).await.body;
    let ready = async || dashboard.get("/readyz", &[]).await.json()["backup"].clone();
    until("its schedule", async || (ready().await["is_daily"] == true).then_some(())).await;
    assert!(page("en").await.contains("None yet: the first one is made next night."));
    assert!(page("ja").await.contains("最初のバックアップは次の夜に作成されます。"));

    let mut settings = Settings::default();
    settings.storage.data_dir = place.data_dir();
    let url = embedded::running(&settings.storage).unwrap().unwrap().database_url.unwrap();
    let store = Store::connect(&url, &settings.database).await.unwrap();
    let made = Backups::new(store.clone(), None, &settings, "kitchen").unwrap().make().await.unwrap();
    store.close().await;
    until("the backup", async || (!ready().await["newest"].is_null()).then_some(())).await;
    assert_eq!(ready().await["newest"]["bytes"], made.manifest.bytes());
    assert_eq!(ready().await["newest"]["result"], "complete");
    let shown = page("en").await;
    let section = shown.split_once("id=\"backup-title\">Newest backup").unwrap().1;
    assert!(section.contains("ago") && section.contains("KiB") && section.contains("on kitchen"), "{section}");
    let metrics = dashboard.get("/metrics", &[]).await.body;
    let size = format!("recipe_monitoring_backup_size_bytes {}", made.manifest.bytes());
    for line in [&*size, "recipe_monitoring_backup_failed 0", "recipe_monitoring_backup_age_seconds "] {
        assert!(metrics.lines().any(|known| known.starts_with(line)), "{line} {metrics}");
    }

    remember_failure(&place.data_dir(), Timestamp::now(), "no room on <the disk>");
    until("the failure", async || (!ready().await["failed"].is_null()).then_some(())).await;
    for (language, word) in [("en", "The last try failed"), ("ja", "バックアップに失敗しました")] {
        let page = page(language).await;
        assert!(page.contains(word) && page.contains("no room on &lt;the disk&gt;"), "{page}");
    }
}
