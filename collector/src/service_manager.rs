//! What systemd is told, where it started the program (`Type=notify`): elsewhere nothing is.
//!
//! See <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>.

use sd_notify::{NotifyState, notify};

/// Variables by which systemd is told: for the program alone, and not for the servers that it starts.
pub(crate) const VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"];

/// The program does its work from now on, `status` in a few words. Where the unit has a watchdog, that hears from
/// the program until it ends, for as long as its tasks get their turn.
pub(crate) fn ready(status: &str) {
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

/// The settings are read again; until [`reloaded`] or [`ready_again`] the program is not done with that.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now, NotifyState::Status("reading the settings again")]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// They are read, and the program goes on with those it had.
pub(crate) fn reloaded() {
    tell(&[NotifyState::Ready, NotifyState::Status("goes on with the settings that it had")]);
}

/// The program does its work by the new ones.
pub(crate) fn ready_again(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
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
