//! What is open, and what is protected.

use collector::access::Role;
use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;

use super::{FORM, access, change, connect, session, with_users};
use crate::helpers::{Dashboard, Place, outcome};

const PAGE: &str = "Accept: text/html";

/// A dashboard for all addresses, asked by that of this machine.
async fn for_all(place: &Place, arguments: &[&str]) -> Dashboard {
    let arguments: Vec<_> = ["--address", "0.0.0.0:0"].iter().chain(arguments).copied().collect();
    let mut dashboard = Dashboard::start(place, &arguments).await;
    dashboard.host = dashboard.host.replace("0.0.0.0", "127.0.0.1");
    dashboard
}

#[tokio::test(flavor = "multi_thread")]
async fn for_this_machine_alone_it_is_open_until_there_is_a_user_and_to_no_other_name() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &[]).await;
    assert_eq!(dashboard.get("/api/v1/current", &[]).await.status, 200);
    for (header, status) in [
        ("Host: evil.example:5001", 403),
        ("Host: 127.0.0.1.evil.example", 403),
        ("Host: localhost:5001", 200),
        ("Host: [::1]", 200),
        ("Host: 127.0.0.1\r\nX-Forwarded-For: 192.0.2.1", 403),
        ("Host: 127.0.0.1\r\nForwarded: for=192.0.2.1", 403),
    ] {
        let (got, body) = raw(&dashboard.host, &format!("GET /api/v1/current HTTP/1.0\r\n{header}\r\n\r\n")).await;
        assert_eq!(got, status, "{header}: {body}");
        assert!(status == 200 || body.contains("recipe-monitoring-collector user add"), "{body}");
    }
    // The first user closes it, also to websockets that are open.
    let open = connect(&dashboard, "").await.unwrap();
    let wrong =
        dashboard.request("POST /users", &[FORM], "do=add&name=mika&role=viewer&password=long+enough+one").await;
    assert!(wrong.status == 400 && wrong.body.contains("role"), "{}", wrong.body);
    let added = dashboard.request("POST /users", &[FORM], "do=add&name=mika&role=admin&password=long+enough+one").await;
    assert_eq!(added.status, 303, "{}", added.body);
    assert_eq!(dashboard.get("/api/v1/current", &[]).await.status, 401);
    assert_eq!(super::closed(open).await, 4401);
    // Under whatever name, now that one has to log in.
    let (status, _) = raw(&dashboard.host, "GET /login HTTP/1.0\r\nHost: evil.example\r\n\r\n").await;
    assert_eq!(status, 200);
    assert_eq!(super::log_in(&dashboard, "mika", "long enough one").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn for_all_addresses_everything_is_locked_until_the_first_admin_is_made_by_the_token_of_the_start() {
    let place = Place::new();
    let mut dashboard = for_all(&place, &[]).await;
    let locked = dashboard.get("/", &[PAGE]).await;
    assert!(locked.status == 303 && locked.headers.contains("location: /first-admin"), "{}", locked.headers);
    let api = dashboard.get("/api/v1/current", &[]).await;
    assert!(api.status == 401 && api.body.contains("/first-admin"), "{}", api.body);
    assert_eq!(dashboard.get("/healthz", &[]).await.status, 200);
    let token_of = |dashboard: &Dashboard| {
        let line = dashboard.running.log();
        let lines = line.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        lines.into_iter().find_map(|line| Some(line["token"].as_str()?.to_owned())).unwrap()
    };
    let old = token_of(&dashboard);
    dashboard.running.end(Signal::TERM).await;
    let dashboard = for_all(&place, &[]).await;
    let token = token_of(&dashboard);
    assert_ne!(token, old, "each start has its own");
    let make = async |token: &str, password: &str, again: &str| {
        let body = format!("token={token}&name=mika&password={password}&again={again}");
        dashboard.request("POST /first-admin", &[FORM], &body).await
    };
    assert_eq!(make(&old, "long+enough+one", "long+enough+one").await.status, 403);
    assert_eq!(make("", "long+enough+one", "long+enough+one").await.status, 403);
    assert_eq!(make(&token, "short", "short").await.status, 400);
    assert_eq!(make(&token, "long+enough+one", "long+enough+two").await.status, 400);
    let made = make(&token, "long+enough+one", "long+enough+one").await;
    assert_eq!(made.status, 303, "{}", made.body);
    assert_eq!(dashboard.get("/users", &[&made.cookies()]).await.status, 200);
    let users = access(&place).contents();
    assert_eq!(
        users.users().iter().map(|user| (user.name.as_str(), user.role)).collect::<Vec<_>>(),
        [("mika", Role::Admin)]
    );
    // Once.
    let again = make(&token, "long+enough+one", "long+enough+one").await;
    assert!(again.status == 303 && again.headers.contains("location: /\r\n"), "{}", again.headers);
    assert_eq!(access(&place).contents().users().len(), 1);
    assert!(dashboard.get("/first-admin", &[PAGE]).await.headers.contains("location: /\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn unprotected_for_all_addresses_takes_the_words() {
    let place = Place::new();
    let error = refused(&place, &["--address", "0.0.0.0:0", "--set", "access.mode=open"]);
    for part in ["access.mode", "open", "access.unprotected", "everybody may read and change everything"] {
        assert!(error.contains(part), "{error}");
    }
    let error = refused(&place, &["--set", "access.mode=open", "--set", "access.unprotected=yes"]);
    assert!(error.contains("access.unprotected = yes"), "{error}");
    let words = "access.unprotected=everybody may read and change everything";
    let dashboard = for_all(&place, &["--set", "access.mode=open", "--set", words]).await;
    let (status, _) =
        raw(&dashboard.host, "GET /users HTTP/1.0\r\nHost: any.example\r\nX-Forwarded-For: ::1\r\n\r\n").await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_page_can_be_read_by_everybody_and_changed_by_nobody() {
    let place = Place::new();
    let access = with_users(&place).await;
    let dashboard = Dashboard::start(&place, &["--set", "access.public_read=true"]).await;
    for path in ["/", "/api/v1/current", "/api/v1/alerts", "/api"] {
        assert_eq!(dashboard.get(path, &[]).await.status, 200, "{path}");
    }
    let page = dashboard.get("/system", &["Accept-Language: en"]).await;
    assert!(page.body.contains("<a href=\"login\""), "{}", page.body);
    assert!(connect(&dashboard, "").await.is_ok());
    for line in [
        "POST /api/v1/silences",
        "POST /alerts/act",
        "POST /annotations",
        "GET /users",
        "GET /audit",
        "GET /metrics",
        "POST /api/v1/events",
    ] {
        assert_eq!(dashboard.request(line, &[], "").await.status, 401, "{line}");
    }
    assert_eq!(dashboard.get("/account", &[PAGE]).await.status, 303);
    let operator = session(&access, "operator", SignedDuration::ZERO);
    assert_eq!(dashboard.request("POST /alerts/act", &[FORM, &operator], "do=nothing").await.status, 303);
    let foreign =
        dashboard.request("POST /dashboard", &[FORM, &operator, "Origin: https://evil.example"], "reset=1").await;
    assert_eq!(foreign.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_opens_nothing() {
    let place = Place::new();
    let file = place.data_dir().join("access.json");
    std::fs::create_dir_all(place.data_dir()).unwrap();
    std::fs::write(&file, "{}").unwrap();
    let error = refused(&place, &[]);
    assert!(error.contains("access.json"), "{error}");
    std::fs::remove_file(&file).unwrap();
    let access = access(&place);
    change(&access, |contents| contents.add_user("mika", Role::Admin, String::new(), Timestamp::now()).unwrap());
    let dashboard = Dashboard::start(&place, &[]).await;
    std::fs::remove_file(&file).unwrap();
    assert_eq!(dashboard.get("/api/v1/current", &[]).await.status, 401);
}

/// Why the program does not start.
fn refused(place: &Place, arguments: &[&str]) -> String {
    let output = outcome(place.program(arguments));
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

/// Status and body of a request that is sent as it is.
async fn raw(host: &str, text: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    crate::helpers::soon("an answer", stream.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}
