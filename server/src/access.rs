//! Who may do what: every request passes the [`guard`], which looks up in the [`policy`] what its route takes and finds
//! out who sends it. What users, sessions and tokens are is `collector`'s.

mod cookie;
mod done;
mod gate;
mod guard;
mod limits;
pub(crate) mod policy;

pub(crate) use cookie::{end_session, given, session_cookie};
pub(crate) use done::Done;
pub(crate) use gate::{Attempt, Gate, while_open};
pub(crate) use guard::{guard, guard_rest};
