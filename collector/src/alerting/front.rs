//! Where people come with what they want of alerting: to this process, or to the collector beside it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ActError, Alerting};
use crate::alert::{Act, Desk};
use crate::config::Notify;
use crate::monitor::Monitor;
use crate::notify::{SendError, try_receiver};
use crate::relay::{Relay, RelayError};
use crate::{InJapanese, Sentence};

/// The alerting of this process.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    pub(crate) alerting: Alerting,
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) notify: Notify,
}

/// The way to alerting, wherever it is.
#[derive(Clone, Debug)]
pub struct AlertDesk(Way);

#[derive(Clone, Debug)]
enum Way {
    Here(Box<Front>),
    There(Relay),
}

/// Why nothing was done, or is known.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// What was asked for cannot be.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// It can, but not now.
    #[error("{0}")]
    NotNow(Sentence),
}

impl InJapanese for DeskError {
    fn ja(&self) -> String {
        match self {
            Self::Refused(Refusal { message, message_ja, .. }) => {
                Sentence::kept(message.as_str(), message_ja.as_str()).ja
            }
            Self::NotNow(sentence) => sentence.ja(),
        }
    }
}

/// What is wrong with what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which part of it.
    pub field: String,
    /// What, and what would be right.
    pub message: String,
    /// The same in Japanese.
    #[serde(default)]
    pub message_ja: String,
    /// It is about something that is not there.
    pub is_missing: bool,
}

impl From<ActError> for Refusal {
    fn from(error: ActError) -> Self {
        let (field, is_missing) = match error {
            ActError::Unknown { field, .. } => (field, true),
            ActError::Invalid { field, .. } => (field, false),
        };
        let Sentence { en, ja } = Sentence::of(&error);
        Self { field: field.to_owned(), message: en, message_ja: ja, is_missing }
    }
}

impl From<RelayError> for DeskError {
    fn from(error: RelayError) -> Self {
        match error {
            RelayError::Refused(ref text) => match serde_json::from_str(text) {
                Ok(refusal) => Self::Refused(refusal),
                Err(_) => Self::NotNow(Sentence::of(&error)),
            },
            other => Self::NotNow(Sentence::of(&other)),
        }
    }
}

impl Front {
    /// Does it, and tells everybody.
    pub(crate) fn act(&self, act: Act) -> Result<String, Refusal> {
        let (id, events) = self.alerting.act(act, Timestamp::now())?;
        self.monitor.tell(events);
        Ok(id)
    }

    /// Sends a test to a receiver.
    pub(crate) async fn test(&self, receiver: &str) -> Result<(), Refusal> {
        try_receiver(&self.notify, receiver, Timestamp::now()).await.map_err(|error| {
            let Sentence { en, ja } = Sentence::of(&error);
            let is_missing = matches!(error, SendError::Unknown { .. });
            Refusal { field: "receiver".to_owned(), message: en, message_ja: ja, is_missing }
        })?;
        self.alerting.report_test(receiver, Timestamp::now());
        Ok(())
    }
}

impl AlertDesk {
    pub(crate) fn here(front: Front) -> Self {
        Self(Way::Here(Box::new(front)))
    }

    pub(crate) fn there(relay: Relay) -> Self {
        Self(Way::There(relay))
    }

    /// How alerting stands.
    ///
    /// # Errors
    ///
    /// [`DeskError::NotNow`] where the collector beside does not answer.
    pub async fn desk(&self) -> Result<Desk, DeskError> {
        match &self.0 {
            Way::Here(front) => Ok(front.alerting.desk()),
            Way::There(relay) => Ok(relay.desk().await?),
        }
    }

    /// Does something; answers the id of the alert or the silence.
    ///
    /// # Errors
    ///
    /// See [`DeskError`]. Nothing has changed then.
    pub async fn act(&self, act: Act) -> Result<String, DeskError> {
        match &self.0 {
            Way::Here(front) => front.act(act).map_err(DeskError::Refused),
            Way::There(relay) => Ok(relay.act(&act).await?),
        }
    }

    /// Sends a test to a receiver, at once and once.
    ///
    /// # Errors
    ///
    /// See [`DeskError`]; also why the test did not arrive.
    pub async fn test(&self, receiver: &str) -> Result<(), DeskError> {
        match &self.0 {
            Way::Here(front) => front.test(receiver).await.map_err(DeskError::Refused),
            Way::There(relay) => Ok(relay.test(receiver).await?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::assert_japanese;

    #[test]
    fn what_comes_from_the_collector_beside_is_said_in_japanese() {
        let away =
            || RelayError::Away { socket: "/data/pushes.sock".into(), source: std::io::ErrorKind::NotFound.into() };
        let error = DeskError::from(away());
        assert_japanese(&error.ja(), &["/data/pushes.sock", "recipe-monitoring-collector run"]);
        assert_eq!(error.to_string(), away().to_string());
        let error = DeskError::from(RelayError::NotNow("another version asks".to_owned()));
        assert_japanese(&error.ja(), &["another version asks"]);
        let refusal = Refusal::from(ActError::Unknown { field: "alert", id: "019a".to_owned() });
        let sent = |refusal: &Refusal| RelayError::Refused(serde_json::to_string(refusal).unwrap());
        let error = DeskError::from(sent(&refusal));
        assert_eq!((error.ja(), error.to_string()), (refusal.message_ja, refusal.message));
        // One of before there was Japanese.
        let old = r#"{"field":"alert","message":"alert 019a is not there any more","is_missing":true}"#;
        let error = DeskError::from(RelayError::Refused(old.to_owned()));
        assert_eq!(error.ja(), "alert 019a is not there any more");
        assert_japanese(&DeskError::from(RelayError::Refused("no".to_owned())).ja(), &["no"]);
    }
}
