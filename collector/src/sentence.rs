//! Sentences that people read, in both languages. What a page may show of an error is an error that
//! also says itself [in Japanese](InJapanese), by a `match` over all that it can be: one that is
//! added without its Japanese is not compiled.
//!
//! What others have said, such as the system, PostgreSQL or the answer of an application, stays as
//! it is, after a colon or in 「」. As elsewhere in Japanese, the last full stop is left out.

use std::fmt::{self, Display};

/// What says in Japanese what its `Display` says in English.
pub trait InJapanese {
    /// The same in Japanese, with field, value and remedy.
    fn ja(&self) -> String;
}

/// A sentence, or what can be part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence {
    /// In English.
    pub en: String,
    /// In Japanese.
    pub ja: String,
}

impl Sentence {
    /// The sentence of these words.
    pub fn new(en: impl Into<String>, ja: impl Into<String>) -> Self {
        Self { en: en.into(), ja: ja.into() }
    }

    /// What an error says.
    pub fn of<E: Display + InJapanese>(error: &E) -> Self {
        Self::new(error.to_string(), error.ja())
    }

    /// What was kept or sent of one; before there was Japanese, it was in English alone.
    pub fn kept(en: impl Into<String>, ja: impl Into<String>) -> Self {
        let (en, ja) = (en.into(), ja.into());
        let ja = if ja.is_empty() { en.clone() } else { ja };
        Self { en, ja }
    }

    /// What somebody else has said, in whatever language.
    pub fn quote(said: impl Display) -> Self {
        Self::new(said.to_string(), said.to_string())
    }
}

/// In English.
impl Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

impl InJapanese for Sentence {
    fn ja(&self) -> String {
        self.ja.clone()
    }
}

/// A time of the settings, such as 10 秒.
#[cfg(feature = "runtime")]
pub(crate) fn seconds(time: std::time::Duration) -> String {
    format!("{} 秒", time.as_secs_f64())
}

/// Fails where a sentence has English words, or lacks one of the values that it is about. Values and
/// what is in 「」 may be in any language.
#[cfg(test)]
pub(crate) fn assert_japanese(sentence: &str, values: &[&str]) {
    let mut rest = sentence.to_owned();
    for value in values {
        assert!(sentence.contains(value), "{value} is not in {sentence}");
        rest = rest.replace(value, "・");
    }
    while let Some((before, after)) = rest.split_once('「') {
        let (_, after) = after.split_once('」').unwrap_or_else(|| panic!("「 has no end in {sentence}"));
        rest = format!("{before}・{after}");
    }
    let is_kana = |letter: char| ('ぁ'..='ヿ').contains(&letter);
    assert!(rest.chars().any(is_kana), "{sentence} is not in Japanese");
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let words: Vec<_> = rest.split(' ').collect();
    let prose = words.windows(2).find(|pair| pair.iter().all(is_word));
    assert_eq!(prose, None, "{sentence}");
    assert!(!sentence.ends_with('。'), "{sentence}");
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn what_is_not_in_japanese_or_lacks_a_value_is_found() {
        assert_japanese("a_b = 5 は無効です: 「not a number」", &["a_b", "5"]);
        for sentence in ["a_b = 5 is not valid", "a_b = 5 は無効です: use a number", "a_b は無効です", "a_b = 5 です。"]
        {
            assert!(catch_unwind(|| assert_japanese(sentence, &["a_b", "5"])).is_err(), "{sentence}");
        }
    }

    #[test]
    fn a_sentence_says_itself_in_both_languages() {
        let sentence = Sentence::new("it is full", "満杯です");
        assert_eq!(Sentence::of(&sentence), sentence);
        assert_eq!((sentence.to_string(), sentence.ja()), ("it is full".to_owned(), "満杯です".to_owned()));
        assert_eq!(Sentence::kept("it is full", "満杯です"), sentence);
        assert_eq!(Sentence::kept("it is full", ""), Sentence::quote("it is full"));
    }
}
