//! A snapshot of what Redis has of ours, and the way back.
//!
//! Not an RDB file: that has every key of every database of a server that may be shared, cannot be
//! loaded into one that runs, and is refused by many hosted ones. `DUMP` and `RESTORE` are the same
//! encoding with a checksum, one key each, and touch no key but ours. A time to live is kept as the
//! moment at which it is over, as in an RDB: what was the newest value a week ago is none today.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fred::interfaces::{ClientLike, KeysInterface};
use fred::types::Value;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ALERTS_KEY, CURRENT_KEYS, Cache, CacheError, HOURLY_KEY, KINDS, options};

/// A server that answers no question of a snapshot for so long has none.
const LIMIT: Duration = Duration::from_secs(30);

/// The keys of ours that were there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Copy {
    pub(crate) keys: Vec<CopiedKey>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CopiedKey {
    /// Its name.
    key: String,
    /// When its time is over; `None` where it has no end.
    #[serde(with = "crate::rfc3339::option")]
    expires_at: Option<Timestamp>,
    /// What `DUMP` answers, in base64.
    value: String,
}

impl Cache {
    /// What there is of ours.
    pub(crate) async fn copy(&self) -> Result<Copy, CacheError> {
        let client = self.client.with_options(&options());
        let work = async {
            let mut keys = Vec::new();
            for key in known() {
                let value: Option<Bytes> = client.dump(key).await?;
                let Some(value) = value else { continue };
                let left: i64 = client.pttl(key).await?;
                let expires_at = (left >= 0).then(|| Timestamp::now() + SignedDuration::from_millis(left));
                // -2: it is gone since.
                if left != -2 {
                    keys.push(CopiedKey { key: key.to_owned(), expires_at, value: STANDARD.encode(&value) });
                }
            }
            Ok(Copy { keys })
        };
        tokio::time::timeout(LIMIT, work).await.unwrap_or_else(|_| Err(late()))
    }

    /// Puts the keys of a copy in the place of those that are there. Answers how many still have a time
    /// to live at `now`.
    pub(crate) async fn put_back(&self, copy: &Copy, now: Timestamp) -> Result<usize, CacheError> {
        let client = self.client.with_options(&options());
        let work = async {
            let mut put = 0;
            // Whatever a copy says, nobody else's keys are written.
            for CopiedKey { key, expires_at, value } in copy.keys.iter().filter(|copied| is_known(&copied.key)) {
                let left = expires_at.map(|at| i64::try_from(at.duration_since(now).as_millis()).unwrap_or(0));
                if left.is_some_and(|left| left <= 0) {
                    continue;
                }
                let Ok(value) = STANDARD.decode(value) else { continue };
                let value = Value::Bytes(value.into());
                let () = client.restore(key.as_str(), left.unwrap_or(0), value, true, false, None, None).await?;
                put += 1;
            }
            Ok(put)
        };
        tokio::time::timeout(LIMIT, work).await.unwrap_or_else(|_| Err(late()))
    }
}

fn late() -> CacheError {
    fred::error::Error::new(fred::error::ErrorKind::Timeout, format!("no answer within {LIMIT:?}")).into()
}

fn known() -> impl Iterator<Item = &'static str> {
    KINDS.into_iter().map(|(_, _, key)| key).chain(CURRENT_KEYS).chain([HOURLY_KEY, ALERTS_KEY])
}

fn is_known(key: &str) -> bool {
    known().any(|known| known == key)
}
