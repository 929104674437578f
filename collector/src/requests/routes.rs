//! The routes of an application by a number each, and no more of them than may be.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

/// Routes that are told apart; those that come later share one. What an application calls a route
/// may be a path with somebody's number in it.
pub(super) const MOST_ROUTES: usize = 1_000;

/// The route that those share.
const OTHER: &str = "other";

/// A route's number.
pub(super) type RouteId = u64;

/// The names of routes by number.
#[derive(Debug, Default)]
pub(super) struct Routes {
    names: HashMap<RouteId, (String, String)>,
    hasher: RandomState,
}

impl Routes {
    /// Its number. In 64 bits, keyed at random, a thousand routes do not meet.
    pub(super) fn id(&mut self, method: &str, route: &str) -> RouteId {
        let id = self.hasher.hash_one((method, route));
        if self.names.contains_key(&id) {
            return id;
        }
        if self.is_full() && route != OTHER {
            return self.other();
        }
        self.names.insert(id, (method.to_owned(), route.to_owned()));
        id
    }

    /// The number of the route that is all others.
    pub(super) fn other(&mut self) -> RouteId {
        self.id("", OTHER)
    }

    /// Method and route.
    pub(super) fn name(&self, id: RouteId) -> Option<&(String, String)> {
        self.names.get(&id)
    }

    pub(super) fn is_full(&self) -> bool {
        self.names.len() >= MOST_ROUTES
    }

    /// Makes room: forgets all that are not in use.
    pub(super) fn retain(&mut self, in_use: &HashSet<RouteId>) {
        self.names.retain(|id, _| in_use.contains(id));
    }
}
