//! That a part cannot be used: the fault, which everybody is told, and what the part or the system
//! said, which is for the log.

use crate::PartFault;

/// Why a part cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What is wrong with it.
    pub(crate) fault: PartFault,
    /// In the words of whoever found it out.
    pub(crate) reason: String,
}

/// What an error of the way there has in its debug form, which is all that is left of it in Redis'
/// client. A Unix socket that is not there is a port on which nobody listens.
const OF_THE_WAY: [(&str, PartFault); 11] = [
    ("ConnectionRefused", PartFault::Refused),
    ("NotFound", PartFault::Refused),
    ("ConnectionReset", PartFault::Refused),
    ("ConnectionAborted", PartFault::Refused),
    ("BrokenPipe", PartFault::Refused),
    ("UnexpectedEof", PartFault::Refused),
    ("HostUnreachable", PartFault::Unreachable),
    ("NetworkUnreachable", PartFault::Unreachable),
    ("AddrNotAvailable", PartFault::Unreachable),
    ("lookup address", PartFault::Unreachable),
    ("TimedOut", PartFault::Hanging),
];

impl Failure {
    pub(crate) fn new(fault: PartFault, reason: impl ToString) -> Self {
        Self { fault, reason: reason.to_string() }
    }
}

/// The fault that the debug form of an error of the way there tells of.
pub(crate) fn of_the_way(debug: &str) -> PartFault {
    OF_THE_WAY.iter().find(|(part, _)| debug.contains(part)).map_or(PartFault::Other, |(_, fault)| *fault)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn errors_of_the_way_are_told_apart() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for (error, fault) in [
            (TcpStream::connect(closed).unwrap_err(), PartFault::Refused),
            (UnixStream::connect("/nonexistent/socket").unwrap_err(), PartFault::Refused),
            (TcpStream::connect("no-such-host.invalid:5432").unwrap_err(), PartFault::Unreachable),
            (io::Error::new(io::ErrorKind::UnexpectedEof, "at EOF"), PartFault::Refused),
            (io::Error::from_raw_os_error(113), PartFault::Unreachable),
            (io::ErrorKind::TimedOut.into(), PartFault::Hanging),
            (io::Error::other("something"), PartFault::Other),
        ] {
            assert_eq!(of_the_way(&format!("{error:?}")), fault, "{error:?}");
        }
    }
}
