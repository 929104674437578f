//! What is wrong with a file of rules: all of it, with lines, keys, values and remedies.

use std::fmt;
use std::path::PathBuf;

use crate::{InJapanese, Sentence};

/// Why there are no rules.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}; correct the path or its permissions", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not valid.
    #[error("{} is not valid:\n{errors}", .path.display())]
    Invalid {
        /// Which.
        path: PathBuf,
        /// All that is wrong with it.
        errors: RuleErrors,
    },
}

impl InJapanese for RulesError {
    fn ja(&self) -> String {
        match self {
            Self::Unreadable { path, source } => {
                format!("{} を読み取れません: 「{source}」。パスまたは権限を直してください", path.display())
            }
            Self::Invalid { path, errors } => format!("{} は無効です:\n{}", path.display(), errors.ja()),
        }
    }
}

/// Something that is wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {}{} is not valid: {remedy}", if .key.is_empty() { "the file" } else { .key }, shown(.value))]
pub struct RuleError {
    /// From 1.
    pub line: usize,
    /// Which key; empty for the file itself.
    pub key: String,
    /// Its value; empty where there is none.
    pub value: String,
    /// What would be valid.
    pub remedy: Sentence,
}

fn shown(value: &str) -> String {
    if value.is_empty() { String::new() } else { format!(" = {value}") }
}

impl InJapanese for RuleError {
    fn ja(&self) -> String {
        let Self { line, key, value, remedy } = self;
        let what = if key.is_empty() { "ファイル" } else { key };
        format!("{line} 行目: {what}{} は無効です: {}", shown(value), remedy.ja())
    }
}

/// All that is wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct RuleErrors(pub Vec<RuleError>);

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if place == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl InJapanese for RuleErrors {
    fn ja(&self) -> String {
        self.0.iter().map(InJapanese::ja).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::assert_japanese;

    #[test]
    fn a_file_that_cannot_be_read_or_is_wrong_is_named_in_japanese() {
        let source = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let said = source.to_string();
        let unreadable = RulesError::Unreadable { path: "/etc/rules.toml".into(), source };
        assert_japanese(&unreadable.ja(), &["/etc/rules.toml", &said]);
        let remedy = Sentence::new("use 80 or less", "80 以下にしてください");
        let error = |line| RuleError { line, key: "clear".to_owned(), value: "90".to_owned(), remedy: remedy.clone() };
        let errors = RuleErrors(vec![error(3), error(7)]);
        let invalid = RulesError::Invalid { path: "/etc/rules.toml".into(), errors };
        assert_japanese(&invalid.ja(), &["/etc/rules.toml", "3 行目: clear = 90", "7 行目: clear = 90", "80 以下"]);
    }
}
