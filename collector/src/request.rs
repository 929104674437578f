//! What a running program is asked for by signal: SIGUSR1 asks it to save now.

use std::io;

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{self, SignalKind};

/// Why a program could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The signal would end it.
    #[error(
        "process {pid} does not listen for SIGUSR1: it is starting, or of an earlier version; try again or restart it"
    )]
    Deaf {
        /// Who.
        pid: i32,
    },
    /// It is another user's, or gone.
    #[error("process {pid} cannot be asked to save: {source}; run this as the user that the collector runs as")]
    Refused {
        /// Who.
        pid: i32,
        /// Why.
        source: io::Error,
    },
}

/// Requests to save, as they come in.
#[derive(Debug)]
pub struct SaveRequests(unix::Signal);

impl SaveRequests {
    /// Starts listening; from then on SIGUSR1 no longer ends the program.
    ///
    /// # Errors
    ///
    /// When the operating system does not let us listen.
    pub fn listen() -> io::Result<Self> {
        unix::signal(SignalKind::user_defined1()).map(Self)
    }

    /// Waits for the next request.
    pub async fn next(&mut self) {
        // There is no end of signals.
        let _ = self.0.recv().await;
    }
}

/// Asks the collector in process `pid` to save now.
///
/// # Errors
///
/// See [`RequestError`].
pub fn ask_to_save(pid: i32) -> Result<(), RequestError> {
    let refused = |source| RequestError::Refused { pid, source };
    let process = Pid::from_raw(pid).ok_or_else(|| refused(io::ErrorKind::NotFound.into()))?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    if !catches(&status, Signal::USR1) {
        return Err(RequestError::Deaf { pid });
    }
    kill_process(process, Signal::USR1).map_err(|error| refused(error.into()))
}

/// Whether the process of this `/proc/<pid>/status` has a handler for `signal`; where the system
/// does not say, it is believed to have one. See proc(5), `SigCgt`.
fn catches(status: &str, signal: Signal) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_is_known_by_its_bit() {
        assert!(catches("Name:\tx\nSigCgt:\t0000000000000200\n", Signal::USR1));
        assert!(!catches("Name:\tx\nSigCgt:\t0000000000004002\n", Signal::USR1));
        assert!(catches("", Signal::USR1));
    }
}
