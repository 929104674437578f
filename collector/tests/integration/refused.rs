//! Every start that is refused: one sentence with the remedy, exit status 1, nothing left behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::helpers::{Collector, PROGRAM, directory, outcome, program, with_mounts};

/// The program must refuse to start with one line that holds all `parts`.
#[track_caller]
fn refuses(command: Command, parts: &[&str]) {
    let output = outcome(command);
    let message = String::from_utf8(output.stderr).unwrap();
    // Log lines are JSON here; the sentence is the one line that is not.
    let sentences: Vec<_> = message.lines().filter(|line| !line.starts_with('{')).collect();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert_eq!(sentences.len(), 1, "{message}");
    for part in parts {
        assert!(sentences[0].contains(part), "{} lacks {part}", sentences[0]);
    }
}

/// The program must refuse this database, given by URL, and leave no data directory behind.
#[track_caller]
fn refuses_database(url: &str, parts: &[&str]) {
    let directory = directory();
    let data_dir = directory.path().join("data");
    refuses(run_on(url, &data_dir), parts);
    assert!(!data_dir.exists());
}

/// `run` against a database given by URL, with no private Redis.
fn run_on(url: &str, data_dir: &Path) -> Command {
    let mut command = program(&["run", "--set", "redis.enabled=false", "--set", "database.connect_timeout=2s"]);
    command.arg("--data-dir").arg(data_dir).env("DATABASE_URL", url);
    command
}

#[test]
fn unknown_and_wrong_settings() {
    refuses(program(&["run", "--set", "live.pusch=2s"]), &["live.pusch", "--set", "live.push"]);
    refuses(program(&["run", "--set", "live.push=soon"]), &["live.push", "soon", "10s"]);
    refuses(program(&["run", "--set", "log.filter=collector=loud"]), &["log.filter", "loud"]);
    refuses(program(&["run", "--config", "/nonexistent.toml"]), &["/nonexistent.toml"]);
    refuses_database("not a url", &["database.url", "postgres://"]);
}

/// Every command reads it, and so does a start.
#[test]
fn a_dotenv_file_that_others_may_read() {
    let directory = directory();
    let path = directory.path().join(".env");
    fs::write(&path, "RECIPE_MONITORING_REDIS__ENABLED=false\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let within = |arguments: &[&str]| {
        let mut command = program(arguments);
        command.current_dir(directory.path());
        command
    };
    for arguments in [&["run"][..], &["settings"], &["setup", "--yes"]] {
        refuses(within(arguments), &["mode 0644", "chmod 600 ./.env"]);
    }
    // Also where it is another one that is to be changed.
    let elsewhere = ["setup", "--yes", "--env-file", path.to_str().unwrap()];
    refuses(program(&elsewhere), &["mode 0644", &format!("chmod 600 {}", path.display())]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let settings = outcome(within(&["settings"]));
    assert!(String::from_utf8(settings.stdout).unwrap().contains("[redis]\nenabled = false"));
}

#[test]
fn a_database_that_does_not_answer() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://recipe_user:hunter2@127.0.0.1:{port}/recipe_db");
    let target = format!("127.0.0.1:{port}");
    refuses_database(&url, &["PostgreSQL at", &target, "does not answer", "DATABASE_URL"]);
    let output = outcome(run_on(&url, &directory().path().join("data")));
    assert!(!String::from_utf8(output.stderr).unwrap().contains("hunter2"));
}

#[test]
fn a_database_that_accepts_and_is_silent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://recipe_user@{}/recipe_db", listener.local_addr().unwrap());
    refuses_database(&url, &["does not answer", "no answer within 2s"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_database_that_is_not_there() {
    let directory = directory();
    let mut collector = Collector::start(&directory.path().join("data"), &["--set", "redis.enabled=false"]).await;
    let url = collector.url("DATABASE_URL").unwrap();
    let password = url.split([':', '@']).nth(2).unwrap();
    refuses_database(&url.replace(password, "wrong"), &["refuses the log-in", "recipe_user", "pg_hba.conf"]);
    refuses_database(&url.replace("/recipe_db?", "/other?"), &["no such database", "createdb other"]);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

/// A server that speaks the protocol and calls itself 13: Debian has none to install.
#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_older_than_14() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://recipe_user@{}/recipe_db?sslmode=disable", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut startup = [0; 1024];
        let _ = stream.read(&mut startup).await.unwrap();
        // AuthenticationOk, ParameterStatus server_version, BackendKeyData, ReadyForQuery:
        // https://www.postgresql.org/docs/current/protocol-message-formats.html
        let version = b"server_version\x0013.14\0";
        let mut answer = b"R\0\0\0\x08\0\0\0\0S\0\0\0".to_vec();
        answer.push(u8::try_from(version.len()).unwrap() + 4);
        answer.extend(version);
        answer.extend(b"K\0\0\0\x0c\0\0\0\x01\0\0\0\x01Z\0\0\0\x05I");
        stream.write_all(&answer).await.unwrap();
        // Until the program hangs up.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    tokio::task::spawn_blocking(move || refuses_database(&url, &["version 13", "14 or later"])).await.unwrap();
    server.abort();
}

#[test]
fn a_data_directory_that_cannot_be_made_or_written() {
    let directory = directory();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("data");
    refuses(program(&["run", "--data-dir", below.to_str().unwrap()]), &[below.to_str().unwrap(), "--data-dir"]);
    refuses(program(&["run", "--data-dir", "/proc/data"]), &["/proc/data", "--data-dir"]);
}

#[test]
fn a_directory_that_the_servers_user_may_not_enter() {
    if !rustix::process::geteuid().is_root() {
        // Nobody else runs the servers then.
        return;
    }
    let closed = directory();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let data_dir = closed.path().join("data");
    refuses(
        program(&["run", "--data-dir", data_dir.to_str().unwrap()]),
        &["postgres", closed.path().to_str().unwrap(), "chmod o+x"],
    );
    assert!(!data_dir.exists());
    refuses(
        program(&["run", "--data-dir", data_dir.to_str().unwrap(), "--set", "storage.service_user=no-such-user"]),
        &["no-such-user", "storage.service_user"],
    );
    assert!(!data_dir.exists());
}

#[test]
fn a_cluster_of_a_version_that_is_not_installed() {
    let directory = directory();
    let data_dir = directory.path().join("data");
    fs::create_dir_all(data_dir.join("postgres")).unwrap();
    fs::write(data_dir.join("postgres/PG_VERSION"), "9\n").unwrap();
    refuses(program(&["run", "--data-dir", data_dir.to_str().unwrap()]), &["PostgreSQL 9", "--data-dir"]);
    assert_eq!(fs::read_to_string(data_dir.join("postgres/PG_VERSION")).unwrap(), "9\n");
}

#[test]
fn a_full_disk() {
    let directory = directory();
    let mount_point = directory.path().join("small");
    fs::create_dir(&mount_point).unwrap();
    let data_dir = mount_point.join("data");
    let script =
        "mount -t tmpfs -o size=64m,mode=0755 tmpfs \"$0\" && \"$@\"; status=$?; ls -A \"$0\" >&2; exit $status";
    let Some(mut command) = with_mounts(script, &mount_point) else { return };
    command.arg(PROGRAM).args(["run", "--data-dir"]).arg(&data_dir);
    // Nothing may be listed after the sentence: what was begun is gone.
    refuses(command, &["MiB left", "256 MiB", Path::new(&data_dir).to_str().unwrap()]);
}
