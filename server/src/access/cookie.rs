//! The cookie of a session.

use collector::access::{Issued, Lives};
use http::header::{COOKIE, HeaderName, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use crate::peer::Peer;

/// By HTTPS with a prefix, by which browsers refuse one that another host or an unsafe connection has set.
fn name(peer: Peer) -> &'static str {
    if peer.secure { "__Host-recipe_monitoring" } else { "recipe_monitoring" }
}

/// The session that a request says to be of.
pub(crate) fn given(headers: &HeaderMap, peer: Peer) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value: &HeaderValue| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name(peer))?.strip_prefix('='))
}

/// The header that begins a session in a browser.
pub(crate) fn session_cookie(session: &Issued, lives: Lives, peer: Peer) -> (HeaderName, String) {
    header(session.expose(), lives.whole.as_secs(), peer)
}

/// The header that takes a session out of a browser.
pub(crate) fn end_session(peer: Peer) -> (HeaderName, String) {
    header("", 0, peer)
}

fn header(value: &str, seconds: i64, peer: Peer) -> (HeaderName, String) {
    // By HTTPS every cookie is made secure on its way out.
    (SET_COOKIE, format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax", name(peer)))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn by_https_the_cookie_is_of_this_host_and_of_https_only() {
        let lives = Lives { whole: SignedDuration::from_hours(24), idle: SignedDuration::from_hours(1) };
        let session = Issued::session().unwrap();
        let end = "; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax";
        for (secure, start) in [(false, "recipe_monitoring="), (true, "__Host-recipe_monitoring=")] {
            let peer = Peer { secure, ..Peer::default() };
            let (_, header) = session_cookie(&session, lives, peer);
            assert_eq!(header, format!("{start}{}{end}", session.expose()));
            let sent = format!("lang=ja; x{start}nothing; {start}{}", session.expose());
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&sent).unwrap())]);
            assert_eq!(given(&headers, peer), Some(session.expose()));
            assert_eq!(given(&headers, Peer { secure: !secure, ..peer }), None, "one is not taken for the other");
        }
    }
}
