//! What is stored as markup, in the pages as they come from the server; what a browser makes of them is in
//! end2end/tests/markup.spec.ts.

use collector::rules::DEFAULT_FILE;

use crate::helpers::{Dashboard, Place, until};

const MARKUP: &str = "</title></script></style></textarea>--><iframe srcdoc=\"x\"></iframe>";

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_of_an_alert_is_text_wherever_it_is_told_also_in_the_title() {
    let place = Place::new();
    let rule =
        format!("[[rule]]\nalert = 'AlwaysOn'\nexpr = 'cpu_usage >= 0'\nseverity = 'critical'\nsummary = '{MARKUP}'\n");
    std::fs::write(place.path().join(DEFAULT_FILE), rule).unwrap();
    let dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    until("it fires", async || dashboard.get("/api/v1/alerts", &[]).await.body.contains("AlwaysOn").then_some(()))
        .await;
    for path in ["/", "/system", "/application", "/business", "/alerts", "/database"] {
        let page = dashboard.get(path, &["Accept-Language: en"]).await.body;
        let title = page.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
        assert!(title.contains("&lt;/title>") && title.contains("&lt;iframe"), "{path}: {title}");
        assert!(!page.contains("<iframe"), "{path}: {page}");
    }
}
