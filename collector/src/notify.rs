//! Tells people: which alerts go to whom and when, and the messages on their way.
//!
//! ```text
//! Alerting -> Dispatch (groups, outbox; in the journal) -> one task for each receiver -> its form
//! ```
//!
//! A message is made once, with a key that stays, and is in the journal before it is sent: what a
//! crash, or an outage of the receiver, leaves undelivered is sent again under the same key.

mod address;
mod dispatch;
mod error;
mod flaps;
mod form;
mod heartbeat;
mod mail;
mod message;
mod routing;
mod sender;

pub(crate) use dispatch::{Dispatch, Failure, Record};
pub use error::SendError;
pub(crate) use flaps::Flaps;
pub(crate) use heartbeat::send_heartbeats;
pub(crate) use message::{About, Message};
pub(crate) use routing::{Pace, Router, facts};
pub use sender::try_receiver;
pub(crate) use sender::{Outcome, Sender, deliver};
