//! Why a message did not arrive, in sentences for whoever runs the receiver.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;

use super::Failure;
use crate::sentence::seconds;
use crate::{InJapanese, Sentence};

/// Why a message was not delivered. Nothing of it is secret.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There is no such receiver.
    #[error("there is no receiver {name}; the settings have {}", if .known.is_empty() { "none" } else { .known })]
    Unknown {
        /// Its name.
        name: String,
        /// Those that there are, with commas between them.
        known: String,
    },
    /// The file of a secret or of certificates.
    #[error("{} cannot be read: {source}; correct its path or its permissions", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its address, certificates or message cannot be used.
    #[error("{0}")]
    Unusable(Sentence),
    /// It was not reached.
    #[error("{0}")]
    Unreachable(Sentence),
    /// It took too long.
    #[error("it did not answer within {0:?}; see whether it is up, or raise its timeout")]
    TimedOut(Duration),
    /// It is elsewhere.
    #[error("it answers {code}: redirects are not followed; give the final address")]
    Redirected {
        /// The status.
        code: u16,
    },
    /// It does not take the message.
    #[error("it answers {code}{}", said(.answer))]
    Refused {
        /// The status, or the reply of a mail server.
        code: u16,
        /// What it says.
        answer: String,
        /// Whether it may take it later, and when.
        later: Option<Option<SignedDuration>>,
    },
}

fn said(answer: &str) -> String {
    if answer.is_empty() { String::new() } else { format!(": {answer}") }
}

impl InJapanese for SendError {
    fn ja(&self) -> String {
        match self {
            Self::Unknown { name, known } if known.is_empty() => {
                format!("通知先 {name} はありません。設定に通知先は 1 つもありません")
            }
            Self::Unknown { name, known } => {
                format!("通知先 {name} はありません。設定にあるのは {known} です")
            }
            Self::File { path, source } => {
                format!("{} を読み取れません: 「{source}」。パスまたは権限を直してください", path.display())
            }
            Self::Unusable(sentence) | Self::Unreachable(sentence) => sentence.ja(),
            Self::TimedOut(time) => format!(
                "{}以内に応答がありませんでした。動作しているか確認するか、timeout を長くしてください",
                seconds(*time)
            ),
            Self::Redirected { code } => {
                format!("{code} が返されました。転送には従いません。最終的なアドレスを指定してください")
            }
            Self::Refused { code, answer, .. } if answer.is_empty() => format!("{code} が返されました"),
            Self::Refused { code, answer, .. } => format!("{code} が返されました: 「{answer}」"),
        }
    }
}

impl SendError {
    /// What is to be done: tried again, or not.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            // Somebody may put the file there, or set the address right elsewhere.
            Self::File { .. } | Self::Unreachable(_) | Self::TimedOut(_) => Failure::Later(None),
            Self::Unknown { .. } | Self::Unusable(_) | Self::Redirected { .. } | Self::Refused { later: None, .. } => {
                Failure::Never
            }
            Self::Refused { later: Some(after), .. } => Failure::Later(*after),
        }
    }
}

pub(super) fn no_way(cause: impl Display) -> Sentence {
    Sentence::new(format!("it cannot be reached: {cause}"), format!("到達できません: 「{cause}」"))
}

pub(super) fn no_tls(cause: impl Display) -> Sentence {
    Sentence::new(format!("TLS cannot be set up: {cause}"), format!("TLS を準備できません: 「{cause}」"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::assert_japanese;

    #[test]
    fn every_error_says_itself_in_japanese_with_its_values() {
        let source = io::Error::from(io::ErrorKind::PermissionDenied);
        let said = source.to_string();
        let unknown = |known: &str| SendError::Unknown { name: "ops".to_owned(), known: known.to_owned() };
        let refused = |answer: &str| SendError::Refused { code: 503, answer: answer.to_owned(), later: None };
        for (error, values) in [
            (unknown(""), vec!["ops"]),
            (unknown("team, mail"), vec!["ops", "team, mail"]),
            (SendError::File { path: "/etc/secret".into(), source }, vec!["/etc/secret", &said]),
            (SendError::Unusable(no_tls("no certificates")), vec!["TLS", "no certificates"]),
            (SendError::Unreachable(no_way("no route to host")), vec!["no route to host"]),
            (SendError::TimedOut(Duration::from_secs(10)), vec!["10 秒", "timeout"]),
            (SendError::Redirected { code: 302 }, vec!["302"]),
            (refused(""), vec!["503"]),
            (refused("try again later"), vec!["503", "try again later"]),
        ] {
            assert_japanese(&error.ja(), &values);
        }
    }
}
