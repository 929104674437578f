//! What no server of a live feed can do without: one `send` of an event to each websocket, every two seconds. It only
//! sends: no history, no pings, nothing read. The bench's floor; `floor EVENT` prints `{"url":...}`.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{io, thread};

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const EVERY: Duration = Duration::from_secs(2);
const KEY: &str = "sec-websocket-key:";

fn main() -> io::Result<()> {
    let event = std::env::args().nth(1).ok_or_else(|| io::Error::other("usage: floor EVENT"))?;
    let frame = frame(event.as_bytes()).ok_or_else(|| io::Error::other("the event has 126 to 65,535 bytes"))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "{{\"url\":\"http://{}/\"}}", listener.local_addr()?)?;
    let clients = Arc::<Mutex<Vec<TcpStream>>>::default();
    let all = Arc::clone(&clients);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if upgrade(&stream).is_ok() {
                all.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
            }
        }
    });
    loop {
        thread::sleep(EVERY);
        let mut clients = clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain_mut(|client| client.write_all(&frame).is_ok());
    }
}

/// A text frame of a server, whole: <https://www.rfc-editor.org/rfc/rfc6455#section-5.2>.
fn frame(text: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(text.len()).ok().filter(|length| *length > 125)?;
    let [high, low] = length.to_be_bytes();
    Some([&[0x81, 126, high, low], text].concat())
}

fn upgrade(mut stream: &TcpStream) -> io::Result<()> {
    let mut accept = None;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if line.to_ascii_lowercase().starts_with(KEY) {
            accept = Some(derive_accept_key(line[KEY.len()..].trim().as_bytes()));
        }
    }
    let accept = accept.ok_or(io::ErrorKind::InvalidData)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}
