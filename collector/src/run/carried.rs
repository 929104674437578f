//! What one run of the process hands to the next, which begins by new settings.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::embedded::Embedded;
use crate::reload::Reloads;

/// What goes on while one run ends and the next begins.
#[derive(Debug)]
pub struct Carried {
    pub(super) embedded: Option<Embedded>,
    pub(super) process: Process,
}

/// What stays the same in all runs of a process. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    /// What the program is called.
    pub(crate) program: &'static str,
    pub(crate) started_at: Timestamp,
    pub(crate) reloads: Reloads,
}

impl Carried {
    /// Of a process whose first run begins now.
    #[must_use]
    pub fn begin(program: &'static str, reloads: Reloads) -> Self {
        Self { embedded: None, process: Process { program, started_at: Timestamp::now(), reloads } }
    }

    pub(super) fn of(embedded: Option<Embedded>, process: Process) -> Self {
        Self { embedded, process }
    }

    /// Ends what is still there, where no run follows.
    pub fn end(self) -> BoxFuture<'static, ()> {
        let end = async {
            if let Some(embedded) = self.embedded {
                embedded.stop().await;
            }
        };
        end.boxed()
    }
}
