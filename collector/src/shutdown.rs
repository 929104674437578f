//! The end, when it is asked for.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal as on};

/// Starts listening for SIGTERM and SIGINT; the answered future ends with the first of them. With
/// the second the program ends at once.
///
/// # Errors
///
/// When the operating system does not let us listen.
pub fn signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let (mut terminate, mut interrupt) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
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
