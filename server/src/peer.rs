//! Who asks, and whether nobody on the way can read it: what the connection says, and where that comes from a trusted
//! proxy, what the proxy says. Behind this layer a request is as the client sent it to the outermost trusted proxy: its
//! `Host` is the one that the client asked for, and what proxies said of it is gone.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use collector::config::Network;
use http::header::{FORWARDED, HOST, HeaderName};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Whoever sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Where from.
    pub(crate) address: IpAddr,
    /// Whether by HTTPS.
    pub(crate) secure: bool,
}

impl Default for Peer {
    /// Somebody of whom nothing is known.
    fn default() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), secure: false }
    }
}

impl Connected<Peer> for Peer {
    fn connect_info(peer: Peer) -> Self {
        peer
    }
}

/// That a request came through a proxy, trusted or not, by this header.
#[derive(Clone, Debug)]
pub(crate) struct Proxied(pub(crate) HeaderName);

/// Puts the [`Peer`] into the request's extensions, and [`Proxied`] where it is.
pub(crate) async fn know(State(trusted): State<Arc<[Network]>>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(connected)) = request.extensions().get().copied() {
        let (peer, host) = seen_through(&trusted, connected, request.headers());
        request.extensions_mut().insert(peer);
        if let Some(host) = host {
            request.headers_mut().insert(HOST, host);
        }
    }
    for name in [FORWARDED, FOR, PROTO, FORWARDED_HOST] {
        if request.headers_mut().remove(&name).is_some() {
            request.extensions_mut().insert(Proxied(name));
        }
    }
    next.run(request).await
}

/// What one proxy says of whom it got the request from.
#[derive(Debug, Default, PartialEq, Eq)]
struct Hop {
    address: Option<IpAddr>,
    secure: Option<bool>,
    host: Option<String>,
}

/// The peer, and the host that it asked for where a trusted proxy says so.
fn seen_through(trusted: &[Network], connected: Peer, headers: &HeaderMap) -> (Peer, Option<HeaderValue>) {
    let is_trusted = |address| trusted.iter().any(|network| network.contains(address));
    let connected = Peer { address: connected.address.to_canonical(), ..connected };
    if !is_trusted(connected.address) {
        return (connected, None);
    }
    let by_x = [FOR, PROTO, FORWARDED_HOST].iter().any(|name| headers.contains_key(name));
    let hops = match (by_x, headers.contains_key(FORWARDED)) {
        (true, false) => x_forwarded(headers),
        (false, true) => forwarded(headers),
        // A proxy sets one kind and lets the other pass as the client sent it, and nobody can tell which.
        (true, true) | (false, false) => return (connected, None),
    };
    let (mut peer, mut host) = (connected, None);
    // Each proxy adds what it knows at the end, and the first that is not trusted may have made up all before it.
    for hop in hops.into_iter().rev() {
        peer.secure = hop.secure.unwrap_or(peer.secure);
        host = hop.host.or(host);
        let Some(address) = hop.address else { break };
        peer.address = address;
        if !is_trusted(address) {
            break;
        }
    }
    (peer, host.filter(|host| host.parse::<Authority>().is_ok()).and_then(|host| HeaderValue::try_from(host).ok()))
}

/// The hops of `X-Forwarded-…`, the client's first. The lists may differ in length: most proxies add to that of the
/// addresses and set the others, which then are about the client.
fn x_forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let list = |name| -> Vec<&str> { items(headers, name, ',').collect() };
    let (addresses, schemes, hosts) = (list(FOR), list(PROTO), list(FORWARDED_HOST));
    let length = addresses.len().max(schemes.len()).max(hosts.len());
    let at = |list: &[&str], from_end: usize| {
        let place = list.len().checked_sub(from_end + 1);
        place.and_then(|place| list.get(place)).map(|item| (*item).to_owned())
    };
    (0..length)
        .rev()
        .map(|from_end| Hop {
            address: at(&addresses, from_end).and_then(|node| address_of(&node)),
            secure: at(&schemes, from_end).and_then(|scheme| is_secure(&scheme)),
            host: at(&hosts, from_end),
        })
        .collect()
}

/// The hops of `Forwarded`: RFC 7239.
fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let hop = |element: &str| {
        let mut hop = Hop::default();
        for (name, value) in split(element, ';').filter_map(|pair| pair.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => hop.address = address_of(value),
                "proto" => hop.secure = is_secure(value),
                "host" => hop.host = Some(value.to_owned()),
                _ => {}
            }
        }
        hop
    };
    items(headers, FORWARDED, ',').map(hop).collect()
}

/// The items of all headers of this name.
fn items(headers: &HeaderMap, name: HeaderName, separator: char) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(move |value| split(value, separator))
}

