//! A dashboard under test: starts it on a free port, asks it, and cleans up after it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use collector::LiveEvent;
use futures_util::StreamExt;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::process::Packed;
pub use crate::process::{directory, outcome, soon, until};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_recipe-monitoring-dashboard");
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Directories of one test: data, and the page's files.
pub struct Place {
    directory: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let directory = directory();
        fs::create_dir_all(directory.path().join("site/pkg")).unwrap();
        fs::write(directory.path().join("site/pkg/page.0123456789abcdef.css"), "a{color:red}".repeat(1_000)).unwrap();
        Self { directory }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The program with nothing from outside but the PATH.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("--data-dir").arg(self.data_dir()).args(arguments);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(self.path());
        command.env("LEPTOS_SITE_ROOT", self.path().join("site")).env("LEPTOS_SITE_ADDR", "127.0.0.1:0");
        command
    }
}

/// A running program whose log is kept.
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts the program and waits until its log says `message`.
    pub async fn start(mut command: Command, log: PathBuf, message: &str) -> Self {
        let file = fs::File::create(&log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let mut running = Self { child: command.spawn().unwrap(), log };
        until(message, async || {
            if let Some(status) = running.child.try_wait().unwrap() {
                panic!("it ended with {status}: {}", running.log());
            }
            running.logged(message).map(drop)
        })
        .await;
        running
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// The first log line with this message; every line is JSON, since this is no terminal.
    pub fn logged(&self, message: &str) -> Option<serde_json::Value> {
        let log = self.log();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        lines.find(|line| line["message"] == message)
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }

    pub async fn end(&mut self, signal: Signal) -> Option<i32> {
        kill_process(self.pid(), signal).unwrap();
        self.ended().await
    }

    /// Waits for its end, and answers its exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        until("the program has ended", async || self.child.try_wait().unwrap()).await.code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running dashboard.
pub struct Dashboard {
    pub running: Running,
    pub host: String,
}

/// An answer, with its headers in lower case.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The header with which a browser would send back the cookies that were set.
    pub fn cookies(&self) -> String {
        let set = self.headers.lines().filter_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
        format!("Cookie: {}", set.collect::<Vec<_>>().join("; "))
    }
}

impl Dashboard {
    /// Starts it on what is in the place, or, since a cluster takes longer to make than most tests last, on a
    /// copy of a data directory that was made once.
    pub async fn start(place: &Place, arguments: &[&str]) -> Self {
        static MADE: OnceCell<Packed> = OnceCell::const_new();
        let made = MADE.get_or_init(async || {
            let place = Place::new();
            let quiet = ["live.push=60s", "sampling.system=60s", "application.enabled=false", "business.enabled=false"];
            let arguments = quiet.map(|setting| ["--set", setting]);
            let mut dashboard = Self::start_fresh(&place, arguments.as_flattened()).await;
            assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
            Packed::of(&place.data_dir())
        });
        if !place.data_dir().exists() {
            made.await.put(&place.data_dir());
        }
        Self::start_fresh(place, arguments).await
    }

    /// The same on nothing but what is in the place.
    async fn start_fresh(place: &Place, arguments: &[&str]) -> Self {
        Self::start_as(place.program(arguments), place.path().join("dashboard.log")).await
    }

    /// The same with a command prepared by the caller.
    pub async fn start_as(command: Command, log: PathBuf) -> Self {
        let running = Running::start(command, log, "serving").await;
        let url = running.logged("serving").unwrap()["url"].as_str().unwrap().to_owned();
        let host = url.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
        Self { running, host }
    }

    pub async fn get(&self, path: &str, headers: &[&str]) -> Answer {
        self.request(&format!("GET {path}"), headers, "").await
    }

    /// The answer, where somebody listens.
    pub async fn try_get(&self, path: &str) -> Option<Answer> {
        TcpStream::connect(&self.host).await.ok()?;
        Some(self.get(path, &[]).await)
    }

    pub async fn request(&self, line: &str, headers: &[&str], body: &str) -> Answer {
        ask(&self.host, line, headers, body).await
    }

    pub async fn connect(&self, query: &str) -> Socket {
        self.try_connect(query, None).await.unwrap()
    }

    pub async fn try_connect(&self, query: &str, origin: Option<&str>) -> Result<Socket, Error> {
        let mut request = format!("ws://{}/api/v1/live{query}", self.host).into_client_request()?;
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        Ok(connect_async(request).await?.0)
    }
}

/// An example, which cargo builds with the tests.
pub fn example(name: &str) -> Command {
    let path = Path::new(PROGRAM).with_file_name("examples").join(name);
    assert!(path.exists(), "build it first: cargo build -p server --examples");
    let mut command = Command::new(path);
    command.env_clear().current_dir("/").stdin(Stdio::null());
    command
}

/// Sends a request in HTTP/1.0, so that the answer ends with the connection.
pub async fn ask(host: &str, line: &str, headers: &[&str], body: &str) -> Answer {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    let text = format!("{line} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon("an answer", stream.read_to_end(&mut answer)).await.unwrap();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, headers: head.to_lowercase(), body: body.to_owned() }
}

/// The next live event.
pub async fn next_event(socket: &mut Socket) -> LiveEvent {
    serde_json::from_str(&next_text(socket).await).unwrap()
}

/// The next text frame.
pub async fn next_text(socket: &mut Socket) -> String {
    loop {
        match soon("an event", socket.next()).await.unwrap().unwrap() {
            Message::Text(text) => return text.to_string(),
            Message::Ping(_) => {}
            other => panic!("not an event: {other:?}"),
        }
    }
}
