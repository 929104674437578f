//! The past of the host, or of its application: what arrived live, what was asked for where the
//! graphs look further back, and an earlier one beside it.

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

/// A recent past, and those that were asked for. A copy is the same past.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    recent: RwSignal<History>,
    longer: RwSignal<Option<History>>,
    compared: RwSignal<Option<History>>,
}

impl Past {
    /// An empty past that keeps the last `span_seconds`.
    #[must_use]
    pub fn new(span_seconds: i64) -> Self {
        Self {
            recent: RwSignal::new(History::new(span_seconds)),
            longer: RwSignal::new(None),
            compared: RwSignal::new(None),
        }
    }

    /// Takes in what a snapshot has of the recent past.
    pub fn seed(self, recent: &History) {
        self.recent.update(|known| known.merge(recent));
    }

    /// Takes in what was asked for: a longer past, and an earlier one beside it.
    pub fn look_back(self, longer: Option<&History>, compared: Option<&History>) {
        self.longer.set(longer.cloned());
        self.compared.set(compared.cloned());
    }

    /// Takes in a point that arrived live.
    pub fn insert(self, point: GraphPoint) {
        self.recent.update(|history| history.insert(point));
    }

    /// Whether all of the past could be read that was asked for.
    #[must_use]
    pub fn is_complete(self) -> bool {
        let is_complete =
            |of: RwSignal<Option<History>>| of.with(|past| past.as_ref().is_none_or(History::is_complete));
        is_complete(self.longer) && is_complete(self.compared)
    }

    /// Reads the past of which the graphs show the last so many seconds.
    pub fn with_viewed<T>(self, read: impl FnOnce(&History, i64) -> T) -> T {
        self.longer.with(|longer| match longer {
            Some(longer) => read(longer, longer.span_seconds()),
            None => self.recent.with(|recent| read(recent, SPAN_SECONDS)),
        })
    }

    /// Reads the earlier past beside it, where one was asked for.
    pub fn with_compared<T>(self, read: impl FnOnce(Option<&History>) -> T) -> T {
        self.compared.with(|compared| read(compared.as_ref()))
    }

    /// Reads the recent past, however far the graphs look back.
    pub fn with_recent<T>(self, read: impl FnOnce(&History) -> T) -> T {
        self.recent.with(read)
    }
}
