//! Takes what is pushed to a dashboard, and what people do about alerts there, to the separate
//! collector beside it, over a Unix socket in the data directory, which nobody else may open. It is
//! acknowledged when the collector has it.
//!
//! | | one byte | `u32` | so many bytes |
//! |---|---|---|---|
//! | request | `p`, `j`: OTLP in protobuf, JSON; `e`: business events, `d`, `a`, `t`: alerts | length | the body |
//! | answer | `+` taken, `!` refused, `-` not now | length | what is answered, or why not |

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::InJapanese;
use crate::alert::{Act, Desk};
use crate::alerting::{Front, Refusal};
use crate::business::{Counting, Taken};
use crate::own_socket;
use crate::source::events;
use crate::source::otlp::{Format, Receiver};

/// In the data directory.
const SOCKET: &str = "pushes.sock";
/// Neither end waits longer for the other.
const PATIENCE: Duration = Duration::from_secs(15);
/// A receiver that is tested may take its time-out, at most a minute.
const TEST_PATIENCE: Duration = Duration::from_secs(70);
/// Requests in memory at once; the others wait for their turn.
const AT_ONCE: usize = 2;
/// How alerting stands may be as long.
const LONGEST_ANSWER: u32 = 16 << 20;
/// Pause after a connection could not be taken.
const PAUSE: Duration = Duration::from_secs(1);

/// Why nothing of what was pushed was taken.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// It is not valid.
    #[error("{0}")]
    Refused(String),
    /// It is, but cannot be taken now.
    #[error("{0}")]
    NotNow(String),
    /// Nobody is there to take it.
    #[error(
        "no collector answers on {}: {source}; start recipe-monitoring-collector run with this data directory, or push \
         to a dashboard beside it", .socket.display()
    )]
    Away {
        /// Where it would be.
        socket: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl InJapanese for RelayError {
    fn ja(&self) -> String {
        match self {
            Self::Refused(said) => format!("コレクターが受け付けません: 「{said}」"),
            Self::NotNow(said) => format!("コレクターが今は受け付けられません: 「{said}」"),
            Self::Away { socket, source } => format!(
                "{} でコレクターが応答しません: 「{source}」。このデータディレクトリで「recipe-monitoring-collector run」を\
                 起動してください",
                socket.display()
            ),
        }
    }
}

/// What is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Metrics(Format),
    Events,
    /// How alerting stands is asked for.
    Desk,
    /// Somebody does something about alerts.
    Act,
    /// Somebody tests a receiver.
    Test,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::Metrics(Format::Protobuf), Self::Metrics(Format::Json), Self::Events, Self::Desk, Self::Act, Self::Test];

    fn code(self) -> u8 {
        match self {
            Self::Metrics(Format::Protobuf) => b'p',
            Self::Metrics(Format::Json) => b'j',
            Self::Events => b'e',
            Self::Desk => b'd',
            Self::Act => b'a',
            Self::Test => b't',
        }
    }
}

/// The way to the collector.
#[derive(Clone, Debug)]
pub struct Relay {
    socket: PathBuf,
}

impl Relay {
    /// The way to the collector with this data directory, whether it runs or not.
    pub(crate) fn to(data_dir: &Path) -> Self {
        Self { socket: data_dir.join(SOCKET) }
    }

    /// Hands over a request by OTLP, decompressed; returns the body of the answer.
    ///
    /// # Errors
    ///
    /// See [`RelayError`]
    pub async fn metrics(&self, body: &[u8], format: Format) -> Result<Vec<u8>, RelayError> {
        self.send(Kind::Metrics(format), body).await
    }

    /// Hands over a request with business events, decompressed.
    ///
    /// # Errors
    ///
    /// See [`RelayError`]
    pub async fn events(&self, body: &[u8]) -> Result<Taken, RelayError> {
        let answer = self.send(Kind::Events, body).await?;
        serde_json::from_slice(&answer).map_err(|error| self.away(error.into()))
    }

    /// Asks how alerting stands.
    pub(crate) async fn desk(&self) -> Result<Desk, RelayError> {
        let answer = self.send(Kind::Desk, b"").await?;
        serde_json::from_slice(&answer).map_err(|error| self.away(error.into()))
    }

    /// Has something done about alerts; what is refused is the JSON of a [`Refusal`].
    pub(crate) async fn act(&self, act: &Act) -> Result<String, RelayError> {
        let act = serde_json::to_vec(act).map_err(|error| self.away(error.into()))?;
        Ok(String::from_utf8_lossy(&self.send(Kind::Act, &act).await?).into_owned())
    }

    /// The same for a test of a receiver.
    pub(crate) async fn test(&self, receiver: &str) -> Result<(), RelayError> {
        self.send(Kind::Test, receiver.as_bytes()).await.map(drop)
    }

    async fn send(&self, kind: Kind, body: &[u8]) -> Result<Vec<u8>, RelayError> {
        let sent = async {
            let mut stream = UnixStream::connect(&self.socket).await?;
            stream.write_u8(kind.code()).await?;
            write(&mut stream, body).await?;
            let outcome = stream.read_u8().await?;
            Ok((outcome, read(&mut stream, LONGEST_ANSWER).await?))
        };
        let patience = if kind == Kind::Test { TEST_PATIENCE } else { PATIENCE };
        let sent = tokio::time::timeout(patience, sent).await.unwrap_or_else(|late| Err(late.into()));
        let (outcome, answer) = sent.map_err(|source| self.away(source))?;
        let text = |answer| String::from_utf8_lossy(answer).into_owned();
        match outcome {
            b'+' => Ok(answer),
            b'!' => Err(RelayError::Refused(text(&answer))),
            _ => Err(RelayError::NotNow(text(&answer))),
        }
    }

