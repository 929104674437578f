//! What people do about alerts: look after one, silence some, end a silence.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::rfc3339;

/// Something that somebody does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Looks after an alert.
    Acknowledge {
        /// Its id.
        alert: String,
        /// Who.
        by: String,
    },
    /// Keeps alerts quiet.
    Silence {
        /// Which: the name of a rule, labels, or both.
        matchers: String,
        /// Who.
        author: String,
        /// Why.
        reason: String,
        /// Until when; `None`: until no such alert fires any more.
        #[serde(default, with = "rfc3339::option")]
        ends_at: Option<Timestamp>,
    },
    /// Ends a silence before its time.
    EndSilence {
        /// Its id.
        silence: String,
    },
}
