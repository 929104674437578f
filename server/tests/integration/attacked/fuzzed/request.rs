//! One request by chance: a right one, of which some is exchanged for what is not.

use std::fmt;
use std::io::Write as _;
use std::sync::LazyLock;

use fastrand::Rng;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::attacked::parameters::Template;

/// Numbers that are always the same ones.
pub struct Chance(Rng);

impl Chance {
    pub fn new(seed: u64, line: u64) -> Self {
        Self(Rng::with_seed(seed.wrapping_mul(1_000).wrapping_add(line)))
    }

    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.0.usize(..all.len())]
    }

    /// Once in so many times.
    fn once_in(&mut self, times: u32) -> bool {
        self.0.u32(..times) == 0
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.0.usize(..=most);
        (0..length).map(|_| self.0.u8(..)).collect()
    }

    /// A text that is seldom what is meant.
    fn text(&mut self) -> String {
        match self.0.u32(..10) {
            0 => String::from_utf8_lossy(&self.bytes(40)).into_owned(),
            1 => self.0.i64(..).to_string(),
            2 => {
                let (text, times) = (*self.of(&TEXTS), self.0.usize(1..300));
                text.repeat(times)
            }
            3 => (0..self.0.usize(..20)).map(|_| self.0.char(..)).collect(),
            _ => (*self.of(&TEXTS)).to_owned(),
        }
    }
}

/// What does not fit where it is put.
const TEXTS: [&str; 48] = [
    "",
    " ",
    "\0",
    "a\0b",
    "'",
    "\"",
    "\\",
    "<script>",
    "%",
    "%00",
    "%zz",
    "../../etc/passwd",
    "{}",
    "[]",
    "{\"a\":\"b\"}",
    "{\"mount\":\"\\u0000\"}",
    "null",
    "true",
    "NaN",
    "inf",
    "-inf",
    "1e999",
    "-1",
    "0",
    "1",
    "65535",
    "65536",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "253402207200",
    "-377705023201",
    "2026-11-24T03:00:00Z",
    "2026-11-24T03:00:00+25:00",
    "-009999-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "-004713-01-01T00:00:00Z",
    "cpu_usage",
    "HighCPU{mount=\"/\"}",
    "HighCPU{a=~\"(((((a*)*)*)*)*)\"}",
    "{a=~\"[\"}",
    "レシピ",
    "\u{202e}\u{feff}\u{2028}",
    "🍲",
    "e\u{301}",
    "range=1h&compare=1d&from=1&to=2",
    "from=1&to=9999999999999",
];

const METHODS: [&str; 12] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X"];

/// Names of headers, with good values of them.
const HEADERS: [(&str, &str); 30] = [
    ("Accept", "text/html"),
    ("Accept", "application/openmetrics-text; version=1.0.0"),
    ("Accept", "application/json"),
    ("Accept-Encoding", "gzip, br"),
    ("Accept-Language", "ja,en;q=0.5"),
    ("Content-Encoding", "gzip"),
    ("Content-Type", "application/json"),
    ("Content-Type", "application/x-protobuf"),
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Content-Type", "multipart/form-data; boundary=x"),
    ("Cookie", "lang=ja; theme=dark; name=Mika"),
    ("Cookie", "dashboard=%7B%22panels%22%3A%5B%22system.6%22%5D%7D"),
    ("Cookie", "told=silenced; told_access=added; annotations_told=marked; recipe_monitoring=x"),
    ("Authorization", "Bearer rmt_0"),
    ("Authorization", "Basic YTpi"),
    ("Forwarded", "for=192.0.2.1;proto=https;host=a.example"),
    ("X-Forwarded-For", "192.0.2.1"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "a.example"),
    ("Host", "127.0.0.1"),
    ("If-None-Match", "W/\"0\", *"),
    ("If-Modified-Since", "Tue, 24 Nov 2026 03:00:00 GMT"),
    ("Origin", "http://127.0.0.1"),
    ("Range", "bytes=0-1,5-"),
    ("Referer", "http://127.0.0.1/"),
    ("Sec-Fetch-Site", "cross-site"),
    ("Expect", "100-continue"),
    ("Upgrade", "h2c"),
    ("User-Agent", "curl"),
    ("Traceparent", "00-0-0-00"),
];
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// What clients of OTLP push, and what they should not.
static PUSHED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../collector/tests/fixtures/otlp");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
});

/// Bytes on their way, and what is expected of the answer.
pub struct Request {
    pub bytes: Vec<u8>,
    /// That it is a request at all, with a body as long as it says.
    pub is_whole: bool,
    /// That its body is short: one that is long and that nobody reads ends the connection, and the answer may be lost.
    pub is_short: bool,
    /// That errors are said in the form of the API.
    pub is_of_api: bool,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.bytes.escape_ascii())
    }
}

