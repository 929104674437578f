//! Who of all collectors does the scheduled work. What happens when two believe it is them is the
//! business of the fence in `store::turn`.

use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::store::{Right, Store};

/// An answer that takes longer counts as none.
const TIMEOUT: Duration = Duration::from_secs(1);

/// This collector's claim to the lease.
#[derive(Debug)]
pub(super) struct Lease {
    store: Store,
    holder: Uuid,
    host: String,
    /// One that is not renewed runs out: a dead holder is replaced within this and a second.
    length: Duration,
    held: Option<(i64, Instant)>,
}

impl Lease {
    pub(super) fn new(store: Store, holder: Uuid, host: &str, length: Duration) -> Self {
        Self { store, holder, host: host.to_owned(), length, held: None }
    }

    /// Leaves it to others, who may take it at once.
    pub(super) async fn give_up(&mut self) {
        if self.held.take().is_some() {
            tracing::warn!("the scheduled work is stuck here: it is left to another collector for a while");
        }
        // Where PostgreSQL does not answer, it runs out.
        let _ = tokio::time::timeout(TIMEOUT, self.store.give_up_lease(self.holder)).await;
    }

    /// Takes or renews the lease; answers the right to work while it is held.
    pub(super) async fn hold(&mut self) -> Option<Right> {
        // From before the question: the database counts from later on.
        let asked = Instant::now();
        let answer = self.store.hold_lease(self.holder, &self.host, self.length.as_secs_f64());
        let before = self.held.map(|(epoch, _)| epoch);
        match tokio::time::timeout(TIMEOUT, answer).await {
            Ok(Ok(epoch)) => self.held = epoch.map(|epoch| (epoch, asked)),
            Ok(Err(_)) | Err(_) => self.held = self.held.filter(|(_, since)| since.elapsed() < self.length),
        }
        let now = self.held.map(|(epoch, _)| epoch);
        match (before, now) {
            (None, Some(epoch)) => tracing::info!(epoch, "this collector does the scheduled work"),
            (Some(_), None) => tracing::info!("this collector no longer does the scheduled work"),
            _ => {}
        }
        now.map(|epoch| Right::Lease { holder: self.holder, epoch })
    }
}
