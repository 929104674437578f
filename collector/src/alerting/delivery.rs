//! The tasks that carry messages to receivers, and the one that sees what is due.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Alerting;
use crate::alert::Heartbeat;
use crate::notify::{Message, Outcome, SendError, Sender};
use crate::{Payload, Sentence};

/// What is due by time is seen so often.
const TICK: Duration = Duration::from_millis(500);

impl Alerting {
    /// One for each receiver.
    pub(crate) fn senders(&self) -> Vec<Sender> {
        let notify = &self.0.notify;
        notify.receivers.iter().map(|(name, receiver)| Sender::new(name, receiver, &notify.dashboard_url)).collect()
    }

    /// Sees for ever what time brings: repeats, ends of silences, messages that waited. Gives what is
    /// to be told to `tell`.
    pub(crate) async fn watch_time(self, tell: impl Fn(Vec<Payload>)) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            tell(self.see_time(Timestamp::now()));
        }
    }

    /// What the time of now brings; answers what is to be told.
    pub(super) fn see_time(&self, now: Timestamp) -> Vec<Payload> {
        let mut state = self.lock();
        let silences = state.hush.silences();
        let changed = self.hush(&mut state, now);
        let has_messages = state.dispatch.flush(now, self.0.zone.to_datetime(now));
        if has_messages || !changed.is_empty() || state.hush.silences() != silences {
            self.write(&mut state);
            self.0.outbox.send_replace(());
        }
        changed.into_iter().map(|alert| Payload::AlertChanged(Box::new(alert))).collect()
    }

    /// Waits for a message to a receiver.
    pub(crate) async fn next_message(&self, receiver: &str) -> Message {
        let mut changes = self.0.outbox.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(message) = self.lock().dispatch.next(receiver, Timestamp::now()) {
                return message;
            }
            // One that failed waits for its time.
            let _ = tokio::time::timeout(TICK, changes.changed()).await;
        }
    }

    /// Notes what became of a message.
    pub(crate) fn report_delivery(&self, receiver: &str, key: &str, outcome: Outcome) {
        self.report_delivery_at(receiver, key, outcome, Timestamp::now());
    }

    pub(super) fn report_delivery_at(&self, receiver: &str, key: &str, outcome: Outcome, now: Timestamp) {
        let mut state = self.lock();
        // How often one was tried is no matter after a crash.
        let mut is_worth_keeping = true;
        match outcome {
            Ok(()) => {
                state.dispatch.delivered(receiver, key, now);
                tracing::info!(receiver, key, "alerts delivered");
            }
            Err(error) => {
                let give_up_after =
                    SignedDuration::try_from(self.0.notify.give_up_after).unwrap_or(SignedDuration::MAX);
                let is_first =
                    state.dispatch.records().get(receiver).is_none_or(|record| record.failing_since.is_none());
                let (sentence, chance) = (Sentence::of(&error), (now, fastrand::f64()));
                let failed = (sentence, error.failure());
                let is_given_up = state.dispatch.failed(receiver, key, failed, chance, give_up_after);
                match is_given_up {
                    true => tracing::error!(receiver, key, %error, "a message about alerts is given up"),
                    false => tracing::warn!(receiver, key, %error, "a message about alerts waits"),
                }
                is_worth_keeping = is_given_up || is_first;
            }
        }
        if is_worth_keeping {
            self.write(&mut state);
        }
        let paging_error = self.paging_error(&state);
        drop(state);
        self.0.feed.report_paging(paging_error, now);
        self.0.outbox.send_replace(());
    }

    /// Notes that a test has arrived at a receiver.
    pub(super) fn report_test(&self, receiver: &str, now: Timestamp) {
        let mut state = self.lock();
        state.dispatch.tested(receiver, now);
        self.write(&mut state);
        let paging_error = self.paging_error(&state);
        drop(state);
        self.0.feed.report_paging(paging_error, now);
    }

    /// Notes what became of a heartbeat.
    pub(crate) fn report_heartbeat(&self, outcome: Result<(), SendError>, now: Timestamp) {
        let mut state = self.lock();
        let before = state.heartbeat.take().unwrap_or_default();
        let was_failing = !before.error.is_empty();
        state.heartbeat = Some(match outcome {
            Ok(()) => Heartbeat { sent_at: Some(now), ..Heartbeat::default() },
            Err(error) => {
                if !was_failing {
                    tracing::error!(%error, "the heartbeat does not arrive");
                }
                let Sentence { en, ja } = Sentence::of(&error);
                Heartbeat { sent_at: before.sent_at, error: en, error_ja: ja }
            }
        });
        let paging_error = self.paging_error(&state);
        drop(state);
        self.0.feed.report_paging(paging_error, now);
    }
}
