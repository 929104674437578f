//! Log-in, log-out and how sessions end.

use collector::access::Scope;
use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use tokio_tungstenite::tungstenite::Error;

use super::{FORM, PASSWORD, change, closed, connect, digest_of, log_in, mode, session, token, with_users};
use crate::helpers::{Dashboard, Place, until};

/// As a browser asks.
const PAGE: &str = "Accept: text/html,application/xhtml+xml,*/*;q=0.8";

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_led_to_the_log_in_and_back_and_never_to_another_site() {
    let place = Place::new();
    with_users(&place).await;
    std::fs::write(place.path().join("site/pkg/recipe-monitoring.0123.css"), "a{}").unwrap();
    let mut dashboard = Dashboard::start(&place, &[]).await;
    let led = dashboard.get("/alerts?range=6h", &[PAGE]).await;
    assert_eq!(led.status, 303);
    assert!(led.headers.contains("location: /login?next=%2falerts%3frange%3d6h"), "{}", led.headers);
    let page = dashboard.get("/login?next=%2Falerts%3Frange%3D6h", &[PAGE, "Accept-Language: en"]).await;
    assert_eq!(page.status, 200);
    for part in [
        "value=\"/alerts?range=6h\"",
        "type=\"password\"",
        "autocomplete=\"current-password\"",
        "href=\"./pkg/recipe-monitoring.0123.css\"",
    ] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    assert!(page.headers.contains("cache-control: no-store"), "{}", page.headers);
    let japanese = dashboard.get("/login", &[PAGE, "Accept-Language: ja"]).await;
    assert!(japanese.body.contains("lang=\"ja\"") && japanese.body.contains("パスワード"), "{}", japanese.body);

    let inside = log_in(&dashboard, "viewer", PASSWORD).await;
    assert_eq!((inside.status, inside.headers.contains("location: /system\r\n")), (303, true), "{}", inside.headers);
    let cookie = inside.cookies();
    assert!(inside.headers.contains("; path=/; max-age=2592000; httponly; samesite=lax"), "{}", inside.headers);
    let own = dashboard.get("/system", &[PAGE, &cookie, "Accept-Language: en"]).await;
    assert_eq!(own.status, 200);
    assert!(own.body.contains("<strong>viewer</strong>") && own.body.contains("action=\"logout\""), "who it is");
    for foreign in ["//evil.example", "/\\evil.example", "https://evil.example/", "/%0d%0aX: y", "javascript:alert(1)"]
    {
        let body = format!("name=viewer&password={}&next={foreign}", PASSWORD.replace(' ', "+"));
        let answer = dashboard.request("POST /login", &[FORM], &body).await;
        assert!(answer.status == 303 && answer.headers.contains("location: /\r\n"), "{foreign}: {}", answer.headers);
    }
    let other_site = dashboard.request("POST /login", &[FORM, "Origin: https://evil.example"], "name=viewer").await;
    assert_eq!(other_site.status, 403);

    let out = dashboard.request("POST /logout", &[&cookie], "").await;
    assert!(out.status == 303 && out.headers.contains("max-age=0"), "{}", out.headers);
    assert_eq!(dashboard.get("/api/v1/current", &[&cookie]).await.status, 401);
    assert_eq!(mode(&place.data_dir().join("access.json")), 0o600);
    let kept = std::fs::read_to_string(place.data_dir().join("access.json")).unwrap();
    assert!(!kept.contains(cookie.rsplit('=').next().unwrap()), "a session's secret is not kept");
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
    assert!(!dashboard.running.log().contains(PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_log_ins_are_alike_and_soon_have_to_wait() {
    let place = Place::new();
    with_users(&place).await;
    let dashboard = Dashboard::start(&place, &[]).await;
    let wrong = log_in(&dashboard, "admin", "not the password").await;
    let unknown = log_in(&dashboard, "nobody", "not the password").await;
    assert_eq!((wrong.status, unknown.status), (401, 401));
    assert_eq!(wrong.body.replace("admin", "nobody"), unknown.body, "nothing tells whether there is such a user");
    assert!(wrong.body.contains("role=\"alert\"") && wrong.body.contains("aria-describedby=\"password-error\""));
    let waits = until("a wait", async || {
        Some(log_in(&dashboard, "admin", "not the password").await).filter(|answer| answer.status == 429)
    })
    .await;
    assert!(waits.headers.contains("retry-after: "), "{}", waits.headers);
    // Also what would be right has to wait, and is let in then.
    let right = until("the end of the wait", async || {
        Some(log_in(&dashboard, "admin", PASSWORD).await).filter(|answer| answer.status != 429)
    })
    .await;
    assert_eq!(right.status, 303, "{}", right.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_end_with_what_they_were_opened_by() {
    let place = Place::new();
    let access = with_users(&place).await;
    let dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    match connect(&dashboard, "").await {
        Err(Error::Http(answer)) => assert_eq!(answer.status().as_u16(), 401),
        other => panic!("{other:?}"),
    }
    let new = || session(&access, "operator", SignedDuration::ZERO);
    let (here, there, third) = (new(), new(), new());
    let kept = connect(&dashboard, &here).await.unwrap();
    let other = connect(&dashboard, &there).await.unwrap();
    let body =
        format!("do=password&now={0}&password=another+long+one&again=another+long+one", PASSWORD.replace(' ', "+"));
    let changed = dashboard.request("POST /account", &[FORM, &here], &body).await;
    assert_eq!(changed.status, 303, "{}", changed.body);
    assert_eq!(closed(other).await, 4401);
    for gone in [&there, &third] {
        assert_eq!(dashboard.get("/api/v1/current", &[gone]).await.status, 401);
    }
    assert_eq!(dashboard.get("/api/v1/current", &[&here]).await.status, 200);
    assert_eq!(log_in(&dashboard, "operator", PASSWORD).await.status, 401);
    assert_eq!(log_in(&dashboard, "operator", "another long one").await.status, 303);

    dashboard.request("POST /logout", &[&here], "").await;
    assert_eq!(closed(kept).await, 4401, "logged out");
    // What the command line changes, in another process, counts as much.
    let lowered = connect(&dashboard, &new()).await.unwrap();
    change(&access, |contents| contents.set_role("operator", collector::access::Role::Viewer).unwrap());
    assert_eq!(closed(lowered).await, 4401, "another role");
    let removed = connect(&dashboard, &new()).await.unwrap();
    change(&access, |contents| contents.remove_user("operator").unwrap());
    assert_eq!(closed(removed).await, 4401, "no user any more");
    let reading = token(&access, "reading", Scope::Read, SignedDuration::from_hours(1));
    let program = connect(&dashboard, &reading).await.unwrap();
    change(&access, |contents| contents.remove_token("reading").unwrap());
    assert_eq!(closed(program).await, 4401, "no token any more");
    let ending = session(&access, "viewer", SignedDuration::from_hours(7 * 24) - SignedDuration::from_secs(2));
    // Its use is noted, and so it goes on.
    assert_eq!(dashboard.get("/api/v1/current", &[&ending]).await.status, 200);
    until("the use is noted", async || {
        let contents = access.contents();
        let lives = super::LIVES;
        let (_, session) = contents.session(&digest_of(&ending), lives, Timestamp::now())?;
        (Timestamp::now().duration_since(session.seen_at) < SignedDuration::from_mins(1)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_survive_a_restart() {
    let place = Place::new();
    with_users(&place).await;
    let mut dashboard = Dashboard::start(&place, &[]).await;
    let cookie = log_in(&dashboard, "viewer", PASSWORD).await.cookies();
    assert_eq!(dashboard.running.end(Signal::KILL).await, None);
    let dashboard = Dashboard::start(&place, &[]).await;
    assert_eq!(dashboard.get("/api/v1/current", &[&cookie]).await.status, 200);
}