    fn away(&self, source: io::Error) -> RelayError {
        RelayError::Away { socket: self.socket.clone(), source }
    }
}

/// The collector's end.
#[derive(Debug)]
pub(crate) struct Entrance {
    pub(crate) receiver: Receiver,
    pub(crate) counting: Option<Counting>,
    /// No older event is taken.
    pub(crate) kept: SignedDuration,
    /// Bytes of a request.
    pub(crate) limit: usize,
    pub(crate) front: Front,
}

impl Entrance {
    /// Takes what comes, for ever.
    pub(crate) async fn open(self, data_dir: PathBuf) {
        let path = data_dir.join(SOCKET);
        let listener = match own_socket::listen(&path) {
            Ok(listener) => listener,
            Err(error) => {
                return tracing::warn!(
                    %error, path = %path.display(),
                    "what is pushed to a separate dashboard will not be taken: see the permissions of the directory"
                );
            }
        };
        let (entrance, room, mut taking) = (Arc::new(self), Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
        loop {
            // It is never closed.
            let Ok(room) = Arc::clone(&room).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let entrance = Arc::clone(&entrance);
                    taking.spawn(async move {
                        if let Err(error) = entrance.take(stream, room).await {
                            tracing::debug!(%error, "a request that was handed over was not read or answered");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "what is pushed to a separate dashboard cannot be taken now");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            while taking.try_join_next().is_some() {}
        }
    }

    async fn take(self: Arc<Self>, mut stream: UnixStream, room: OwnedSemaphorePermit) -> io::Result<()> {
        let limit = u32::try_from(self.limit).unwrap_or(u32::MAX);
        let request = async {
            let code = stream.read_u8().await?;
            let kind = Kind::ALL.into_iter().find(|kind| kind.code() == code);
            let kind = kind.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "another version"))?;
            Ok::<_, io::Error>((kind, read(&mut stream, limit).await?))
        };
        let (kind, body) = tokio::time::timeout(PATIENCE, request).await??;
        // A test is short, and may take long.
        let room = Some(room).filter(|_| kind != Kind::Test);
        let (outcome, answer) = match self.answer(kind, body).await {
            Ok(answer) => (b'+', answer),
            Err(RelayError::Refused(why)) => (b'!', why.into_bytes()),
            Err(error) => (b'-', error.to_string().into_bytes()),
        };
        drop(room);
        let answered = async {
            stream.write_u8(outcome).await?;
            write(&mut stream, &answer).await
        };
        tokio::time::timeout(PATIENCE, answered).await?
    }

    async fn answer(self: Arc<Self>, kind: Kind, body: Vec<u8>) -> Result<Vec<u8>, RelayError> {
        let wrong = |error: &dyn std::fmt::Display| RelayError::NotNow(format!("another version asks: {error}"));
        let no = |refusal: Refusal| RelayError::Refused(serde_json::to_string(&refusal).unwrap_or_default());
        match kind {
            Kind::Metrics(_) | Kind::Events => self.take_in(kind, body).await,
            Kind::Desk => serde_json::to_vec(&self.front.alerting.desk()).map_err(|error| wrong(&error)),
            Kind::Act => {
                let act = serde_json::from_slice(&body).map_err(|error| wrong(&error))?;
                self.front.act(act).map(String::into_bytes).map_err(no)
            }
            Kind::Test => {
                let receiver = String::from_utf8(body).map_err(|error| wrong(&error))?;
                self.front.test(&receiver).await.map(|()| Vec::new()).map_err(no)
            }
        }
    }

    async fn take_in(self: Arc<Self>, kind: Kind, body: Vec<u8>) -> Result<Vec<u8>, RelayError> {
        let entrance = Arc::clone(&self);
        let refused = |error: &dyn std::fmt::Display| RelayError::Refused(error.to_string());
        // It takes as long as the body is large.
        let read = tokio::task::spawn_blocking(move || match kind {
            Kind::Metrics(format) => {
                let accepted = entrance.receiver.receive(&body, format, Timestamp::now());
                Ok((accepted.map_err(|error| refused(&error))?.answer(format), Vec::new()))
            }
            _ => {
                let events = events::parse(&body, Timestamp::now(), entrance.kept);
                Ok((Vec::new(), events.map_err(|error| refused(&error))?))
            }
        });
        let failed = |error: &dyn std::fmt::Display| RelayError::NotNow(format!("the collector failed: {error}"));
        let (answer, events) = read.await.map_err(|error| failed(&error))??;
        if matches!(kind, Kind::Metrics(_)) {
            return Ok(answer);
        }
        let Some(counting) = &self.counting else { return Err(RelayError::NotNow(Taken::OFF.to_owned())) };
        serde_json::to_vec(&counting.take(events).await).map_err(|error| failed(&error))
    }
}

async fn write(stream: &mut UnixStream, bytes: &[u8]) -> io::Result<()> {
    let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "more than 4 GiB");
    stream.write_u32(u32::try_from(bytes.len()).map_err(too_long)?).await?;
    stream.write_all(bytes).await
}

/// Reads what has a length before it, memory being taken as it comes.
async fn read(stream: &mut UnixStream, limit: u32) -> io::Result<Vec<u8>> {
    let length = stream.read_u32().await?;
    if length > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{length} bytes are more than {limit}")));
    }
    let mut bytes = Vec::new();
    stream.take(length.into()).read_to_end(&mut bytes).await?;
    match bytes.len() == length as usize {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
