//! The page about the monitoring itself, for people; `/healthz` and `/readyz` are for programs.

use rustix::process::{Signal, kill_process};

use crate::helpers::{Answer, Dashboard, Place, until};
use crate::separate::{SEPARATE, collector};

async fn page(dashboard: &Dashboard, language: &str) -> Answer {
    dashboard.get("/health", &[&format!("Accept-Language: {language}")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_one_process_with_its_numbers_and_follows_its_settings() {
    let place = Place::new();
    let file = place.path().join("recipe-monitoring.toml");
    std::fs::write(&file, "[live]\npush = \"1s\"\n").unwrap();
    let mut dashboard = Dashboard::start(&place, &["--set", "schedule.first_save=0s"]).await;
    let shown = until("all is known", async || {
        let shown = page(&dashboard, "en").await;
        (shown.status == 200 && shown.body.contains(">system_metrics</th>") && shown.body.contains("done, 0 failed"))
            .then_some(shown)
    })
    .await;
    for part in [
        "<title>Own health",
        "recipe-monitoring-dashboard <span class=\"desk-note\">PID ",
        "samples, saves and shows",
        env!("CARGO_PKG_VERSION"),
        "MiB</td>",
        "% on average",
        ">PostgreSQL</th>",
        ">Redis</th>",
        " ms</td>",
        "Websockets open</dt><dd>0</dd>",
        "read, and in use",
        "All together</th>",
    ] {
        assert!(shown.body.contains(part), "{part} is not in {}", shown.body);
    }
    // Nothing that is not ours may run, and nothing is loaded from elsewhere.
    let policy = shown.headers.lines().find(|line| line.starts_with("content-security-policy")).unwrap();
    assert!(policy.contains("default-src 'none'; script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    let in_japanese = page(&dashboard, "ja").await.body;
    assert!(in_japanese.contains("lang=\"ja\"") && in_japanese.contains("収集・保存・表示"), "{in_japanese}");

    std::fs::write(&file, "[live]\npush = \"0s\"\n").unwrap();
    kill_process(dashboard.running.pid(), Signal::HUP).unwrap();
    for (language, refused) in [("en", "refused"), ("ja", "拒否")] {
        let shown = until("it says that they were refused", async || {
            let shown = page(&dashboard, language).await.body;
            shown.contains(&format!("{refused}</span>")).then_some(shown)
        })
        .await;
        assert!(shown.contains("live.push = 0ns") && shown.contains("from 1s to 60s"), "{shown}");
        // So does the log on the page.
        assert!(shown.contains("the settings stay as they were: error="), "{shown}");
    }
    // A link leads to it from every page.
    assert!(dashboard.get("/system", &[]).await.body.contains("href=\"health\""));
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_collector_it_shows_both_and_says_when_one_does_not_answer() {
    let place = Place::new();
    let mut collecting = collector(&place, &["--set", "schedule.first_save=0s"]).await;
    let mut dashboard = Dashboard::start(&place, &SEPARATE).await;
    let shown = until("both are there", async || {
        let shown = page(&dashboard, "en").await.body;
        (shown.contains("samples and saves</td>") && shown.contains("done, 0 failed")).then_some(shown)
    })
    .await;
    for part in
        ["recipe-monitoring-collector <span", "recipe-monitoring-dashboard <span", ">shows</td>", ">Collector</th>"]
    {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert_eq!(collecting.end(Signal::KILL).await, None);
    let shown = until("it is missed", async || {
        let shown = page(&dashboard, "en").await.body;
        shown.contains("does not answer on this host").then_some(shown)
    })
    .await;
    // What only the collector counts is not made up.
    assert!(shown.contains("Samples kept</dt><dd>–</dd>"), "{shown}");
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}
