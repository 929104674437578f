//! What applications push: `POST /v1/metrics` (OTLP) and `POST /api/v1/events`.
//!
//! The order in which a request is looked at, so that a refusal costs as little as can be: where
//! it comes from, what it says of itself, how many came before, and only then its body.
//!
//! Without `into_make_service_with_connect_info` all addresses count as one.

mod body;
mod limits;
mod linger;
mod sink;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use collector::otlp::{Format, OtlpError, Receiver};
use collector::{Event, Relay, RelayError, Taken, events};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::v1::ApiError;
use crate::description::Pushed;
use crate::peer::Peer;
use body::{Body, BodyError, Memory};
use limits::RateLimit;
pub(crate) use linger::linger;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Why events could not be kept, in a sentence with the remedy, for whoever pushed them.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotKept(pub(crate) String);

/// Where events go.
pub(crate) trait EventSink: Send + Sync {
    /// Keeps all of them, or none; done when they survive the end of this process.
    fn keep(&self, events: Vec<Event>) -> Pin<Box<dyn Future<Output = Result<Taken, NotKept>> + Send + '_>>;
}

/// What the handlers need. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ingest(Arc<Inner>);

/// Who takes what is pushed.
pub(crate) enum Taker {
    /// This process.
    Here { receiver: Arc<Receiver>, sink: Arc<dyn EventSink> },
    /// A separate collector.
    There(Relay),
}

struct Inner {
    taker: Taker,
    rate: RateLimit,
    memory: Memory,
    /// Older events are refused.
    kept: SignedDuration,
}

impl fmt::Debug for Ingest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ingest").finish_non_exhaustive()
    }
}

impl Ingest {
    /// Hands all to `taker`, but for events that are older than `kept`.
    pub(crate) fn new(settings: &collector::Settings, taker: Taker, kept: SignedDuration) -> Self {
        let rate = RateLimit::new(&settings.ingest);
        let memory = Memory::new(settings.application.body_limit_bytes());
        Self(Arc::new(Inner { taker, rate, memory, kept }))
    }

    /// Whether the request may be read at all.
    fn admit(&self, request: &Request) -> Result<(), Refusal> {
        let peer = request.extensions().get::<Peer>().map(|peer| peer.address);
        self.0.rate.take(peer, Instant::now()).map_err(Refusal::TooMany)
    }
}

/// Takes metrics by OTLP/HTTP: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>.
#[utoipa::path(
    post,
    path = "/v1/metrics",
    tag = "push",
    operation_id = "push_metrics",
    request_body(
        content(
            ([u8] = "application/x-protobuf"),
            (serde_json::Value = "application/json"),
        ),
        description = "An ExportMetricsServiceRequest, also with `Content-Encoding: gzip`",
    ),
    responses((status = 200, description = "An ExportMetricsServiceResponse in the format of the request"), Pushed),
)]
pub(crate) async fn metrics(State(ingest): State<Ingest>, request: Request) -> Response {
    let format = match media_type(request.headers()).as_deref() {
        Some(PROTOBUF) => Format::Protobuf,
        Some(JSON) => Format::Json,
        _ => return Refusal::MediaType("application/x-protobuf or application/json").into_response(),
    };
    match take_metrics(&ingest, request, format).await {
        Ok(answer) => ([(CONTENT_TYPE, content_type(format))], answer).into_response(),
        Err(refusal) => refusal.status(format),
    }
}

async fn take_metrics(ingest: &Ingest, request: Request, format: Format) -> Result<Vec<u8>, Refusal> {
    ingest.admit(&request)?;
    let body = ingest.0.memory.read(request).await?;
    match &ingest.0.taker {
        Taker::Here { receiver, .. } => {
            let receiver = Arc::clone(receiver);
            let (accepted, _) = blocking(body, move |body| receiver.receive(body, format, Timestamp::now())).await?;
            Ok(accepted?.answer(format))
        }
        Taker::There(relay) => Ok(relay.metrics(body.bytes(), format).await?),
    }
}

/// How many events were taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// Are kept now.
    accepted: u64,
    /// Were kept already, by their id.
    repeated: u64,
}

// Only its description is used: `events::parse` reads the text where it lies.
/// A business event as it is pushed.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewEvent {
    /// What happened: 1 to 100 of `a-z`, `0-9`, `_`, `.` and `-`.
    #[schema(example = "recipe_created")]
    event: String,
    /// How many times; by default once.
    #[schema(minimum = 1, maximum = 1_000_000)]
    count: Option<u64>,
    /// When; by default now.
    at: Option<Timestamp>,
    /// What tells it from others: of events with the same name and id only the first counts.
    #[schema(max_length = 200)]
    id: Option<String>,
}

/// One event, or up to 10,000.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is there for its description")]
pub(crate) enum OneOrMany {
    One(NewEvent),
    Many(Vec<NewEvent>),
}

