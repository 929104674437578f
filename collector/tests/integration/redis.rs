//! A Redis that belongs to the test, to be killed, paused and made read-only.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::types::{Builder, CustomCommand, Value};
use rustix::process::{Pid, Signal, kill_process};

use crate::helpers::until;

const PASSWORD: &str = "hunter2";

pub struct Redis {
    pub port: u16,
    child: Option<Child>,
}

impl Redis {
    /// Starts one on a free port and waits until it answers.
    pub async fn start(directory: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut redis = Self { port, child: None };
        redis.run(directory).await;
        redis
    }

    /// Starts it and waits until it answers.
    pub async fn run(&mut self, directory: &Path) {
        let mut command = Command::new("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "--port",
            &self.port.to_string(),
            "--save",
            "",
            "--requirepass",
            PASSWORD,
        ]);
        command.args(["--masterauth", PASSWORD, "--repl-diskless-sync-delay", "0"]);
        command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        until("redis answers", async || self.try_client().await).await;
    }

    pub fn url(&self) -> String {
        format!("redis://default:{PASSWORD}@127.0.0.1:{}/0", self.port)
    }

    async fn try_client(&self) -> Option<Client> {
        let config = fred::types::config::Config::from_url(&self.url()).unwrap();
        let client = Builder::from_config(config).build().unwrap();
        client.init().await.ok()?;
        Some(client)
    }

    pub async fn client(&self) -> Client {
        self.try_client().await.unwrap()
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stands still, or goes on.
    pub fn signal(&self, signal: Signal) {
        let pid = self.child.as_ref().unwrap().id();
        kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a command.
pub async fn ask(client: &Client, command: &'static str, arguments: &[&str]) -> Value {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    client.custom(CustomCommand::new_static(command, None, false), arguments).await.unwrap()
}

/// Ends all connections but this one.
pub async fn end_others(client: &Client) {
    ask(client, "CLIENT", &["KILL", "TYPE", "normal"]).await;
}
