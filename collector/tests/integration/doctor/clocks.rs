//! Clocks that are wrong, by libfaketime: the clock of this machine is left alone.

use std::path::Path;
use std::process::Command;

use super::{Said, doctor, doctor_on};
use crate::helpers::directory;
use crate::redis::Redis;
use crate::server::Server;

/// The same command, for which the clock shows so much more or less.
fn at(offset: &str, command: &Command) -> Command {
    let mut faked = Command::new("faketime");
    faked.args(["-f", offset]).arg(command.get_program()).args(command.get_args()).env_clear().current_dir("/");
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            faked.env(name, value);
        }
    }
    faked
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("NO_FAKE_STAT", "1");
    faked
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_not_that_of_the_servers() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let place = directory.path().join("redis");
    std::fs::create_dir(&place).unwrap();
    let redis = Redis::start(&place).await;
    let command = |directory: &Path| {
        let mut command = doctor_on(&server.url, directory, &["--set", "redis.enabled=true"]);
        command.env("REDIS_URL", redis.url());
        command
    };
    let said = Said::of(at("+200s", &command(directory.path())));
    said.is("postgresql_clock", "trouble").is("redis_clock", "trouble");
    said.finds("postgresql_clock", "clock_differs", &["PostgreSQL is 3 min behind", "NTP", "date -u"]);
    said.finds("redis_clock", "clock_differs", &["Redis is 3 min behind", "NTP"]);
    let said = Said::of(at("-10s", &command(directory.path())));
    said.finds("postgresql_clock", "clock_differs", &["ahead of this host's"]);
    said.is("postgresql_clock", "warning");
    Said::of(command(directory.path())).is("postgresql_clock", "ok").is("redis_clock", "ok");
}

#[test]
fn a_clock_that_has_gone_back() {
    let directory = directory();
    let data_dir = directory.path().join("data");
    std::fs::create_dir(&data_dir).unwrap();
    std::fs::write(data_dir.join("lock"), "").unwrap();
    let command = || doctor(directory.path(), &[]);
    let said = Said::of(at("-2h", &command()));
    said.finds("clock", "gone_back", &["data/lock was written", "later than now", "NTP"]);
    said.is("clock", "trouble");
    assert_ne!(Said::of(command()).fault("clock"), Some("gone_back"));
}
