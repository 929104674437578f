//! Which series are meant by their labels, written as in PromQL: `{mount="/",fs=~"ext.*"}`.

use std::fmt;

use regex::Regex;

use crate::sample::{is_label_name, is_metric_name};
use crate::{InJapanese, Labels};

/// Why nothing is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatchersError {
    /// They are not written as they should be.
    #[error("its labels end at '{rest}'; write them as in {{mount=\"/\"}}")]
    Syntax {
        /// What is not understood.
        rest: String,
    },
    /// A regular expression.
    #[error("the regular expression of {label} is not valid: {reason}")]
    Regex {
        /// Whose.
        label: String,
        /// Why.
        reason: String,
    },
}

impl InJapanese for MatchersError {
    fn ja(&self) -> String {
        match self {
            Self::Syntax { rest } => {
                format!("ラベルを「{rest}」から読み取れません。{{mount=\"/\"}} のように書いてください")
            }
            Self::Regex { label, reason } => {
                format!("{label} の正規表現が正しくありません: 「{reason}」。正規表現を直してください")
            }
        }
    }
}

/// What labels have to be, all together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matchers(Vec<Matcher>);

/// What a label has to be. One that a series does not have is empty, as in Prometheus.
#[derive(Clone, Debug)]
struct Matcher {
    label: String,
    text: String,
    /// Where `text` is a regular expression, which is for the whole value.
    regex: Option<Regex>,
    is_negated: bool,
}

impl Matcher {
    /// The operators; those of two characters first.
    const OPERATORS: [&str; 4] = ["=~", "!~", "!=", "="];

    fn new(label: &str, operator: &str, text: String) -> Result<Self, MatchersError> {
        let regex = match operator.ends_with('~') {
            true => Some(
                Regex::new(&format!("^(?s:{text})$"))
                    .map_err(|error| MatchersError::Regex { label: label.to_owned(), reason: error.to_string() })?,
            ),
            false => None,
        };
        Ok(Self { label: label.to_owned(), text, regex, is_negated: operator.starts_with('!') })
    }

    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        let is_it = self.regex.as_ref().map_or_else(|| value == self.text, |regex| regex.is_match(value));
        is_it != self.is_negated
    }
}

impl Matchers {
    /// Reads what is between braces, if there are any; answers what follows, too.
    pub(crate) fn parse(text: &str) -> Result<(Self, &str), MatchersError> {
        let text = text.trim_start();
        let Some(mut rest) = text.strip_prefix('{') else { return Ok((Self::default(), text)) };
        let mut matchers = Vec::new();
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('}') {
                return Ok((Self(matchers), after.trim_start()));
            }
            let failed = || MatchersError::Syntax { rest: rest.to_owned() };
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).ok_or_else(failed)?;
            let (label, after) = rest.split_at(end);
            let after = after.trim_start();
            let operator =
                Matcher::OPERATORS.iter().find(|operator| after.starts_with(**operator)).ok_or_else(failed)?;
            let (text, after) = quoted(after[operator.len()..].trim_start()).ok_or_else(failed)?;
            if !is_label_name(label) {
                return Err(failed());
            }
            matchers.push(Matcher::new(label, operator, text)?);
            let after = after.trim_start();
            rest = match after.strip_prefix(',') {
                Some(after) => after,
                None if after.starts_with('}') => after,
                None => return Err(MatchersError::Syntax { rest: after.to_owned() }),
            };
        }
    }

    /// Whether they mean every series.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The labels that a series must have; `None` where more than equality is asked for.
    pub(crate) fn equal(&self) -> Option<Labels> {
        let pair = |Matcher { label, text, regex, is_negated }: &Matcher| {
            (regex.is_none() && !is_negated).then(|| (label.clone(), text.clone()))
        };
        self.0.iter().map(pair).collect()
    }

    /// Whether a series with these labels is meant.
    pub(crate) fn select(&self, labels: &Labels) -> bool {
        self.0.iter().all(|matcher| matcher.matches(labels))
    }
}

/// As PromQL writes them; nothing where there are none.
impl fmt::Display for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, matcher) in self.0.iter().enumerate() {
            let operator = match (matcher.regex.is_some(), matcher.is_negated) {
                (true, true) => "!~",
                (true, false) => "=~",
                (false, true) => "!=",
                (false, false) => "=",
            };
            let before = if place == 0 { '{' } else { ',' };
            write!(f, "{before}{}{operator}{:?}", matcher.label, matcher.text)?;
        }
        if self.0.is_empty() { Ok(()) } else { f.write_str("}") }
    }
}

/// The name of the metric that a text begins with, and what follows.
pub(crate) fn metric_name(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    is_metric_name(name).then_some((name, rest))
}

/// What is between quotes, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
    let mut value = String::new();
    let mut characters = text[1..].chars();
    loop {
        match characters.next()? {
            end if end == quote => return Some((value, characters.as_str())),
            '\\' => match characters.next()? {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                other @ ('\\' | '"' | '\'') => value.push(other),
                _ => return None,
            },
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_series_is_meant_when_all_its_labels_match_as_a_whole() {
        for (text, meant) in [
            ("", true),
            ("{}", true),
            ("{ mount = '/' , }", true),
            ("{mount=\"\"}", false),
            ("{other=\"\"}", true),
            ("{mount!=\"/\"}", false),
            ("{mount=~\"/|/var\"}", true),
            ("{fs=~\"ext\"}", false),
            ("{fs=~\"ext.\"}", true),
            ("{fs!~\"ext.\"}", false),
            ("{mount=\"/\", fs=\"xfs\"}", false),
        ] {
            let (matchers, rest) = Matchers::parse(text).unwrap();
            assert_eq!(rest, "");
            assert_eq!(matchers.select(&labels(&[("mount", "/"), ("fs", "ext4")])), meant, "{text}");
        }
    }

    #[test]
    fn what_is_none_says_where_or_why() {
        for (text, message) in [
            ("{b}", "end at 'b}'"),
            ("{b=c}", "end at 'b=c}'"),
            ("{b=\"c", "end at 'b=\"c'"),
            ("{1=\"b\"}", "end at '1=\"b\"}'"),
            ("{b=\"c\" d=\"e\"}", "end at 'd=\"e\"}'"),
            ("{b=~\"(\"}", "regular expression of b is not valid"),
        ] {
            let error = Matchers::parse(text).unwrap_err();
            crate::sentence::assert_japanese(&error.ja(), &[]);
            let error = error.to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "[{]([a-z_]{1,3}(=|!=)\"[a-z\\\\n/]{0,3}\",?){0,3}[}].{0,9}") {
            if let Ok((matchers, _)) = Matchers::parse(&text) {
                let written = matchers.to_string();
                prop_assert_eq!(Matchers::parse(&written).unwrap().0.to_string(), written);
            }
        }
    }
}
