//! The dashboard's port: whether it is ours, free, or somebody else's.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;

use super::{Answer, Examination, Finding, advice, off_thread};
use crate::config::{CollectorMode, Server};

/// What the program is called, of which the kernel keeps 15 bytes.
const NAME: &str = "recipe-monitoring-dashboard";
const KEPT: usize = 15;
/// How long the dashboard may take to answer.
const ANSWER: Duration = Duration::from_secs(3);
/// Of its answer, which is shorter.
const MOST_BYTES: usize = 64 << 10;
/// A socket that listens, in `/proc/net/tcp`: proc_net(5).
const LISTENS: &str = "0A";

/// Who listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listener {
    uid: u32,
    /// Name and number, where we may see them.
    process: Option<(String, i32)>,
}

impl Examination {
    pub(super) async fn look_at_dashboard(&self) -> Answer {
        if self.is_wrong("server") {
            return Answer::skipped("its setting is not valid");
        }
        let address = self.settings.server.address;
        let listener = match off_thread(move || listener(address)).await {
            Some(listener) => listener,
            None => return Answer::skipped("it could not be looked at"),
        };
        let Some(listener) = listener else {
            let runs_elsewhere = self.owner.as_ref().is_some_and(|owner| owner.name.starts_with(NAME));
            if runs_elsewhere {
                return Answer::ok(format!("{address} is free: the dashboard listens where its flags say"));
            }
            let cause = format!("nobody listens on {address}: the dashboard does not run");
            let mut command = advice::own(self, NAME);
            if self.owner.is_some() && self.settings.server.collector == CollectorMode::InProcess {
                // Beside the collector that runs.
                command += " --set server.collector=separate";
            }
            let remedy = "start it, where pages are to be served from this host";
            return Finding::warning("not_running", cause, remedy).with([command]).into();
        };
        let who = match &listener.process {
            Some((name, pid)) => format!("{name} (process {pid})"),
            None => format!("a process of the user {}", listener.uid),
        };
        let answer = tokio::time::timeout(ANSWER, is_ours(&self.settings.server)).await;
        let is_named_so = listener.process.as_ref().is_some_and(|(name, _)| *name == NAME[..KEPT]);
        match (answer, is_named_so) {
            (Ok(true), _) => Answer::ok(format!("the dashboard answers at {}, as {who}", url(&self.settings.server))),
            (_, true) => {
                let cause = format!("{who} listens on {address} and does not answer within {ANSWER:?}");
                let remedy = "see its log, and whether it is stopped (T) by a signal: kill -CONT lets it go on";
                let command = listener.process.map(|(_, pid)| format!("ps -o pid,stat,etime,args -p {pid}"));
                Finding::trouble("hanging", cause, remedy).with(command).into()
            }
            _ => {
                let cause = format!("{address} is taken by {who}, which is not the dashboard");
                let remedy = "end that, or give the dashboard another port";
                let other = SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(5_001));
                let see = listener.process.map_or_else(
                    || format!("sudo ss -ltnp 'sport = :{}'", address.port()),
                    |(_, pid)| format!("ps -o pid,user,args -p {pid}"),
                );
                let command = format!("{} --set server.address={other}", advice::own(self, NAME));
                Finding::trouble("port_taken", cause, remedy).with([see, command]).into()
            }
        }
    }
}

/// Where the dashboard is, as it is set up.
fn url(server: &Server) -> String {
    let scheme = if server.has_tls() { "https" } else { "http" };
    format!("{scheme}://{}{}/", server.address, server.base_path)
}

/// Whether our dashboard answers there.
async fn is_ours(server: &Server) -> bool {
    let (_, text) = readiness(server).await.unwrap_or_default();
    text.contains("\"parts\"") && text.contains("\"postgresql\"") && text.contains("\"paging_error\"")
}

/// What it says of itself, after the status.
pub(crate) async fn readiness(server: &Server) -> reqwest::Result<(u16, String)> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Whose the certificate is does not matter: nothing is told, and the certificate is for the address of others.
    let client = Client::builder().no_proxy().redirect(Policy::none()).tls_certs_only([]);
    let client = client.tls_danger_accept_invalid_certs(true).timeout(ANSWER).build()?;
    let mut answer = client.get(format!("{}readyz", url(server))).send().await?;
    let mut text = Vec::new();
    while text.len() < MOST_BYTES
        && let Some(part) = answer.chunk().await?
    {
        text.extend_from_slice(&part);
    }
    Ok((answer.status().as_u16(), String::from_utf8_lossy(&text).into_owned()))
}

fn listener(address: SocketAddr) -> Option<Listener> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let (uid, inode) = tables.iter().find_map(|table| listening(table, address))?;
    Some(Listener { uid, process: process_of(inode) })
}

/// User and inode of the socket that listens on this address, or on all of them.
fn listening(table: &str, address: SocketAddr) -> Option<(u32, u64)> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (ip, port) = fields.get(1)?.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let ip = ip_of(ip)?;
        let is_it = port == address.port() && (ip.is_unspecified() || ip.to_canonical() == address.ip());
        (is_it && *fields.get(3)? == LISTENS)
            .then(|| Some((fields.get(7)?.parse().ok()?, fields.get(9)?.parse().ok()?)))?
    })
}

/// Each four bytes are a number as this machine writes them.
fn ip_of(hex: &str) -> Option<IpAddr> {
    let words = hex.as_bytes().chunks(8).map(|word| {
        let word = std::str::from_utf8(word).ok()?;
        Some(u32::from_str_radix(word, 16).ok()?.to_ne_bytes())
    });
    let words: Vec<[u8; 4]> = words.collect::<Option<_>>()?;
    match words.as_slice() {
        [word] => Some(Ipv4Addr::from(*word).into()),
        [a, b, c, d] => Some(Ipv6Addr::from(<[u8; 16]>::try_from([*a, *b, *c, *d].concat()).ok()?).into()),
        _ => None,
    }
}

/// Name and number of the process that has this socket open, where we may see it.
fn process_of(inode: u64) -> Option<(String, i32)> {
    let wanted = format!("socket:[{inode}]");
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let mut open = fs::read_dir(entry.path().join("fd")).ok()?.flatten();
        open.any(|file| fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == wanted.as_str()))
            .then_some(())?;
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        Some((name.trim_end().to_owned(), pid))
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn who_listens_is_known_by_name_and_number_on_every_kind_of_address() {
        for bound in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"] {
            // This machine may have no IPv6.
            let Ok(socket) = TcpListener::bind(bound) else { continue };
            let port = socket.local_addr().unwrap().port();
            let asked = if bound.contains("::1") { "[::1]" } else { "127.0.0.1" };
            let address = format!("{asked}:{port}").parse().unwrap();
            let found = listener(address).unwrap();
            assert_eq!(found.process.unwrap().1, i32::try_from(std::process::id()).unwrap(), "{bound}");
            drop(socket);
            assert_eq!(listener(address), None, "{bound}");
        }
    }
}
