//! What systemd is told, where it started the program (`Type=notify`): elsewhere nothing is.
//!
//! See <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>.

use sd_notify::{NotifyState, notify};

/// Variables by which systemd is told: for the program alone, and not for the servers that it starts.
pub(crate) const VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"];

/// The program does its work from now on, `status` in a few words. Where the unit has a watchdog, that hears from
/// the program until it ends, for as long as its tasks get their turn.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    if let Some(limit) = sd_notify::watchdog_enabled() {
        tokio::spawn(async move {
            let mut turns = tokio::time::interval(limit / 3);
            loop {
                turns.tick().await;
                tell(&[NotifyState::Watchdog]);
            }
        });
    }
}

/// The program is about to end; what it has sampled is saved first.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("saving what was sampled")]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = notify(states) {
        tracing::warn!(%error, "systemd cannot be told how the program stands");
    }
}
