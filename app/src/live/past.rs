//! The past of the host, or of its application: what arrived live, and what was asked for where
//! the graphs look further back.

use collector::{GraphPoint, History};
use leptos::prelude::*;

use super::SPAN_SECONDS;

/// Whose past it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The host.
    Host,
    /// The watched application.
    Application,
}

/// A recent past, and a longer one where one was asked for. A copy is the same past.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    recent: RwSignal<History>,
    longer: RwSignal<Option<History>>,
}

impl Past {
    /// An empty past that keeps the last `span_seconds`.
    #[must_use]
    pub fn new(span_seconds: i64) -> Self {
        Self { recent: RwSignal::new(History::new(span_seconds)), longer: RwSignal::new(None) }
    }

    /// Takes in what a snapshot has of it. A longer past of another length than `seconds` is the
    /// answer to what was asked for before the range was changed, and none.
    pub fn seed(self, recent: &History, longer: Option<&History>, seconds: i64) {
        if let Some(longer) = longer.filter(|longer| longer.span_seconds() == seconds) {
            self.longer.set(Some(longer.clone()));
        }
        self.recent.update(|known| known.merge(recent));
    }

    /// Takes in a point that arrived live.
    pub fn insert(self, point: GraphPoint) {
        self.recent.update(|history| history.insert(point));
    }

    /// Whether all of the longer past could be read, where there is one.
    #[must_use]
    pub fn is_complete(self) -> bool {
        self.longer.with(|longer| longer.as_ref().is_none_or(History::is_complete))
    }

    /// The graphs are live again.
    pub fn forget_longer(self) {
        self.longer.set(None);
    }

    /// Reads the past that the graphs show.
    pub fn with_viewed<T>(self, read: impl FnOnce(&History) -> T) -> T {
        self.longer.with(|longer| match longer {
            Some(longer) => read(longer),
            None => self.recent.with(|recent| {
                if recent.span_seconds() > SPAN_SECONDS {
                    read(&recent.newest_part(SPAN_SECONDS))
                } else {
                    read(recent)
                }
            }),
        })
    }

    /// Reads the recent past, however far the graphs look back.
    pub fn with_recent<T>(self, read: impl FnOnce(&History) -> T) -> T {
        self.recent.with(read)
    }
}
