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
    NotNow(String),
}

/// What is wrong with what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which part of it.
    pub field: String,
    /// What, and what would be right.
    pub message: String,
    /// It is about something that is not there.
    pub is_missing: bool,
}

impl From<ActError> for Refusal {
    fn from(error: ActError) -> Self {
        let message = error.to_string();
        match error {
            ActError::Unknown { field, .. } => Self { field: field.to_owned(), message, is_missing: true },
            ActError::Invalid { field, .. } => Self { field: field.to_owned(), message, is_missing: false },
        }
    }
}

impl From<RelayError> for DeskError {
    fn from(error: RelayError) -> Self {
        match error {
            RelayError::Refused(text) => match serde_json::from_str(&text) {
                Ok(refusal) => Self::Refused(refusal),
                Err(_) => Self::NotNow(text),
            },
            other => Self::NotNow(other.to_string()),
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
        try_receiver(&self.notify, receiver, Timestamp::now()).await.map_err(|error| Refusal {
            field: "receiver".to_owned(),
            message: error.to_string(),
            is_missing: matches!(error, SendError::Unknown { .. }),
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
