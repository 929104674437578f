//! Who may.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::error::Invalid;
use crate::access::Lives;

/// `[access]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// Whether one has to log in: `auto`, on any address but this machine's own, and there too once there is a user;
    /// `protected`, always; `open`, never.
    pub mode: AccessMode,
    /// What `open` on another address than this machine's own has to say: `everybody may read and change everything`.
    pub unprotected: String,
    /// Whether everybody may read pages, API and live feed without logging in, though change nothing.
    pub public_read: bool,
    /// Days that a log-in holds at the most.
    pub session_days: u32,
    /// Days that one holds that is not used.
    pub idle_days: u32,
}

/// Whether one has to log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessMode {
    /// On any address but this machine's own, and there too once there is a user.
    #[default]
    Auto,
    /// Always.
    Protected,
    /// Never.
    Open,
}

/// What has to be said where nothing is protected.
const WORDS: &str = "everybody may read and change everything";
const MOST_DAYS: u32 = 3_650;

impl Default for Access {
    fn default() -> Self {
        Self {
            mode: AccessMode::default(),
            unprotected: String::new(),
            public_read: false,
            session_days: 30,
            idle_days: 7,
        }
    }
}

impl Access {
    /// How long a log-in holds.
    #[must_use]
    pub fn lives(&self) -> Lives {
        let days = |days: u32| SignedDuration::from_hours(i64::from(days) * 24);
        Lives { whole: days(self.session_days), idle: days(self.idle_days) }
    }

    /// Whether it was said in words that nothing is to be protected.
    #[must_use]
    pub fn is_given_away(&self) -> bool {
        self.mode == AccessMode::Open && self.unprotected == WORDS
    }

    /// Whether nobody needs to log in to a dashboard that only this machine reaches, or others do, and that has users or has none.
    #[must_use]
    pub fn is_open(&self, is_local: bool, has_users: bool) -> bool {
        match self.mode {
            AccessMode::Open => true,
            AccessMode::Protected => false,
            AccessMode::Auto => is_local && !has_users,
        }
    }

    pub(super) fn check(&self, is_local: bool) -> Result<(), Invalid> {
        if !self.unprotected.is_empty() && self.unprotected != WORDS {
            let remedy = format!("write the words {WORDS:?}, or leave it out");
            return Err(Invalid::new("access.unprotected", &self.unprotected, remedy));
        }
        if self.mode == AccessMode::Open && !is_local && !self.is_given_away() {
            let remedy = format!(
                "others reach the dashboard at server.address or by server.trusted_proxies: leave it out so that one \
                 has to log in, or set access.unprotected = {WORDS:?}"
            );
            return Err(Invalid::new("access.mode", "open", remedy));
        }
        for (key, days) in [("access.session_days", self.session_days), ("access.idle_days", self.idle_days)] {
            if !(1..=MOST_DAYS).contains(&days) {
                return Err(Invalid::new(key, days, format!("use 1 to {MOST_DAYS}")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_open_to_others_unless_told_so_in_words() {
        let of = |mode, unprotected: &str| Access { mode, unprotected: unprotected.to_owned(), ..Access::default() };
        for (access, is_local, is_right) in [
            (of(AccessMode::Auto, ""), false, true),
            (of(AccessMode::Open, ""), true, true),
            (of(AccessMode::Open, ""), false, false),
            (of(AccessMode::Open, "yes"), false, false),
            (of(AccessMode::Open, "yes"), true, false),
            (of(AccessMode::Open, WORDS), false, true),
        ] {
            assert_eq!(access.check(is_local).is_ok(), is_right, "{access:?}");
        }
        for (mode, is_local, has_users, is_open) in [
            (AccessMode::Auto, true, false, true),
            (AccessMode::Auto, true, true, false),
            (AccessMode::Auto, false, false, false),
            (AccessMode::Protected, true, false, false),
            (AccessMode::Open, true, true, true),
        ] {
            assert_eq!(of(mode, "").is_open(is_local, has_users), is_open, "{mode:?} {is_local} {has_users}");
        }
    }
}
