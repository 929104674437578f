//! The pages for users, tokens and one's own account.

use jiff::SignedDuration;
use serde_json::json;

use super::{FORM, PASSWORD, session, with_users};
use crate::helpers::{Dashboard, Place, until};

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_has_users_and_tokens_and_what_is_wrong_stands_beside_its_field() {
    let place = Place::new();
    let access = with_users(&place).await;
    let dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    let admin = session(&access, "admin", SignedDuration::ZERO);
    let post = async |body: &str| dashboard.request("POST /users", &[FORM, &admin, "Accept-Language: en"], body).await;
    let page = dashboard.get("/users", &[&admin, "Accept-Language: ja"]).await;
    assert!(page.status == 200 && page.body.contains("API トークン"), "{}", page.body);

    assert_eq!(post("do=add&name=ken&role=operator&password=long+enough+one").await.status, 303);
    for (body, part) in [
        (
            "do=add&name=ken&role=viewer&password=long+enough+one",
            "id=\"name-error\">name = &quot;ken&quot;: there is such a user",
        ),
        ("do=add&name=a+b&role=viewer&password=long+enough+one", "id=\"name-error\""),
        ("do=add&name=mika&role=viewer&password=short", "id=\"password-error\">password: use at least 10 characters"),
        ("do=remove&name=admin", "is the last admin"),
        ("do=role&name=admin&role=viewer", "is the last admin"),
        ("do=remove&name=nobody", "is not known"),
        ("do=token_add&name=ci", "choose at least one of"),
        ("do=token_add&name=ci&scope=read&days=x", "id=\"days-error\""),
    ] {
        let answer = post(body).await;
        assert!(answer.status == 400 && answer.body.contains(part), "{body}: {} {}", answer.status, answer.body);
    }
    for body in ["do=add&name=a&role=king&password=x", "do=other", "do=token_add&name=ci&scope=all"] {
        assert_eq!(post(body).await.json()["error"]["code"], "invalid", "{body}");
    }
    assert_eq!(post("do=role&name=ken&role=admin").await.status, 303);
    assert_eq!(post("do=password&name=ken&password=another+long+one").await.status, 303);
    assert_eq!(super::log_in(&dashboard, "ken", "another long one").await.status, 303);

    let made = post("do=token_add&name=prometheus&scope=metrics&scope=ingest&days=30").await;
    let token = made.body.split("<code class=\"token\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(token.starts_with("rmt_"), "{token}");
    assert!(!dashboard.get("/users", &[&admin]).await.body.contains(&token), "it is shown once");
    assert!(!std::fs::read_to_string(place.data_dir().join("access.json")).unwrap().contains(&token));
    let bearer = format!("Authorization: Bearer {token}");
    let scraped = until("a reading", async || {
        Some(dashboard.get("/metrics", &[&bearer]).await).filter(|answer| answer.body.contains("\ncpu_usage{host="))
    })
    .await;
    assert_eq!(scraped.status, 200);
    let event = json!({ "event": "recipe_created" }).to_string();
    let pushed = dashboard.request("POST /api/v1/events", &[&bearer, "Content-Type: application/json"], &event).await;
    assert!(pushed.status < 300, "{}", pushed.body);
    let refused = dashboard.get("/api/v1/current", &[&bearer]).await;
    assert!(refused.status == 403 && refused.body.contains("the scope read"), "{}", refused.body);
    assert_eq!(post("do=token_remove&name=prometheus").await.status, 303);
    assert_eq!(dashboard.get("/metrics", &[&bearer]).await.json()["error"]["code"], "invalid_token");

    assert_eq!(post("do=remove&name=admin").await.status, 303, "ken is admin, too");
    assert_eq!(dashboard.get("/users", &[&admin]).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_have_their_own_account_and_no_other() {
    let place = Place::new();
    let access = with_users(&place).await;
    let dashboard = Dashboard::start(&place, &[]).await;
    let viewer = session(&access, "viewer", SignedDuration::ZERO);
    let other = session(&access, "viewer", SignedDuration::from_hours(1));
    let of_admin = session(&access, "admin", SignedDuration::ZERO);
    let page = dashboard.get("/account", &[&viewer, "Accept-Language: en"]).await;
    assert!(page.status == 200 && page.body.contains("Change the password"), "{}", page.body);
    assert!(!page.body.contains("href=\"users\""), "it is no admin's");
    let post =
        async |body: &str| dashboard.request("POST /account", &[FORM, &viewer, "Accept-Language: en"], body).await;
    let end = |header: &str| format!("do=end&session={}", super::digest_of(header).short());
    assert_eq!(post(&end(&of_admin)).await.status, 400);
    assert_eq!(dashboard.get("/users", &[&of_admin]).await.status, 200);
    assert_eq!(post(&end(&other)).await.status, 303);
    assert_eq!(dashboard.get("/account", &[&other]).await.status, 401);
    for (body, status, part) in [
        ("do=password&now=wrong&password=long+enough+one&again=long+enough+one".to_owned(), 403, "id=\"now-error\""),
        (
            format!("do=password&now={0}&password=short&again=short", PASSWORD.replace(' ', "+")),
            400,
            "id=\"password-error\"",
        ),
        ("do=password&now=x&password=long+enough+one&again=long+enough+two".to_owned(), 400, "id=\"again-error\""),
    ] {
        let answer = post(&body).await;
        assert!(answer.status == status && answer.body.contains(part), "{body}: {} {}", answer.status, answer.body);
    }
    let refused = dashboard.get("/users", &[&viewer, "Accept: text/html", "Accept-Language: en"]).await;
    assert!(
        refused.status == 403 && refused.body.contains("this needs the role admin, and viewer is viewer"),
        "{}",
        refused.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_says_who_may() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &[]).await;
    let openapi = dashboard.get("/api/v1/openapi.json", &[]).await.json();
    assert_eq!(openapi["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let operations = openapi["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    for operation in operations {
        let takes = operation["security"].as_array().unwrap_or_else(|| panic!("{operation}"));
        let responses = &operation["responses"];
        assert_eq!(takes.is_empty(), responses["401"].is_null(), "{operation}");
    }
    assert_eq!(openapi["paths"]["/metrics"]["get"]["security"][0]["bearer"], json!(["metrics"]));
    assert_eq!(openapi["paths"]["/healthz"]["get"]["security"], json!([]));
}