/// Takes business events: one, or a list of which all are taken or none.
#[utoipa::path(
    post,
    path = "/api/v1/events",
    tag = "push",
    operation_id = "push_events",
    request_body(content = OneOrMany, description = "Also with `Content-Encoding: gzip`"),
    responses((status = 202, description = "They are kept", body = Accepted), Pushed),
)]
pub(crate) async fn events(State(ingest): State<Ingest>, request: Request) -> Response {
    match take_events(&ingest, request).await {
        Ok(kept) => {
            let answer = Accepted { accepted: kept.accepted, repeated: kept.repeated };
            (StatusCode::ACCEPTED, Json(answer)).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

async fn take_events(ingest: &Ingest, request: Request) -> Result<Taken, Refusal> {
    if media_type(request.headers()).as_deref() != Some(JSON) {
        return Err(Refusal::MediaType(JSON));
    }
    ingest.admit(&request)?;
    let body = ingest.0.memory.read(request).await?;
    let kept = ingest.0.kept;
    let (events, body) = blocking(body, move |body| events::parse(body, Timestamp::now(), kept)).await?;
    let events = events?;
    match &ingest.0.taker {
        Taker::Here { sink, .. } => Ok(sink.keep(events).await?),
        Taker::There(relay) => Ok(relay.events(body.bytes()).await?),
    }
}

/// Does what takes as long as the body is large where nobody waits for it; gives the body back.
async fn blocking<T: Send + 'static>(
    body: Body,
    work: impl FnOnce(&[u8]) -> T + Send + 'static,
) -> Result<(T, Body), Refusal> {
    let worked = tokio::task::spawn_blocking(move || (work(body.bytes()), body)).await;
    worked.map_err(|error| {
        tracing::error!(%error, "a request that was pushed was not read to its end");
        Refusal::Failed
    })
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn content_type(format: Format) -> HeaderValue {
    HeaderValue::from_static(match format {
        Format::Protobuf => PROTOBUF,
        Format::Json => JSON,
    })
}

/// Why all of a request is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the header Content-Type must be {0}")]
    MediaType(&'static str),
    #[error(
        "there are too many requests; wait as long as the header Retry-After says, or raise ingest.requests_per_second"
    )]
    TooMany(Duration),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Otlp(#[from] OtlpError),
    #[error(transparent)]
    Events(#[from] events::EventError),
    #[error(transparent)]
    NotKept(#[from] NotKept),
    #[error(transparent)]
    Relay(#[from] RelayError),
    #[error("the request failed here; the log says why")]
    Failed,
}

impl Refusal {
    /// Status, code of our errors, and code of gRPC.
    fn codes(&self) -> (StatusCode, &'static str, i32) {
        match self {
            Self::MediaType(_) | Self::Body(BodyError::Encoding { .. }) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported", 3)
            }
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests", 8),
            Self::Body(BodyError::TooLarge { .. }) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large", 3),
            Self::Body(BodyError::Slow) => (StatusCode::REQUEST_TIMEOUT, "too_slow", 4),
            Self::Body(BodyError::Busy) => (StatusCode::SERVICE_UNAVAILABLE, "busy", 14),
            Self::Body(BodyError::Cut | BodyError::Gzip)
            | Self::Otlp(_)
            | Self::Events(_)
            | Self::Relay(RelayError::Refused(_)) => (StatusCode::BAD_REQUEST, "invalid", 3),
            Self::NotKept(_) | Self::Relay(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", 14),
            Self::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "failed", 13),
        }
    }

    fn field(&self) -> String {
        match self {
            Self::MediaType(_) => "content-type".to_owned(),
            Self::Body(BodyError::Encoding { .. }) => "content-encoding".to_owned(),
            Self::Events(error) => error.field(),
            Self::Body(_) | Self::Otlp(_) | Self::Relay(RelayError::Refused(_)) => "body".to_owned(),
            Self::TooMany(_) | Self::NotKept(_) | Self::Relay(_) | Self::Failed => String::new(),
        }
    }

    /// After how many seconds the request may succeed.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany(wait) => Some(wait.as_secs() + 1),
            Self::Body(BodyError::Busy) => Some(1),
            Self::NotKept(_) | Self::Relay(RelayError::NotNow(_) | RelayError::Away { .. }) => Some(5),
            _ => None,
        }
    }

    fn with_headers(&self, mut response: Response) -> Response {
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }

    /// As OTLP wants it: a `Status` in the format of the request. In JSON our own error is beside it.
    fn status(&self, format: Format) -> Response {
        let (status, code, grpc) = self.codes();
        let message = self.to_string();
        let body = match format {
            Format::Protobuf => collector::otlp::status(grpc, &message),
            Format::Json => {
                let error = json!({ "code": code, "message": message, "field": self.field() });
                json!({ "code": grpc, "message": message, "error": error }).to_string().into_bytes()
            }
        };
        self.with_headers((status, [(CONTENT_TYPE, content_type(format))], body).into_response())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, _) = self.codes();
        self.with_headers(ApiError::new(status, code, &self.to_string(), &self.field()).into_response())
    }
}
