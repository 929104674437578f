//! What is on the wire besides the answers: which pages may do what, headers, proxies, the base path.

use crate::helpers::{Answer, Dashboard, Place, ask, next_event};
use collector::Payload;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const JSON: &str = "Content-Type: application/json";

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_runs_only_what_has_the_nonce_of_this_very_answer() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &[]).await;
    let mut nonces = Vec::new();
    for path in ["/", "/system", "/application", "/business", "/alerts", "/database", "/api", "/no/such/page"] {
        // Headers are in lower case there, and a nonce is not.
        let page = dashboard.get(path, &[]).await;
        let policy = header(&page, "content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self' 'nonce-",
            "'wasm-unsafe-eval'",
            "frame-ancestors 'none'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap().to_owned();
        assert!(nonce.len() >= 22, "{policy}");
        for script in page.body.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap();
            let own = tag.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
            assert!(tag.contains("src=\"./") || own.to_lowercase() == nonce, "{path}: <script{tag}>");
        }
        let lower = page.body.to_lowercase();
        for forbidden in [" style=\"", "<style>", " onclick=", " onload=", "javascript:"] {
            assert!(!lower.contains(forbidden), "{path} has {forbidden}");
        }
        nonces.push(nonce);
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 8, "each answer has its own");

    let answer = dashboard.get("/api/v1/current", &[]).await;
    let policy = header(&answer, "content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("nonce"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "deny"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(header(&answer, name), Some(value));
    }
    assert!(header(&answer, "permissions-policy").is_some_and(|policy| policy.contains("camera=()")));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_made_for_a_page_of_another_site() {
    let place = Place::new();
    let allowed = "server.allowed_origins=[\"https://allowed.example\"]";
    let dashboard = Dashboard::start(&place, &["--set", allowed]).await;
    let own = format!("Origin: http://{}", dashboard.host);
    for (line, kind, body) in [
        ("POST /preferences", FORM, "lang=ja"),
        ("POST /dashboard", FORM, "reset=1"),
        ("POST /alerts/act", FORM, "do=end_silence"),
        ("POST /annotations", FORM, "do=remove"),
        ("POST /api/v1/annotations", JSON, r#"{"text":"a"}"#),
        ("DELETE /api/v1/silences/1", JSON, ""),
        ("POST /api/v1/events", JSON, r#"{"event":"a"}"#),
        ("POST /v1/metrics", JSON, "{}"),
        ("POST /api/snapshot", JSON, r#"{"search":""}"#),
        ("PUT /no/such/thing", JSON, ""),
    ] {
        for foreign in ["Origin: https://example.com", "Origin: null", "Sec-Fetch-Site: cross-site"] {
            let answer = dashboard.request(line, &[kind, foreign], body).await;
            assert_eq!(answer.status, 403, "{line} {foreign}");
            let error = &answer.json()["error"];
            assert_eq!((error["code"].as_str(), error["field"].as_str()), (Some("foreign_origin"), Some("origin")));
        }
        for good in [&own[..], "Origin: https://allowed.example", "Accept: */*"] {
            assert_ne!(dashboard.request(line, &[kind, good], body).await.status, 403, "{line} {good}");
        }
    }
    assert_eq!(dashboard.get("/", &["Origin: https://example.com", "Sec-Fetch-Site: cross-site"]).await.status, 200);
    assert!(dashboard.try_connect("", Some("https://allowed.example")).await.is_ok());
    match dashboard.try_connect("", Some("https://allowed.example.com")).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status().as_u16(), 403),
        other => panic!("{other:?}"),
    }
}

/// Behind a proxy one has to log in, unless it is said in words that nobody has to.
const OPEN: [&str; 4] =
    ["--set", "access.mode=open", "--set", "access.unprotected=everybody may read and change everything"];

#[tokio::test(flavor = "multi_thread")]
async fn only_a_trusted_proxy_makes_a_request_a_safe_one() {
    let place = Place::new();
    let from_outside =
        ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: monitoring.example", FORM];
    let origin = "Origin: https://monitoring.example";
    let with_origin = [&from_outside[..], &[origin]].concat();
    {
        let dashboard = Dashboard::start(&place, &OPEN).await;
        let answer = dashboard.request("POST /preferences", &from_outside, "lang=ja").await;
        assert_eq!(header(&answer, "strict-transport-security"), None);
        assert_eq!(header(&answer, "set-cookie"), Some("lang=ja; path=/; max-age=31536000; samesite=lax"));
        assert_eq!(dashboard.request("POST /preferences", &with_origin, "lang=ja").await.status, 403);
    }
    let trusting = [&OPEN[..], &["--set", "server.trusted_proxies=[\"127.0.0.0/8\"]"]].concat();
    let dashboard = Dashboard::start(&place, &trusting).await;
    let answer = dashboard.request("POST /preferences", &with_origin, "lang=ja").await;
    assert_eq!(answer.status, 303);
    assert_eq!(header(&answer, "strict-transport-security"), Some("max-age=31536000"));
    assert_eq!(header(&answer, "set-cookie"), Some("lang=ja; path=/; max-age=31536000; samesite=lax; secure"));
    // A page that came in the clear is another one.
    let mut in_the_clear = from_outside.to_vec();
    in_the_clear.push("Origin: http://monitoring.example");
    assert_eq!(dashboard.request("POST /preferences", &in_the_clear, "lang=ja").await.status, 403);
    // What the page tells how to connect is where it was reached, and its cookies are safe.
    let page = dashboard.get("/", &from_outside).await.body;
    assert!(page.contains("OTEL_EXPORTER_OTLP_ENDPOINT=https://monitoring.example "), "{page}");
    assert!(page.contains("data-cookie=\"; Path=/; SameSite=Lax; Secure\""), "{page}");
    let standard = ["Forwarded: for=192.0.2.1;proto=https;host=monitoring.example"];
    assert!(header(&dashboard.get("/", &standard).await, "strict-transport-security").is_some());
    assert!(header(&dashboard.get("/", &[]).await, "strict-transport-security").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_base_path_everything_is_there_and_nothing_beside_it() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &["--set", "server.base_path=/monitoring"]).await;
    let host = dashboard.host.strip_suffix("/monitoring").unwrap();
    let get = async |path: &str| ask(host, &format!("GET {path}"), &[], "").await;
    for path in ["/", "/monitoring"] {
        let answer = get(path).await;
        assert_eq!((answer.status, header(&answer, "location")), (307, Some("/monitoring/")), "{path}");
    }
    for beside in ["/system", "/monitoringx", "/healthz", "/pkg/page.0123456789abcdef.css"] {
        let answer = get(beside).await;
        assert_eq!(answer.status, 404, "{beside}");
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains("/monitoring/"));
    }
    assert_eq!(get("/monitoring/healthz").await.status, 200);
    let file = get("/monitoring/pkg/page.0123456789abcdef.css").await;
    assert_eq!((file.status, header(&file, "cache-control")), (200, Some("public, max-age=31536000, immutable")));
    assert_eq!(get("/monitoring/api/v1/openapi.json").await.json()["servers"][0]["url"], "/monitoring");

    for path in ["/", "/system", "/application", "/business", "/alerts", "/database", "/api", "/no/such/page"] {
        let page = get(&format!("/monitoring{path}")).await;
        assert_eq!(page.status, if path == "/no/such/page" { 404 } else { 200 });
        assert!(page.body.contains("data-base=\"/monitoring\""));
        assert!(page.body.contains("data-cookie=\"; Path=/monitoring/; SameSite=Lax\""));
        for attribute in [" href=\"", " src=\"", " action=\"", " data-app=\"", " data-wasm=\"", " data-echarts=\""] {
            for link in page.body.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap()) {
                assert!(!link.starts_with('/'), "{path}: {attribute}{link}");
            }
        }
        assert_eq!(page.body.contains("<base href=\"../../\">"), path == "/no/such/page", "{path}");
    }
    let request = |back: &str| format!("lang=ja&return={back}");
    let set = ask(host, "POST /monitoring/preferences", &[FORM], &request(".%2Fsystem%3Frange%3D1h")).await;
    assert_eq!((set.status, header(&set, "location")), (303, Some("/monitoring/system?range=1h")));
    assert_eq!(header(&set, "set-cookie"), Some("lang=ja; path=/monitoring/; max-age=31536000; samesite=lax"));
    let act = ask(host, "POST /monitoring/alerts/act", &[FORM], "do=nothing").await;
    assert_eq!(header(&act, "location"), Some("/monitoring/alerts"));

    let live = format!("ws://{host}/monitoring/api/v1/live").into_client_request().unwrap();
    let (mut socket, _) = connect_async(live).await.unwrap();
    assert!(matches!(next_event(&mut socket).await.payload, Payload::Hello(_)));
}
