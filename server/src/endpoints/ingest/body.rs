//! Bodies, decompressed, within the memory that all of them together may have.
//!
//! Memory is taken as the bytes come, and never for what a header or a compressed stream only
//! claims. Where there is none left, a request is refused and may try again: waiting for memory
//! while holding some would be waiting for each other.

use std::future::poll_fn;
use std::io::{self, Write};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::Request;
use flate2::write::GzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use memmap2::MmapMut;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Clients of OTLP give up after as long.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Memory is taken in parts of so much.
const PART: usize = 4 << 10;
/// A body longer than this is in pages of its own.
const ON_HEAP: usize = 64 << 10;
/// What a decoder needs for itself, in parts.
const DECODER_PARTS: usize = 24;
/// What there is besides that of the largest body, in parts: for the small ones that come with it.
const MORE_PARTS: usize = 256;

/// Why a body cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    #[error(
        "the body is larger than {limit} bytes, decompressed; send it in parts, or raise application.body_limit_mib"
    )]
    TooLarge { limit: usize },
    #[error("the header Content-Encoding is '{encoding}': use gzip, or leave it out")]
    Encoding { encoding: String },
    #[error("the body took longer than 10 seconds; send it in smaller parts")]
    Slow,
    #[error("other requests need all the memory there is for them; try again")]
    Busy,
    #[error("the body ends before it should; send it again")]
    Cut,
    #[error("the body is not gzip; leave out the header Content-Encoding, or compress it")]
    Gzip,
}

/// The memory of all bodies together: that of the largest, and a little.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    parts: Arc<Semaphore>,
    limit: usize,
    pub(super) timeout: Duration,
}

/// A body; its memory is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Body {
    bytes: Bytes,
    /// `None` before the first byte.
    held: Option<OwnedSemaphorePermit>,
}

/// The bytes of a body. Many are in pages of their own, which the system has back as soon as they
/// are dropped; the allocator would keep them for itself.
#[derive(Debug)]
enum Bytes {
    Heap(Vec<u8>),
    Pages { pages: MmapMut, length: usize },
}

impl Body {
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Heap(bytes) => bytes,
            Bytes::Pages { pages, length } => &pages[..*length],
        }
    }
}

impl Bytes {
    /// Appends to a body of which at most `limit` bytes are asked for.
    fn extend(&mut self, more: &[u8], limit: usize) -> io::Result<()> {
        if let Self::Heap(bytes) = self {
            if bytes.len() + more.len() <= ON_HEAP {
                bytes.reserve_exact((bytes.len() + more.len()).div_ceil(PART) * PART - bytes.len());
                bytes.extend_from_slice(more);
                return Ok(());
            }
            // Pages that are not written to cost nothing.
            let mut pages = MmapMut::map_anon(limit)?;
            pages[..bytes.len()].copy_from_slice(bytes);
            *self = Self::Pages { length: bytes.len(), pages };
        }
        if let Self::Pages { pages, length } = self {
            pages[*length..*length + more.len()].copy_from_slice(more);
            *length += more.len();
        }
        Ok(())
    }
}

impl Memory {
    /// Memory for bodies of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        let parts = Arc::new(Semaphore::new(limit.div_ceil(PART) + MORE_PARTS));
        Self { parts, limit, timeout: TIMEOUT }
    }

    /// Reads the body of a request.
    pub(super) async fn read(&self, request: Request) -> Result<Body, BodyError> {
        let headers = request.headers();
        let encoding = headers.get(CONTENT_ENCODING).map_or(&b""[..], |value| value.as_bytes()).trim_ascii();
        let gzip = encoding.eq_ignore_ascii_case(b"gzip");
        if !gzip && !encoding.is_empty() && !encoding.eq_ignore_ascii_case(b"identity") {
            let encoding = String::from_utf8_lossy(encoding).chars().take(100).collect();
            return Err(BodyError::Encoding { encoding });
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > self.limit)) {
            return Err(BodyError::TooLarge { limit: self.limit });
        }
        let sink =
            Sink { memory: self, body: Body { bytes: Bytes::Heap(Vec::new()), held: None }, parts: 0, refused: None };
        let reading = async { if gzip { self.inflate(request, sink).await } else { self.copy(request, sink).await } };
        tokio::time::timeout(self.timeout, reading).await.unwrap_or(Err(BodyError::Slow))
    }

    async fn copy(&self, request: Request, mut sink: Sink<'_>) -> Result<Body, BodyError> {
        chunks(request, |chunk| sink.take(chunk)).await?;
        Ok(sink.body)
    }

    async fn inflate(&self, request: Request, mut sink: Sink<'_>) -> Result<Body, BodyError> {
        sink.hold(DECODER_PARTS)?;
        let mut decoder = GzDecoder::new(sink);
        let why = |sink: &mut Sink<'_>| sink.refused.take().unwrap_or(BodyError::Gzip);
        chunks(request, |chunk| decoder.write_all(chunk).map_err(|_| why(decoder.get_mut()))).await?;
        decoder.try_finish().map_err(|_| why(decoder.get_mut()))?;
        decoder.finish().map(|sink| sink.body).map_err(|_| BodyError::Gzip)
    }
}

/// Calls `each` for every part of the body, as it comes.
async fn chunks(request: Request, mut each: impl FnMut(&[u8]) -> Result<(), BodyError>) -> Result<(), BodyError> {
    let mut body = pin!(request.into_body());
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.map_err(|_| BodyError::Cut)?;
        if let Some(chunk) = frame.data_ref() {
            each(chunk)?;
        }
    }
    Ok(())
}

/// Takes bytes, and memory for them.
struct Sink<'m> {
    memory: &'m Memory,
    body: Body,
    /// That the bytes hold.
    parts: usize,
    refused: Option<BodyError>,
}

impl Sink<'_> {
    fn take(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        let length = self.body.bytes().len() + bytes.len();
        let limit = self.memory.limit;
        if length > limit {
            return Err(BodyError::TooLarge { limit });
        }
        let parts = length.div_ceil(PART);
        self.hold(parts - self.parts)?;
        self.parts = parts;
        self.body.bytes.extend(bytes, limit).map_err(|_| BodyError::Busy)
    }

    fn hold(&mut self, parts: usize) -> Result<(), BodyError> {
        let number = u32::try_from(parts).map_err(|_| BodyError::Busy)?;
        let permit = self.memory.parts.clone().try_acquire_many_owned(number).map_err(|_| BodyError::Busy)?;
        match &mut self.body.held {
            Some(held) => held.merge(permit),
            None => self.body.held = Some(permit),
        }
        Ok(())
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.take(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                self.refused = Some(error);
                Err(io::ErrorKind::Other.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
