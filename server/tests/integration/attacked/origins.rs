//! Pages of other sites that want to follow the live feed with what the browser knows of ours.

use jiff::SignedDuration;

use super::line::Line;
use crate::access::{session, token, with_users};
use crate::helpers::{Dashboard, Place};

/// Status of the answer to a websocket's request with these headers.
async fn status(host: &str, headers: &[&str]) -> u16 {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!(
        "GET /api/v1/live HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    Line::to(host).ask(request.as_bytes()).await.unwrap_or_else(|| panic!("no answer to {headers}")).status
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_origin_follows_the_live_feed_with_a_session_of_ours() {
    let place = Place::new();
    let access = with_users(&place).await;
    let dashboard = Dashboard::start(&place, &[]).await;
    let host = dashboard.host.as_str();
    let (_, port) = host.rsplit_once(':').unwrap();
    let cookie = session(&access, "admin", SignedDuration::ZERO);
    for origin in [
        "null",
        "",
        "http://evil.example",
        &format!("http://{host}.evil.example"),
        &format!("http://evil.example/{host}"),
        &format!("http://evil.example#{host}"),
        &format!("http://evil{host}"),
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        &format!("http://127.0.0.1:0{port}"),
        &format!("http://localhost:{port}"),
        &format!("http://[::ffff:127.0.0.1]:{port}"),
        &format!("http://2130706433:{port}"),
        &format!("ws://{host}"),
        &format!("ftp://{host}"),
        &format!("//{host}"),
        host,
        &format!("http://user@{host}"),
        &format!("http://{host}@evil.example"),
        &format!("http://127.0.0.1.:{port}"),
        &format!("http://{host}/"),
        &format!("HTTP://{host}"),
        &format!("http:\\\\{host}"),
        &format!("http://{host} http://evil.example"),
        &format!("http://evil.example, http://{host}"),
        &format!("http://xn--127-0b4d.0.0.1:{port}"),
        &format!("http://１２７.0.0.1:{port}"),
        &format!("http://127。0。0。1:{port}"),
        &format!("http://{host}\u{0}"),
    ] {
        let header = format!("Origin: {origin}");
        let got = status(host, &[&header, &cookie]).await;
        // What no header may have in it is refused before anybody looks at it.
        let expected = if origin.contains('\0') { 400 } else { 403 };
        assert_eq!(got, expected, "{header}");
    }
    let own = format!("Origin: http://{host}");
    // Two of them, of which one is right.
    assert_eq!(status(host, &["Origin: http://evil.example", &own, &cookie]).await, 403);
    assert_eq!(status(host, &[&own, "Origin: http://evil.example", &cookie]).await, 403);
    // The page's own host, of which the browser says that another site asks.
    assert_eq!(status(host, &[&own, "Sec-Fetch-Site: cross-site", &cookie]).await, 403);
    // Every browser says where a websocket comes from: who has a cookie and does not is none of ours.
    assert_eq!(status(host, &[&cookie]).await, 403);

    assert_eq!(status(host, &[&own, &cookie]).await, 101);
    assert_eq!(status(host, &[&own]).await, 401);
    let program = token(&access, "screen", collector::access::Scope::Read, SignedDuration::from_hours(1));
    assert_eq!(status(host, &[&program]).await, 101, "a program has no origin");
}
