//! A connection over which requests go byte by byte as they are written here: a client of HTTP would put them in order.

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::helpers::{Answer, soon};

/// A connection to a host, opened anew when the other side has closed it.
pub struct Line {
    host: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Line {
    pub fn to(host: &str) -> Self {
        Self { host: host.to_owned(), stream: None }
    }

    /// Sends the bytes and reads the answer; `None` where the connection ends without one.
    pub async fn ask(&mut self, request: &[u8]) -> Option<Answer> {
        let is_used = self.stream.is_some();
        let answer = self.try_ask(request).await;
        // One that was kept open may have been closed meanwhile.
        if answer.is_none() && is_used { self.try_ask(request).await } else { answer }
    }

    async fn try_ask(&mut self, request: &[u8]) -> Option<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => BufReader::new(TcpStream::connect(&self.host).await.unwrap()),
        };
        // What is refused before it was read to its end is answered all the same.
        let _ = stream.get_mut().write_all(request).await;
        let is_head = request.starts_with(b"HEAD ");
        let (answer, is_over) = soon("an answer", read(&mut stream, is_head)).await?;
        if !is_over {
            self.stream = Some(stream);
        }
        Some(answer)
    }
}

/// Sends the bytes, says that there are no more, and reads whatever comes.
pub async fn ask_once(host: &str, request: &[u8]) -> Option<Answer> {
    let mut stream = BufReader::new(TcpStream::connect(host).await.unwrap());
    let _ = stream.get_mut().write_all(request).await;
    let _ = stream.get_mut().shutdown().await;
    soon("an answer", read(&mut stream, request.starts_with(b"HEAD "))).await.map(|(answer, _)| answer)
}

/// The next answer, and whether nothing follows it.
async fn read(stream: &mut BufReader<TcpStream>, is_head: bool) -> Option<(Answer, bool)> {
    let (mut head, mut status) = (String::new(), 100);
    // What says that it goes on is not yet the answer.
    while [100, 102, 103].contains(&status) {
        head.clear();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await.ok()? == 0 {
                return None;
            }
        }
        status = head.split(' ').nth(1)?.parse().ok()?;
    }
    let headers = head.to_lowercase();
    let value = |name: &str| headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let has_body = !is_head && status >= 200 && ![204, 304].contains(&status);
    let mut is_over = headers.starts_with("http/1.0") || value("connection") == Some("close") || status == 101;
    let mut body = Vec::new();
    match value("content-length").and_then(|length| length.parse().ok()) {
        _ if !has_body => {}
        Some(length) => {
            body = vec![0; length];
            stream.read_exact(&mut body).await.ok()?;
        }
        None if value("transfer-encoding") == Some("chunked") => loop {
            let mut size = String::new();
            stream.read_line(&mut size).await.ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let start = body.len();
            body.resize(start + size, 0);
            stream.read_exact(&mut body[start..]).await.ok()?;
            stream.read_exact(&mut [0; 2]).await.ok()?;
            if size == 0 {
                break;
            }
        },
        None => {
            is_over = true;
            stream.read_to_end(&mut body).await.ok()?;
        }
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    Some((Answer { status, headers, body }, is_over))
}
