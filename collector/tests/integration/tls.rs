//! PostgreSQL and Redis that are not on this machine, as far as the program can tell: by TLS, with their certificates
//! checked. `127.0.0.2` is an address that it does not take for its own machine's, and none of the certificate's.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::helpers::{directory, execute, outcome, program, until};
use crate::server::Server;

const PASSWORD: &str = "pass word";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A PostgreSQL that lets in by TLS and password only, at all addresses of the loopback interface.
async fn postgresql(directory: &Path) -> (Server, u16) {
    let mut server = Server::start(directory).await;
    execute(&mut server.database().await, &format!("CREATE ROLE cook LOGIN SUPERUSER PASSWORD '{PASSWORD}'")).await;
    server.stop();
    let owner = fs::metadata(server.file("PG_VERSION")).unwrap();
    for name in ["server.pem", "server.key"] {
        let file = server.file(name);
        fs::copy(fixture(name), &file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    let rules = fs::read_to_string(server.file("pg_hba.conf")).unwrap();
    fs::write(server.file("pg_hba.conf"), format!("{rules}\nhostssl all cook 127.0.0.0/8 scram-sha-256\n")).unwrap();
    let port = free_port();
    server.set(&[
        "listen_addresses=127.0.0.1,127.0.0.2",
        "ssl=on",
        "ssl_cert_file=server.pem",
        "ssl_key_file=server.key",
    ]);
    server.set(&[&format!("port={port}")]);
    server.url = server.url.replace("5433", &port.to_string());
    server.run().await;
    (server, port)
}

/// A Redis that only speaks TLS and wants a password, ended with the test.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    async fn start(directory: &Path) -> Self {
        let port = free_port();
        let mut command = Command::new("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "127.0.0.2",
            "--port",
            "0",
            "--tls-port",
            &port.to_string(),
            "--save",
            "",
        ]);
        command.args(["--requirepass", PASSWORD, "--tls-auth-clients", "no", "--tls-cert-file"]);
        command.arg(fixture("server.pem")).arg("--tls-key-file").arg(fixture("server.key"));
        command.arg("--tls-ca-cert-file").arg(fixture("authority.pem"));
        command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let redis = Self { child: command.spawn().unwrap(), port };
        until("redis listens", async || TcpStream::connect(("127.0.0.1", port)).ok()).await;
        redis
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_elsewhere_are_used_by_tls_where_their_certificates_are_right_and_refused_where_not() {
    let directory = directory();
    let (_server, port) = postgresql(directory.path()).await;
    let redis = Redis::start(directory.path()).await;
    let check = |postgresql: &str, redis: &str, authority: Option<&str>| {
        let mut command = program(&["check", "--data-dir"]);
        command.arg(directory.path().join("other"));
        command.env("DATABASE_URL", postgresql).env("REDIS_URL", redis).env("REDIS_PASSWORD", PASSWORD);
        if let Some(authority) = authority {
            command.env("SSL_CERT_FILE", fixture(authority));
        }
        let output = outcome(command);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!said.contains(PASSWORD) && !said.contains("pass%20word"), "{said}");
        (output.status.success(), said)
    };
    let by = |host: &str, mode: &str| format!("postgres://cook:pass%20word@{host}:{port}/recipe_db{mode}");
    let cache = |scheme: &str, host: &str| format!("{scheme}://{host}:{}/0", redis.port);
    let (strict, right) = (by("127.0.0.1", "?sslmode=verify-full"), cache("rediss", "127.0.0.1"));

    let (is_right, said) = check(&strict, &right, Some("authority.pem"));
    assert!(is_right, "{said}");

    // Whose certificate it is counts without a word in the URL, and so does the name.
    for (postgresql, redis, authority, words) in [
        (&strict, &right, None, ["peer certificate: UnknownIssuer", "InvalidCertificate(UnknownIssuer)"]),
        (&by("127.0.0.2", ""), &right, Some("authority.pem"), ["not valid for name \"127.0.0.2\"", "sslrootcert="]),
        (&strict, &cache("rediss", "127.0.0.2"), Some("authority.pem"), ["NotValidForName", "REDIS_URL"]),
        (&strict, &cache("redis", "127.0.0.1"), Some("authority.pem"), ["Connection", "rediss://"]),
    ] {
        let (is_right, said) = check(postgresql, redis, authority);
        let is_said = words.iter().all(|words| said.contains(words));
        assert!(!is_right && is_said, "{postgresql} {redis} {authority:?}: {said}");
    }
    let (is_right, said) = check(&by("127.0.0.2", "?sslmode=verify-ca"), &right, Some("authority.pem"));
    assert!(is_right, "{said}");
}
