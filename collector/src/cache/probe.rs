//! Whether Redis can be used, and if not why not: asked over a connection of its own, by a write
//! that changes nothing.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::{ClientLike, KeysInterface};
use fred::types::config::Config;
use fred::types::{Builder, ConnectHandle, Value};

use super::{CURRENT_KEYS, Cache, options};
use crate::PartFault;
use crate::failure::{Failure, of_the_way};

/// For a connection and its answer together.
const ANSWER: Duration = Duration::from_millis(1_500);

/// What Redis' errors begin with.
const CODES: [(&str, PartFault); 8] = [
    ("READONLY", PartFault::ReadOnly),
    ("NOREPLICAS", PartFault::ReadOnly),
    ("MISCONF", PartFault::DiskFull),
    ("OOM", PartFault::OutOfMemory),
    ("LOADING", PartFault::StartingUp),
    ("BUSY", PartFault::Hanging),
    ("WRONGPASS", PartFault::WrongPassword),
    ("NOAUTH", PartFault::WrongPassword),
];

/// A connection that is kept, and made anew after an error.
pub(crate) struct CacheProbe {
    cache: Cache,
    link: Option<Link>,
}

/// A client that does not connect again by itself, which is how it says why it could not.
pub(super) struct Link {
    pub(super) client: Client,
    task: ConnectHandle,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl CacheProbe {
    /// A probe that connects when it is first asked.
    pub(crate) fn new(cache: Cache) -> Self {
        Self { cache, link: None }
    }

    /// Whether Redis answers and takes writes; one and a half seconds later at the most.
    pub(crate) async fn ask(&mut self) -> Result<(), Failure> {
        match tokio::time::timeout(ANSWER, self.try_ask()).await {
            Ok(answer) => answer.map_err(|error| Failure::new(fault(&error), error)),
            Err(_) => Err(Failure::new(PartFault::Hanging, format!("no answer within {ANSWER:?}"))),
        }
    }

    async fn try_ask(&mut self) -> Result<(), Error> {
        // Taken out: one that fails or is given up in the middle of it is not used again.
        if let Some(link) = self.link.take().filter(|link| !link.task.is_finished()) {
            match write(&link.client).await {
                // That somebody ended it says nothing of the server.
                Err(error) if matches!(fault(&error), PartFault::Refused | PartFault::Other) => {}
                answer => {
                    self.link = Some(link);
                    return answer;
                }
            }
        }
        let link = self.connect().await?;
        let answer = write(&link.client).await;
        self.link = Some(link);
        answer
    }

    async fn connect(&self) -> Result<Link, Error> {
        link(&self.cache.builder, self.cache.builder.get_config().cloned().unwrap_or_default()).await
    }
}

/// Connects once, with the other settings of `builder`.
pub(super) async fn link(builder: &Builder, mut config: Config) -> Result<Link, Error> {
    config.fail_fast = true;
    let mut own = Builder::from_config(config);
    own.set_performance_config(builder.get_performance_config().clone())
        .set_connection_config(builder.get_connection_config().clone());
    let client = own.build()?;
    let mut connected = pin!(client.wait_for_connect());
    // It begins to listen before there is anything to hear: what was said between its look at the state and that would
    // never come again, and a Redis that answers would seem to hang.
    let _ = poll_fn(|context| Poll::Ready(connected.as_mut().poll(context))).await;
    let mut link = Link { task: client.connect(), client: client.clone() };
    tokio::select! {
        connected = connected => connected?,
        ended = &mut link.task => ended??,
    }
    Ok(link)
}

/// A command that writes, and so is refused where writes are, but changes nothing: an empty text
/// laid over the beginning of one.
async fn write(client: &Client) -> Result<(), Error> {
    let written: Result<Value, _> = client.with_options(&options()).setrange(CURRENT_KEYS[1], 0, "").await;
    match written {
        // Somebody has put something else there, or this user may use other commands only: it answers.
        Err(error) if ["WRONGTYPE", "NOPERM"].iter().any(|code| error.details().starts_with(code)) => Ok(()),
        written => written.map(drop),
    }
}

pub(super) fn fault(error: &Error) -> PartFault {
    let details = error.details();
    if let Some((_, fault)) = CODES.iter().find(|(code, _)| details.starts_with(code)) {
        return *fault;
    }
    match error.kind() {
        _ if details.contains("max number of clients") => PartFault::TooManyConnections,
        ErrorKind::Timeout => PartFault::Hanging,
        ErrorKind::Auth => PartFault::WrongPassword,
        ErrorKind::Tls => PartFault::Tls,
        ErrorKind::IO | ErrorKind::Canceled => match of_the_way(details) {
            // The connection is over, and that is all that is known.
            PartFault::Other => PartFault::Refused,
            fault => fault,
        },
        _ => PartFault::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_code_and_kind() {
        for (kind, details, expected) in [
            (ErrorKind::Unknown, "READONLY You can't write against a read only replica.", PartFault::ReadOnly),
            (ErrorKind::Unknown, "MISCONF Redis is configured to save RDB snapshots", PartFault::DiskFull),
            (ErrorKind::Unknown, "OOM command not allowed when used memory > 'maxmemory'.", PartFault::OutOfMemory),
            (ErrorKind::Unknown, "LOADING Redis is loading the dataset in memory", PartFault::StartingUp),
            (ErrorKind::Auth, "WRONGPASS invalid username-password pair", PartFault::WrongPassword),
            (ErrorKind::Unknown, "ERR max number of clients reached", PartFault::TooManyConnections),
            (ErrorKind::IO, "Os { code: 111, kind: ConnectionRefused, message: \"..\" }", PartFault::Refused),
            (ErrorKind::IO, "failed to lookup address information", PartFault::Unreachable),
            (ErrorKind::Canceled, "Canceled.", PartFault::Refused),
            (ErrorKind::Timeout, "Request timed out.", PartFault::Hanging),
            (ErrorKind::Protocol, "Expected string.", PartFault::Other),
        ] {
            assert_eq!(fault(&Error::new(kind, details)), expected, "{details}");
        }
    }
}
