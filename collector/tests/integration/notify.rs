//! Alerts on their way to people: the real program, against receivers that speak what real ones speak.

mod addresses;
mod alertmanager;
mod chat;
mod command;
mod durable;
mod mail;
mod receiver;
mod routes;
mod secrets;
mod signs;
mod twins;
mod webhook;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::helpers::{Collector, directory, outcome, program, soon, until};

/// What a busy machine might set off besides.
const NOT_MEANT: [&str; 4] = ["CriticalCPU", "CriticalMemory", "CriticalDisk", "DatabaseConnectionLost"];

/// A rule that fires with the first reading, of the host and once only.
fn rule(name: &str, more: &str) -> String {
    format!("[[rule]]\nalert = '{name}'\nexpr = 'load_average_1m >= 0'\naction = 'notify'\n{more}\n")
}

/// Settings and rules of a collector, and the place for its data.
struct Site {
    directory: TempDir,
}

impl Site {
    /// `notify` is what follows `[notify]`.
    fn new(notify: &str, rules: &str) -> Self {
        let site = Self { directory: directory() };
        let settings = format!(
            "[live]\npush = '1s'\n[sampling]\nsystem = '1s'\n[business]\nenabled = false\n[application]\nenabled = false\n\
             [redis]\nenabled = false\n[alerts]\nrules = '{}'\n\
             [notify]\ngroup_interval = '0s'\nfire_drill = '0s'\n{notify}",
            site.file("rules.toml").display()
        );
        fs::write(site.file("settings.toml"), settings).unwrap();
        site.set_rules(rules);
        site
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Other rules; a collector that runs sees it within two seconds.
    fn set_rules(&self, rules: &str) {
        let off = NOT_MEANT.map(|name| format!("[[rule]]\nalert = '{name}'\nenabled = false\n")).concat();
        let new = self.file("rules.toml.new");
        fs::write(&new, off + rules).unwrap();
        fs::rename(new, self.file("rules.toml")).unwrap();
    }

    async fn start(&self) -> Collector {
        self.start_as(program(&[]), &[]).await
    }

    async fn start_as(&self, command: Command, arguments: &[&str]) -> Collector {
        let settings = self.file("settings.toml");
        let arguments = [&["--config", settings.to_str().unwrap()], arguments].concat();
        Collector::start_as(command, &self.file("data"), &arguments).await
    }

    /// Exit status, standard output and standard error of a command on the same settings.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = program(&["--config", self.file("settings.toml").to_str().unwrap()]);
        command.args(arguments);
        let output = outcome(command);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}

/// Asks a collector by the socket in its data directory, as a dashboard beside it does.
async fn ask(collector: &Collector, kind: u8, body: &[u8]) -> Vec<u8> {
    let answer = async {
        let mut stream = UnixStream::connect(collector.data_dir.join("pushes.sock")).await.unwrap();
        stream.write_u8(kind).await.unwrap();
        stream.write_u32(u32::try_from(body.len()).unwrap()).await.unwrap();
        stream.write_all(body).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'+');
        let mut answer = vec![0; usize::try_from(stream.read_u32().await.unwrap()).unwrap()];
        stream.read_exact(&mut answer).await.unwrap();
        answer
    };
    soon("an answer by the socket", answer).await
}

/// How alerting stands at a receiver, by the desk.
async fn at_desk(collector: &Collector, receiver: &str) -> Value {
    let desk: Value = serde_json::from_slice(&ask(collector, b'd', b"").await).unwrap();
    let mut receivers = desk["receivers"].as_array().unwrap().iter();
    receivers.find(|state| state["name"] == receiver).unwrap().clone()
}

/// The lines of the log that say this, about that.
fn said(log: &str, message: &str, about: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["message"] == message && line.to_string().contains(about)).collect()
}

/// Waits for a line of the log.
async fn says(collector: &Collector, message: &str, about: &str) -> Value {
    until(message, async || said(&collector.log(), message, about).pop()).await
}

/// What is kept over a kill.
fn journal(site: &Site) -> Value {
    serde_json::from_slice(&fs::read(site.file("data/alerts.json")).unwrap()).unwrap()
}
