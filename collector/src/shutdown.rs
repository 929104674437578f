//! The end, when it is asked for.

use std::future::Future;
use std::io::IsTerminal;

use tokio::signal::unix::{SignalKind, signal as on};

/// Starts listening for SIGTERM and SIGINT; the answered future ends with the first of them. With
/// the second the program ends at once. On a terminal that goes away it ends too: elsewhere SIGHUP
/// asks for the settings and the alert rules to be read.
///
/// # Errors
///
/// When the operating system does not let us listen.
pub fn signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let (mut terminate, mut interrupt) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
    let (mut hang_up, on_terminal) = (on(SignalKind::hangup())?, std::io::stderr().is_terminal());
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv(), if on_terminal => {}
        }
        // Who asks again does not want to wait for the end in order.
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::warn!("asked again: ending at once; what is not saved is in the spool");
            std::process::exit(130);
        });
    })
}
