//! What a receiver is told in one go.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Labels;
use crate::alert::Alert;
use crate::rfc3339;

/// A message. Its key is the same for every attempt to deliver it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Message {
    /// By which a receiver knows it when it comes again.
    pub(crate) key: String,
    /// What it is about.
    pub(crate) about: About,
    /// The labels that its alerts have in common, by which they were grouped.
    pub(crate) group: Labels,
    /// When it was made.
    #[serde(with = "rfc3339")]
    pub(crate) at: Timestamp,
    /// The worst that fire first, then those that are over.
    pub(crate) alerts: Vec<Alert>,
    /// Attempts that failed.
    pub(crate) attempts: u32,
    /// No attempt before.
    #[serde(with = "rfc3339")]
    pub(crate) next_attempt: Timestamp,
}

/// What a message is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum About {
    /// Alerts that fire, or are over.
    Alerts,
    /// A silence that ends soon, and what it keeps quiet.
    SilenceEnds {
        /// Who made it.
        author: String,
        /// When.
        #[serde(with = "rfc3339")]
        ends_at: Timestamp,
    },
    /// A test that somebody asked for.
    Test,
}

impl Message {
    /// Those that fire.
    pub(crate) fn firing(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.iter().filter(|alert| alert.resolved_at.is_none())
    }

    /// Those that are over.
    pub(crate) fn resolved(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.iter().filter(|alert| alert.resolved_at.is_some())
    }
}
