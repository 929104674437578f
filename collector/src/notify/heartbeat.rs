//! A sign of life for a dead man's switch elsewhere: what it does not hear from, it reports.

use jiff::Timestamp;

use super::SendError;
use super::address::Guard;
use super::sender::{client, judge, secrets, unreachable};
use crate::Sentence;
use crate::config::Notify;

/// Asks the heartbeat's URL for ever, each time that it is due and readings come in.
pub(crate) async fn send_heartbeats(
    notify: Notify,
    is_alive: impl Fn() -> bool,
    report: impl Fn(Result<(), SendError>, Timestamp),
) {
    let Some(url) = notify.heartbeat_url.expose() else { return };
    let guard = Guard { allow_private: notify.heartbeat_allow_private, setting: "heartbeat_allow_private" };
    let mut ticks = tokio::time::interval(notify.heartbeat);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if is_alive() {
            let sent = tokio::time::timeout(notify.heartbeat, beat(url, guard)).await;
            report(sent.unwrap_or(Err(SendError::TimedOut(notify.heartbeat))), Timestamp::now());
        }
    }
}

async fn beat(url: &str, guard: Guard) -> Result<(), SendError> {
    let url = reqwest::Url::parse(url).map_err(|error| {
        SendError::Unusable(Sentence::new(error.to_string(), format!("heartbeat_url を読み取れません: 「{error}」")))
    })?;
    guard.check(&url).map_err(|private| SendError::Unusable(Sentence::of(&private)))?;
    let hidden = secrets(&url);
    let answer = client(guard, None)?.get(url).send().await.map_err(|error| unreachable(&error))?;
    judge(answer, hidden).await
}
