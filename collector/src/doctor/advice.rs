//! Commands that fit this machine and this installation: nothing is assumed that cannot be seen here.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

use super::Examination;
use crate::shell;
use crate::store::Address;

/// There while systemd runs the machine: sd_booted(3).
const SYSTEMD: &str = "/run/systemd/system";
/// Where Debian has what it knows of its clusters: `<version>/<name>/postgresql.conf`.
const CLUSTERS: &str = "/etc/postgresql";

/// What the keys of settings have in them that may hold a secret.
const MAY_BE_SECRET: [&str; 6] = ["url", "pass", "secret", "token", "targets", "receivers"];

/// Whether systemd runs this machine.
pub(super) fn has_systemd() -> bool {
    Path::new(SYSTEMD).is_dir()
}

/// Whether a server at this host is on this machine.
pub(super) fn is_local(host: &str) -> bool {
    host.starts_with('/')
        || host == "localhost"
        || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// How our own programs are called with the flags that this one was given.
pub(super) fn own(examination: &Examination, program: &str) -> String {
    let flags = &examination.sources.flags;
    let mut command = program.to_owned();
    for (flag, path) in [("--config", &flags.config), ("--data-dir", &flags.data_dir)] {
        if let Some(path) = path {
            command += &format!(" {flag} {}", shell::word(path));
        }
    }
    for setting in &flags.set {
        command += &format!(" --set {}", shell::quoted(&without_secret(setting)));
    }
    command
}

/// A flag as it may be shown: what may hold a password is not.
fn without_secret(setting: &str) -> String {
    match setting.split_once('=') {
        Some((key, _)) if MAY_BE_SECRET.iter().any(|word| key.contains(word)) => format!("{key}=…"),
        _ => setting.to_owned(),
    }
}

/// The same of a command of the collector.
pub(super) fn collector(examination: &Examination, command: &str) -> String {
    own(examination, &format!("recipe-monitoring-collector {command}"))
}

/// Starts the PostgreSQL of this machine that listens on this port.
pub(super) fn start_postgresql(port: u16) -> Vec<String> {
    match (cluster(Path::new(CLUSTERS), port), has_systemd()) {
        (Some((version, name)), true) => vec![format!("sudo systemctl start postgresql@{version}-{name}")],
        (Some((version, name)), false) => vec![format!("sudo pg_ctlcluster {version} {name} start")],
        (None, true) => vec!["sudo systemctl start postgresql".to_owned()],
        (None, false) => Vec::new(),
    }
}

/// Has the PostgreSQL of this machine that listens on this port read its files again.
pub(super) fn reload_postgresql(port: u16) -> String {
    match cluster(Path::new(CLUSTERS), port) {
        Some((version, name)) => format!("sudo pg_ctlcluster {version} {name} reload"),
        None => format!("sudo -u postgres psql -p {port} -c 'SELECT pg_reload_conf()'"),
    }
}

/// Where `pg_hba.conf` of the PostgreSQL of this machine that listens on this port is.
pub(super) fn host_rules(port: u16) -> Option<PathBuf> {
    let (version, name) = cluster(Path::new(CLUSTERS), port)?;
    Some(Path::new(CLUSTERS).join(version).join(name).join("pg_hba.conf"))
}

/// Version and name of the cluster whose port this is.
fn cluster(clusters: &Path, port: u16) -> Option<(String, String)> {
    let children = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let places = children(clusters).flat_map(|version| children(&version).collect::<Vec<_>>());
    let is_it = |place: &PathBuf| {
        let text = std::fs::read_to_string(place.join("postgresql.conf")).unwrap_or_default();
        let mut set =
            text.lines().filter_map(|line| line.trim_start().strip_prefix("port")?.trim_start().strip_prefix('='));
        let last = set.next_back().and_then(|value| value.split('#').next()?.trim().parse().ok());
        last.unwrap_or(5_432) == port && place.join("postgresql.conf").is_file()
    };
    let found = places.into_iter().find(is_it)?;
    let word = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    Some((word(found.parent()?)?, word(&found)?))
}

/// Starts the Redis of this machine.
pub(super) fn start_redis() -> Vec<String> {
    if has_systemd() { vec!["sudo systemctl start redis-server".to_owned()] } else { Vec::new() }
}

/// The line of `pg_hba.conf` that lets us in, as the server sees us.
pub(super) fn host_rule(address: &Address) -> String {
    let quoted = |name: &str| {
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_plain && !["all", "sameuser", "samerole", "replication"].contains(&name) {
            return name.to_owned();
        }
        format!("\"{}\"", name.replace('"', "\"\""))
    };
    let (database, user) = (quoted(&address.database), quoted(&address.user));
    if address.is_socket() {
        return format!("local   {database}   {user}   scram-sha-256");
    }
    let from = match own_address(address) {
        Some(IpAddr::V4(ip)) => format!("{ip}/32"),
        Some(IpAddr::V6(ip)) => format!("{ip}/128"),
        None => "samenet".to_owned(),
    };
    format!("host    {database}   {user}   {from}   scram-sha-256")
}

/// The address from which this host speaks to the server: a UDP socket knows it without sending.
fn own_address(address: &Address) -> Option<IpAddr> {
    if is_local(&address.host) {
        return Some(address.host.parse().unwrap_or(IpAddr::from([127, 0, 0, 1])));
    }
    let server: SocketAddr = std::net::ToSocketAddrs::to_socket_addrs(&(&*address.host, address.port)).ok()?.next()?;
    let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(server).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Sets the clock by the network again.
pub(super) fn set_clock() -> Vec<String> {
    if has_systemd() { vec!["sudo timedatectl set-ntp true".to_owned()] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_cluster_is_known_by_its_port() {
        let directory = tempfile::tempdir().unwrap();
        for (place, text) in [("14/main", "port = 5433\t# (change requires restart)\n"), ("15/main", "#port = 1\n")] {
            fs::create_dir_all(directory.path().join(place)).unwrap();
            fs::write(directory.path().join(place).join("postgresql.conf"), text).unwrap();
        }
        let found = |port| cluster(directory.path(), port).map(|(version, name)| format!("{version}/{name}"));
        assert_eq!(found(5_433).as_deref(), Some("14/main"));
        assert_eq!(found(5_432).as_deref(), Some("15/main"));
        assert_eq!(found(1), None);
    }

    #[test]
    fn no_secret_of_a_flag_is_in_a_command() {
        assert_eq!(without_secret("database.url=postgres://u:hunter2@h/d"), "database.url=…");
        assert_eq!(without_secret("redis.password=hunter2"), "redis.password=…");
        assert_eq!(without_secret("live.push=2s"), "live.push=2s");
    }

    #[test]
    fn the_line_of_pg_hba_conf_is_for_the_way_that_is_taken() {
        let address = |host: &str, user: &str| Address {
            host: host.to_owned(),
            port: 5_432,
            database: "recipe_db".to_owned(),
            user: user.to_owned(),
        };
        for (host, user, line) in [
            ("/run/postgresql", "recipe_user", "local   recipe_db   recipe_user   scram-sha-256"),
            ("127.0.0.1", "app-1", "host    recipe_db   \"app-1\"   127.0.0.1/32   scram-sha-256"),
            ("localhost", "all", "host    recipe_db   \"all\"   127.0.0.1/32   scram-sha-256"),
            ("::1", "u", "host    recipe_db   u   ::1/128   scram-sha-256"),
        ] {
            assert_eq!(host_rule(&address(host, user)), line);
        }
    }
}
