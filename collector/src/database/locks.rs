//! Who blocks whom.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A session that waits for a lock or holds one that others wait for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LockedSession {
    /// How many sessions are above it in the tree: 0 for one that blocks and waits for nobody.
    pub depth: u32,
    /// The server's process; 0 for a prepared transaction, which has none.
    pub pid: i32,
    /// Those that it waits for. Where there are several, it is below the first.
    pub blocked_by: Vec<i32>,
    /// Whether each of them waits for it, too: a deadlock that PostgreSQL will end.
    pub is_deadlock: bool,
    /// The role.
    pub user: String,
    /// Where.
    pub database: String,
    /// What the client calls itself.
    pub application: String,
    /// As `pg_stat_activity` has it; `None` where it is hidden.
    pub state: Option<String>,
    /// What it waits for, e.g. `relation public.recipes`.
    pub lock: Option<String>,
    /// As what, e.g. `AccessExclusiveLock`.
    pub mode: Option<String>,
    /// For how long it has waited; of one that does not, how long its transaction is open.
    pub seconds: Option<f64>,
    /// Its statement, or the last one, without literals; `None` where it is hidden.
    pub query: Option<String>,
}

/// The sessions as a tree, depth first: each that waits below the first that it waits for.
#[must_use]
pub fn lock_tree(sessions: Vec<LockedSession>) -> Vec<LockedSession> {
    let mut sessions: BTreeMap<i32, LockedSession> =
        sessions.into_iter().map(|session| (session.pid, session)).collect();
    let known: BTreeSet<i32> = sessions.keys().copied().collect();
    let mut below: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    let mut roots = Vec::new();
    for session in sessions.values_mut() {
        session.blocked_by.sort_unstable();
        session.blocked_by.dedup();
        match session.blocked_by.iter().find(|pid| known.contains(pid)) {
            Some(first) => below.entry(*first).or_default().push(session.pid),
            None => roots.push(session.pid),
        }
    }
    // Those who block most first.
    roots.sort_by_key(|pid| (std::cmp::Reverse(below.get(pid).map_or(0, Vec::len)), *pid));
    let mut tree = Vec::with_capacity(sessions.len());
    for root in roots {
        descend(root, false, &mut sessions, &below, &mut tree);
    }
    // Whoever is left waits in a circle.
    while let Some(first) = sessions.keys().next().copied() {
        let circle = circle_from(first, &sessions);
        descend(circle, true, &mut sessions, &below, &mut tree);
    }
    tree
}

/// A member of the circle that `pid` waits for in the end.
fn circle_from(pid: i32, sessions: &BTreeMap<i32, LockedSession>) -> i32 {
    let (mut at, mut seen) = (pid, BTreeSet::new());
    while seen.insert(at) {
        let next =
            sessions.get(&at).and_then(|session| session.blocked_by.iter().find(|pid| sessions.contains_key(pid)));
        match next {
            Some(next) => at = *next,
            None => return at,
        }
    }
    at
}

fn descend(
    from: i32,
    is_deadlock: bool,
    sessions: &mut BTreeMap<i32, LockedSession>,
    below: &BTreeMap<i32, Vec<i32>>,
    tree: &mut Vec<LockedSession>,
) {
    let mut next = vec![(from, 0)];
    while let Some((pid, depth)) = next.pop() {
        let Some(session) = sessions.remove(&pid) else { continue };
        tree.push(LockedSession { depth, is_deadlock, ..session });
        next.extend(below.get(&pid).into_iter().flatten().rev().map(|waiter| (*waiter, depth + 1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(pid: i32, blocked_by: &[i32]) -> LockedSession {
        LockedSession { pid, blocked_by: blocked_by.to_vec(), ..LockedSession::default() }
    }

    fn drawn(sessions: &[(i32, &[i32])]) -> Vec<(u32, i32)> {
        let tree = lock_tree(sessions.iter().map(|(pid, blocked_by)| session(*pid, blocked_by)).collect());
        tree.iter().map(|session| (session.depth, session.pid)).collect()
    }

    #[test]
    fn each_that_waits_is_below_the_first_that_it_waits_for_and_the_worst_comes_first() {
        let tree = drawn(&[(1, &[]), (2, &[1]), (10, &[]), (11, &[10]), (12, &[11, 10]), (13, &[12, 11])]);
        assert_eq!(tree, [(0, 10), (1, 11), (2, 13), (1, 12), (0, 1), (1, 2)]);
    }

    #[test]
    fn a_blocker_that_is_gone_and_a_prepared_transaction_leave_nobody_out() {
        assert_eq!(drawn(&[(5, &[4])]), [(0, 5)]);
        assert_eq!(drawn(&[(5, &[0]), (0, &[])]), [(0, 0), (1, 5)]);
    }

    #[test]
    fn a_circle_is_a_deadlock_and_drawn_once() {
        let tree = lock_tree(vec![session(1, &[2]), session(2, &[1]), session(3, &[2]), session(0, &[])]);
        let drawn: Vec<_> = tree.iter().map(|session| (session.pid, session.is_deadlock)).collect();
        assert_eq!(drawn.len(), 4);
        assert_eq!(drawn[0], (0, false));
        assert!(drawn[1..].iter().all(|(_, is_deadlock)| *is_deadlock), "{drawn:?}");
    }
}
