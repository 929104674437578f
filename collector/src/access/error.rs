//! Why something of users, sessions and tokens was not done.

use std::io;
use std::path::PathBuf;

use crate::{InJapanese, Sentence};

/// Why it was not done: a sentence with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A field cannot be what it is. Passwords are not repeated.
    #[error("{field}{}: {remedy}", shown(.value))]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What it was.
        value: String,
        /// What would be right.
        remedy: Sentence,
    },
    /// There is no such user, session or token.
    #[error("{field} = {value:?} is not known: see the list as it is now")]
    Unknown {
        /// What it is.
        field: &'static str,
        /// What it was called.
        value: String,
    },
    /// Without an admin nobody could ever change anything.
    #[error("{name:?} is the last admin: make another user admin first")]
    LastAdmin {
        /// The user.
        name: String,
    },
    /// The file cannot be read or written.
    #[error("{} cannot be used: {source}; see its permissions, and whether the disk is full", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file makes no sense.
    #[error("{} cannot be read: {reason}; restore it from a backup, or remove it to begin anew without users", .path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The operating system has no randomness.
    #[error("the system gives no random numbers: {0}; see whether /dev/urandom is there")]
    NoRandomness(String),
    /// A password could not be hashed.
    #[error("the password cannot be checked: {0}; set it anew with recipe-monitoring-collector user passwd")]
    Hash(String),
}

fn shown(value: &str) -> String {
    if value.is_empty() { String::new() } else { format!(" = {value:?}") }
}

impl AccessError {
    pub(super) fn invalid(field: &'static str, value: &str, en: impl Into<String>, ja: impl Into<String>) -> Self {
        let value = value.chars().take(100).collect();
        Self::Invalid { field, value, remedy: Sentence::new(en, ja) }
    }

    pub(super) fn password(en: impl Into<String>, ja: impl Into<String>) -> Self {
        Self::invalid("password", "", en, ja)
    }

    /// The field of a form that it is about.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Invalid { field, .. } | Self::Unknown { field, .. } => field,
            Self::LastAdmin { .. } => "name",
            Self::File { .. } | Self::Damaged { .. } | Self::NoRandomness(_) | Self::Hash(_) => "",
        }
    }

    /// Whether whoever asked can do it better; else something is wrong with this machine.
    #[must_use]
    pub fn is_of_caller(&self) -> bool {
        matches!(self, Self::Invalid { .. } | Self::Unknown { .. } | Self::LastAdmin { .. })
    }
}

impl InJapanese for AccessError {
    fn ja(&self) -> String {
        match self {
            Self::Invalid { field, value, remedy } => format!("{field}{}: {}", shown(value), remedy.ja),
            Self::Unknown { field, value } => {
                format!("{field} = {value:?} は見つかりません: 現在の一覧をご覧ください")
            }
            Self::LastAdmin { name } => {
                format!("{name:?} は最後の管理者です: 先に別のユーザーを管理者にしてください")
            }
            Self::File { path, source } => {
                format!("{} を使えません: 「{source}」。権限とディスクの空き容量をご確認ください", path.display())
            }
            Self::Damaged { path, reason } => format!(
                "{} を読めません: 「{reason}」。バックアップから戻すか、削除してユーザーなしでやり直してください",
                path.display()
            ),
            Self::NoRandomness(reason) => {
                format!("システムから乱数を得られません: 「{reason}」。/dev/urandom があるかご確認ください")
            }
            Self::Hash(reason) => format!(
                "パスワードを確認できません: 「{reason}」。「recipe-monitoring-collector user passwd」で設定し直してください"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::assert_japanese;

    #[test]
    fn every_error_says_itself_in_japanese_with_its_values() {
        let path = || PathBuf::from("/data/access.json");
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        for (error, values) in [
            (AccessError::invalid("name", "a b", "x", "空白は使えません"), vec!["name", "\"a b\""]),
            (AccessError::password("x", "長くしてください"), vec!["password"]),
            (AccessError::Unknown { field: "name", value: "mika".to_owned() }, vec!["\"mika\""]),
            (AccessError::LastAdmin { name: "mika".to_owned() }, vec!["\"mika\""]),
            (AccessError::File { path: path(), source: full() }, vec!["/data/access.json"]),
            (AccessError::Damaged { path: path(), reason: "no version".to_owned() }, vec!["/data/access.json"]),
            (AccessError::NoRandomness("away".to_owned()), vec!["/dev/urandom"]),
            (AccessError::Hash("no hash".to_owned()), vec!["recipe-monitoring-collector user passwd"]),
        ] {
            assert_japanese(&error.ja(), &values);
            for value in values {
                assert!(error.to_string().contains(value), "{error}");
            }
        }
    }
}