impl Request {
    pub fn by_chance(chance: &mut Chance, templates: &[Template], host: &str, who: &str) -> Self {
        let mut template = chance.of(templates).clone();
        let places = template.places();
        if !places.is_empty() {
            for _ in 0..chance.0.u32(..4) {
                let (place, text) = (chance.of(&places).clone(), chance.text());
                template = template.with(&place, &text);
            }
        }
        let mut body = body(chance, &mut template);
        let method = if chance.once_in(12) { *chance.of(&METHODS) } else { template.method.as_str() };
        let mut target = template.target();
        let is_odd = chance.once_in(12);
        if is_odd {
            bend(chance, &mut target);
        }
        let mut headers = String::new();
        if !who.is_empty() {
            headers += &format!("{who}\r\n");
        }
        let is_upgrade = template.path.ends_with("/live") && !chance.once_in(4) || chance.once_in(200);
        if is_upgrade {
            headers += UPGRADE;
            headers += &format!("Origin: http://{host}\r\n");
        }
        for _ in 0..chance.0.u32(..4) {
            let (name, value) = *chance.of(&HEADERS);
            let value = if chance.once_in(3) { plain(&chance.text()) } else { value.to_owned() };
            headers += &format!("{name}: {value}\r\n");
        }
        let kind = template.body().0;
        if !chance.once_in(10) {
            headers += &format!("Content-Type: {kind}\r\n");
        }
        if chance.once_in(20) {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(&body).unwrap();
            body = packed.finish().unwrap();
            headers += "Content-Encoding: gzip\r\n";
        }
        let is_chunked = chance.once_in(20);
        if is_chunked {
            headers += "Transfer-Encoding: chunked\r\n";
            body = chunks(chance, &body);
        } else {
            headers += &format!("Content-Length: {}\r\n", body.len());
        }
        let version = if chance.once_in(30) { "1.0" } else { "1.1" };
        let head = format!("{method} {target} HTTP/{version}\r\nHost: {host}\r\n{headers}\r\n");
        let is_short = body.len() < 1_000;
        let mut bytes = [head.into_bytes(), body].concat();
        let is_mangled = chance.once_in(25);
        if is_mangled {
            mangle(chance, &mut bytes);
        }
        let is_api = template.path.starts_with("/api/v1/");
        let is_of_api = is_api && !is_mangled && !is_odd && !is_chunked && method != "HEAD" && method != "CONNECT";
        // HTTP/1.0 knows no chunks, and an address in the place of a path is the server's to refuse.
        let is_whole = !(is_mangled || is_odd || method == "CONNECT" || is_chunked && version == "1.0");
        Self { bytes, is_whole, is_short, is_of_api }
    }
}

/// What a header may hold.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(3_000).collect()
}

/// The body, or something like it.
fn body(chance: &mut Chance, template: &mut Template) -> Vec<u8> {
    if template.path == "/v1/metrics" && !chance.once_in(6) {
        let mut pushed = chance.of(&PUSHED).clone();
        if chance.once_in(2) {
            scatter(chance, &mut pushed);
        }
        return pushed;
    }
    if let Some(json) = &mut template.json
        && chance.once_in(3)
    {
        exchange(chance, json);
    }
    let mut body = template.body().1.into_bytes();
    match chance.0.u32(..16) {
        0 => scatter(chance, &mut body),
        1 => body = chance.bytes(300),
        2 => {
            let depth = chance.0.usize(1..5_000);
            body = [b"[".repeat(depth), body, b"]".repeat(depth)].concat();
        }
        3 => body.truncate(chance.0.usize(..=body.len())),
        4 => body.clear(),
        _ => {}
    }
    body
}

/// Something else in the place of a part of it.
fn exchange(chance: &mut Chance, json: &mut Value) {
    let inner = match json {
        Value::Object(fields) if !fields.is_empty() && !chance.once_in(4) => {
            let index = chance.0.usize(..fields.len());
            fields.values_mut().nth(index)
        }
        Value::Array(values) if !values.is_empty() && !chance.once_in(4) => {
            let index = chance.0.usize(..values.len());
            values.get_mut(index)
        }
        _ => None,
    };
    match inner {
        Some(inner) => exchange(chance, inner),
        None => {
            *json = match chance.0.u32(..8) {
                0 => Value::Null,
                1 => json!(chance.0.bool()),
                2 => json!(chance.0.i64(..)),
                3 => json!(chance.0.f64() * 1e300),
                4 => json!({ chance.text(): chance.text() }),
                5 => json!(vec![json.clone(); chance.0.usize(..50)]),
                _ => json!(chance.text()),
            }
        }
    }
}

/// Another target of the request.
fn bend(chance: &mut Chance, target: &mut String) {
    let mut at = chance.0.usize(..=target.len());
    while !target.is_char_boundary(at) {
        at -= 1;
    }
    match chance.0.u32(..6) {
        0 => target.insert_str(
            at,
            chance.of::<&str>(&["/", "//", "/../", "%2f", "%00", "%ff", "?", "&", "=", "#", ";", "\\"]),
        ),
        1 => target.truncate(at),
        2 => target.push_str(&"&a=b".repeat(chance.0.usize(..500))),
        3 => target.push_str(&"/a".repeat(chance.0.usize(..500))),
        4 => target.insert_str(0, chance.of::<&str>(&["http://a.example", "//", "*", "", "@", ":80"])),
        _ => *target = format!("/{}", chance.text().replace([' ', '\r', '\n'], "+")),
    }
}

/// Some bytes of it are others.
fn scatter(chance: &mut Chance, bytes: &mut Vec<u8>) {
    for _ in 0..chance.0.u32(1..8) {
        let at = chance.0.usize(..=bytes.len());
        match chance.0.u32(..3) {
            0 => drop(bytes.splice(at..at, chance.bytes(4))),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            _ if at < bytes.len() => bytes[at] = chance.0.u8(..),
            _ => {}
        }
    }
}

/// It is no longer sure to be HTTP.
fn mangle(chance: &mut Chance, bytes: &mut Vec<u8>) {
    match chance.0.u32(..4) {
        0 => bytes.truncate(chance.0.usize(..bytes.len())),
        1 => *bytes = chance.bytes(500),
        _ => scatter(chance, bytes),
    }
}

/// The body in parts of which each says how long it is.
fn chunks(chance: &mut Chance, body: &[u8]) -> Vec<u8> {
    let size = chance.0.usize(1..200);
    let mut all = Vec::new();
    for chunk in body.chunks(size) {
        let _ = write!(all, "{:x}\r\n", chunk.len());
        all.extend_from_slice(chunk);
        all.extend_from_slice(b"\r\n");
    }
    all.extend_from_slice(b"0\r\n\r\n");
    all
}
