//! A web server that takes messages: keeps every request, and answers as the test says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use crate::helpers::until;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub at: Instant,
    pub method: String,
    pub path: String,
    /// By names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }

    /// The names of the alerts that a webhook is told of, with their states.
    pub fn alerts(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let json = self.json();
        let alerts = json["alerts"].as_array().unwrap().iter();
        alerts.map(|alert| (text(&alert["labels"]["alertname"]), text(&alert["status"]))).collect()
    }
}

/// What is answered to the request of this number; `None`: nothing ever is.
type Answer = Arc<dyn Fn(usize, &Request) -> Option<String> + Send + Sync>;

/// The server; it ends with the test.
pub struct Receiver {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Receiver {
    pub async fn start(answer: impl Fn(usize, &Request) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), answer)
    }

    pub fn on(
        listener: TcpListener,
        answer: impl Fn(usize, &Request) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let (address, answer, requests) = (listener.local_addr().unwrap(), Arc::new(answer), Arc::default());
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&answer) as Answer));
            }
        });
        Self { address, requests, task }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits for so many requests; answers the last of them.
    pub async fn takes(&self, count: usize) -> Request {
        let what = format!("request {count}");
        until(&what, async || self.requests().get(count - 1).cloned()).await
    }

    /// Waits for a message about this alert in this state.
    pub async fn hears(&self, alert: &str, status: &str) -> Request {
        let is_it = |request: &Request| request.alerts().contains(&(alert.to_owned(), status.to_owned()));
        until(&format!("{alert} is {status}"), async || self.requests().into_iter().find(is_it)).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address where connections are refused until it listens.
pub fn refusing() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

/// An answer with this status, further lines of its head, and body.
pub fn answer(status: u16, head: &str, body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 {status} Said\r\n{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()))
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<Request>>>, answer: Answer) {
    let Some(request) = read(&mut stream).await else { return };
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(request.clone());
        seen.len()
    };
    match answer(number, &request) {
        Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
        // Until the other side goes away.
        None => drop(stream.read_to_end(&mut Vec::new()).await),
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let (first, lines) = head.split_once("\r\n").unwrap();
            let mut words = first.split(' ').map(str::to_owned);
            let header =
                |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
            let headers: BTreeMap<_, _> = lines.split("\r\n").filter_map(header).collect();
            let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                let body = String::from_utf8(bytes[end + 4..].to_vec()).unwrap();
                let (method, path) = (words.next()?, words.next()?);
                return Some(Request { at: Instant::now(), method, path, headers, body });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
