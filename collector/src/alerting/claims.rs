//! Where several collectors of one host see the same alert, one of them tells people: the one that has
//! claimed it in PostgreSQL. While PostgreSQL is away each of them does; told twice is better than not.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Alerting;
use crate::store::Store;
use crate::{PartName, PartState};

/// A claim holds for thrice as long.
const RENEWAL: Duration = Duration::from_secs(10);
/// An alert waits no longer for its claim.
const PATIENCE: Duration = Duration::from_millis(500);

impl Alerting {
    /// Claims what fires, for ever.
    pub(crate) async fn watch_claims(self, store: Store) {
        let (mut changes, mut answered) = (self.0.outbox.subscribe(), Instant::now());
        self.0.is_claiming.store(true, std::sync::atomic::Ordering::Relaxed);
        loop {
            let renewal = tokio::time::sleep(RENEWAL);
            tokio::pin!(renewal);
            loop {
                tokio::select! {
                    () = &mut renewal => break,
                    changed = changes.changed() => {
                        if changed.is_err() {
                            return;
                        }
                        if self.lock().dispatch.has_unclaimed() {
                            break;
                        }
                    }
                }
            }
            let (collector, series) = {
                let state = self.lock();
                (state.collector.clone(), state.dispatch.series())
            };
            let is_down =
                self.0.feed.health().part(PartName::Postgresql).is_some_and(|part| part.state == PartState::Down);
            let claimed = match is_down {
                true => None,
                false => {
                    tokio::time::timeout(PATIENCE, store.claim(&collector, &series)).await.ok().and_then(Result::ok)
                }
            };
            let now = Timestamp::now();
            let mut state = self.lock();
            let has_changed = match claimed {
                Some(claimed) => {
                    answered = Instant::now();
                    let [asked, own]: [HashSet<String>; 2] = [series, claimed].map(|names| names.into_iter().collect());
                    state.dispatch.claimed(|name| asked.contains(name).then(|| own.contains(name)))
                }
                // What another one tells of stays with that one as long as its claim would hold.
                None => state.dispatch.claim_alone(answered.elapsed() >= 3 * RENEWAL),
            };
            if state.dispatch.flush(now, self.0.zone.to_datetime(now)) || has_changed {
                self.write(&mut state);
                drop(state);
                self.0.outbox.send_replace(());
            }
        }
    }
}