/// Splits where no quotes are around.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let parts = text.split(move |letter| {
        quoted ^= letter == '"';
        letter == separator && !quoted
    });
    parts.map(str::trim)
}

/// An address as proxies write it: alone, with a port, or in brackets.
fn address_of(node: &str) -> Option<IpAddr> {
    let alone = node.parse().or_else(|_| node.parse().map(|address: SocketAddr| address.ip()));
    let in_brackets = || node.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    alone.ok().or_else(in_brackets).map(|address| address.to_canonical())
}

fn is_secure(scheme: &str) -> Option<bool> {
    match scheme.to_ascii_lowercase().as_str() {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Address, scheme and host of a request from `from` with these headers; 10.0.0.0/8 is trusted.
    fn seen(from: &str, lines: &[(&'static str, &str)]) -> (String, bool, Option<String>) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let trusted = [Network::try_from("10.0.0.0/8".to_owned()).unwrap()];
        let (peer, host) = seen_through(&trusted, Peer { address: from.parse().unwrap(), secure: false }, &headers);
        (peer.address.to_string(), peer.secure, host.map(|host| host.to_str().unwrap().to_owned()))
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let all = [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "a.example")];
        assert_eq!(seen("192.0.2.9", &all), ("192.0.2.9".to_owned(), false, None));
        assert_eq!(seen("10.0.0.1", &all), ("192.0.2.1".to_owned(), true, Some("a.example".to_owned())));
        assert_eq!(seen("::ffff:10.0.0.1", &all).0, "192.0.2.1");
        let standard = [("forwarded", "for=192.0.2.1;proto=https;host=a.example")];
        assert_eq!(seen("192.0.2.9", &standard), ("192.0.2.9".to_owned(), false, None));
        assert_eq!(seen("10.0.0.1", &standard), ("192.0.2.1".to_owned(), true, Some("a.example".to_owned())));
        assert_eq!(seen("10.0.0.1", &[]), ("10.0.0.1".to_owned(), false, None));
    }

    #[test]
    fn what_a_client_claims_before_the_trusted_proxies_is_not_believed() {
        for (list, address) in [
            ("203.0.113.7, 192.0.2.1", "192.0.2.1"),
            ("203.0.113.7, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
            ("10.9.9.9, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("192.0.2.1, nonsense", "10.0.0.1"),
            ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", list)]).0, address, "{list}");
        }
        let two = [("x-forwarded-for", "203.0.113.7"), ("x-forwarded-for", "192.0.2.1")];
        assert_eq!(seen("10.0.0.1", &two).0, "192.0.2.1");
        let claimed = [
            ("x-forwarded-for", "203.0.113.7, 192.0.2.1"),
            ("x-forwarded-proto", "https, http"),
            ("x-forwarded-host", "evil.example, a.example"),
        ];
        assert_eq!(seen("10.0.0.1", &claimed), ("192.0.2.1".to_owned(), false, Some("a.example".to_owned())));
        let standard = [("forwarded", "for=203.0.113.7;proto=https;host=evil.example, for=192.0.2.1;proto=http")];
        assert_eq!(seen("10.0.0.1", &standard), ("192.0.2.1".to_owned(), false, None));
    }

    #[test]
    fn two_kinds_at_once_are_not_believed_for_one_is_the_clients() {
        let both = [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=203.0.113.7;proto=https")];
        assert_eq!(seen("10.0.0.1", &both), ("10.0.0.1".to_owned(), false, None));
    }

    #[test]
    fn a_scheme_that_only_the_outermost_proxy_sets_is_the_clients() {
        let set = [("x-forwarded-for", "192.0.2.1, 10.0.0.2"), ("x-forwarded-proto", "https")];
        assert_eq!(seen("10.0.0.1", &set), ("192.0.2.1".to_owned(), true, None));
    }

    #[test]
    fn addresses_are_read_in_all_forms() {
        for (node, address) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:47011", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:47011", "2001:db8::1"),
        ] {
            assert_eq!(address_of(node).unwrap().to_string(), address, "{node}");
        }
        for nonsense in ["unknown", "_hidden", "", "example.com", "[192.0.2.1", "1.2.3"] {
            assert_eq!(address_of(nonsense), None, "{nonsense}");
        }
        let quoted = [("forwarded", r#"For="[2001:db8::1]:47011";Proto=HTTPS;Host="a.example:8443";by="a,b;c""#)];
        assert_eq!(seen("10.0.0.1", &quoted), ("2001:db8::1".to_owned(), true, Some("a.example:8443".to_owned())));
    }

    #[test]
    fn a_host_that_is_none_is_dropped() {
        for host in ["a b", "a/b", "", "é"] {
            assert_eq!(seen("10.0.0.1", &[("x-forwarded-host", host)]).2, None, "{host}");
        }
    }
}
