//! Where messages may go: a name is resolved once, what is private is left out unless the settings
//! allow it, and the connection goes to what is left. So a name cannot point elsewhere in between.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::InJapanese;

/// No such address is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host} is at {address}, in a private network or on this machine; set {setting} = true if it is meant")]
pub(super) struct Private {
    host: String,
    address: IpAddr,
    setting: &'static str,
}

impl InJapanese for Private {
    fn ja(&self) -> String {
        let Self { host, address, setting } = self;
        format!(
            "{host} のアドレス {address} は、プライベートネットワークまたはこのマシンのものです。意図したものであれば \
             {setting} = true を設定してください"
        )
    }
}

/// Resolves names to addresses that are allowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard {
    pub(super) allow_private: bool,
    /// By which private ones are allowed.
    pub(super) setting: &'static str,
}

impl Guard {
    /// The addresses of a host that are allowed.
    ///
    /// # Errors
    ///
    /// [`Private`] within, where there are only others; else what the system says.
    pub(super) async fn resolve(self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let all: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
        let (allowed, refused): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|address| self.allow_private || is_public(address.ip()));
        match refused.first() {
            Some(address) if allowed.is_empty() => {
                Err(io::Error::other(Private { host: host.to_owned(), address: address.ip(), setting: self.setting }))
            }
            _ => Ok(allowed),
        }
    }

    /// Refuses a URL whose host is an address itself, which is never resolved.
    pub(super) fn check(self, url: &Url) -> Result<(), Private> {
        let address: Option<IpAddr> = url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse().ok());
        match address {
            Some(address) if !self.allow_private && !is_public(address) => {
                Err(Private { host: address.to_string(), address, setting: self.setting })
            }
            _ => Ok(()),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let addresses = Self::resolve(guard, name.as_str(), 0).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the Internet, by IANA's registries of special-purpose addresses:
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>,
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match inner_v4(address) {
            Some(inner) => is_public_v4(inner),
            // Global unicast, without what is set aside of it for protocols and documentation.
            None => {
                let segments = address.segments();
                let is_global = segments[0] & 0xe000 == 0x2000;
                is_global
                    && !(segments[0] == 0x2001 && segments[1] < 0x200)
                    && segments[..2] != [0x2001, 0xdb8]
                    && segments[0] != 0x3fff
            }
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || first == 0
        // Shared by providers, for protocols, for benchmarks.
        || (first == 100 && second & 0xc0 == 64)
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && second & 0xfe == 18)
        // Multicast, reserved, broadcast.
        || first >= 224;
    !is_special
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, by NAT64 or 6to4.
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let of = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => of(high, low),
        [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::assert_japanese;

    const REFUSING: Guard = Guard { allow_private: false, setting: "heartbeat_allow_private" };
    const ALLOWING: Guard = Guard { allow_private: true, ..REFUSING };

    #[test]
    fn a_private_address_is_refused_in_japanese_too() {
        let private = REFUSING.check(&"http://10.0.0.1/x".parse().unwrap()).unwrap_err();
        assert_japanese(&private.ja(), &["10.0.0.1", "heartbeat_allow_private = true"]);
    }

    #[test]
    fn what_is_private_is_told_from_what_is_public_in_every_disguise() {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.8",
            "203.0.113.5",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "::127.0.0.1",
            "fec0::1",
            "2001::1",
            "64:ff9b:1::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "64:ff9b::1.1.1.1",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_refused_unless_it_is_allowed() {
        let refused = REFUSING.resolve("localhost", 80).await.unwrap_err();
        let refused = refused.to_string();
        assert!(
            refused.starts_with("localhost is at ") && refused.contains("set heartbeat_allow_private = true"),
            "{refused}"
        );
        assert!(!ALLOWING.resolve("localhost", 80).await.unwrap().is_empty());
        for (url, is_allowed) in
            [("http://[::1]/", false), ("http://0x7f.1/", false), ("http://1.1.1.1/", true), ("http://name/", true)]
        {
            let url = Url::parse(url).unwrap();
            assert_eq!(REFUSING.check(&url).is_ok(), is_allowed, "{url}");
        }
    }
}
