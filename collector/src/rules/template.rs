//! What an alert says, with the parts that Prometheus' templates have for it: `{{ $value }}`,
//! `{{ $labels.mount }}`; and `{{ $threshold }}` and `{{ $reason }}`, which is why a part is down.

use std::fmt::Write as _;

use crate::{InJapanese, Labels};

/// Why it is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A part without an end.
    #[error("'{0}' has no end; write it as in {{{{ $value }}}}")]
    Open(String),
    /// A part that there is not.
    #[error(
        "there is no '{0}'; write {{{{ $value }}}}, {{{{ $threshold }}}}, {{{{ $labels.name }}}} or {{{{ $reason }}}}"
    )]
    Unknown(String),
}

impl InJapanese for TemplateError {
    fn ja(&self) -> String {
        match self {
            Self::Open(text) => format!("「{text}」が閉じられていません。{{{{ $value }}}} のように書いてください"),
            Self::Unknown(text) => format!(
                "「{text}」はありません。{{{{ $value }}}}、{{{{ $threshold }}}}、{{{{ $labels.name }}}}、{{{{ $reason }}}} \
                 のいずれかを書いてください"
            ),
        }
    }
}

/// A text with parts to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value,
    Threshold,
    Label(String),
    Reason,
}

impl Template {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// See [`TemplateError`]
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (inner, after) = after.split_once("}}").ok_or_else(|| TemplateError::Open(format!("{{{{{after}")))?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(match inner.trim() {
                "$value" => Part::Value,
                "$threshold" => Part::Threshold,
                "$reason" => Part::Reason,
                other => match other.strip_prefix("$labels.").filter(|name| !name.is_empty()) {
                    Some(name) => Part::Label(name.to_owned()),
                    None => return Err(TemplateError::Unknown(other.to_owned())),
                },
            });
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// [`Template::fill_with`] where no reason is known.
    #[must_use]
    pub fn fill(&self, value: Option<f64>, threshold: f64, labels: &Labels) -> String {
        self.fill_with("", value, threshold, labels)
    }

    /// The text for a value beyond `threshold` of a series. Without a value there is a dash; a label
    /// that the series does not have is empty, and leaves no space of its own; a reason that is
    /// not known leaves no colon before it.
    #[must_use]
    pub fn fill_with(&self, reason: &str, value: Option<f64>, threshold: f64, labels: &Labels) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(part) if text.ends_with(' ') => text.push_str(part.trim_start()),
                Part::Text(part) => text.push_str(part),
                Part::Value => match value {
                    Some(value) => number(&mut text, value),
                    None => text.push('–'),
                },
                Part::Threshold => number(&mut text, threshold),
                Part::Label(name) => text.push_str(labels.get(name).map_or("", String::as_str)),
                Part::Reason if reason.is_empty() => text.truncate(text.trim_end_matches([':', '：', ' ']).len()),
                Part::Reason => text.push_str(reason),
            }
        }
        text
    }
}

/// With four digits that say something, and none that say nothing.
fn number(text: &mut String, value: f64) {
    let digits = match value.abs() {
        1_000.0.. => 0,
        100.0.. => 1,
        1.0.. => 2,
        _ => 4,
    };
    let written = format!("{value:.digits$}");
    let written = if written.contains('.') { written.trim_end_matches('0').trim_end_matches('.') } else { &written };
    // Writing to a string never fails.
    let _ = text.write_str(if written == "-0" { "0" } else { written });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_thresholds_and_labels_are_filled_in() {
        let labels = Labels::from([("mount".to_owned(), "/var".to_owned())]);
        let fill = |text: &str, value| Template::parse(text).unwrap().fill(value, 90.0, &labels);
        for (text, value, filled) in [
            ("Disk {{ $labels.mount }} is {{$value}} % full", Some(91.25), "Disk /var is 91.25 % full"),
            ("over {{ $threshold }}: {{ $value }}", Some(1_234.56), "over 90: 1235"),
            ("{{ $value }} {{ $value }}", Some(0.012_345), "0.0123 0.0123"),
            ("Disk {{ $labels.disk }} is full", None, "Disk is full"),
            ("it was {{ $value }}", None, "it was –"),
            ("no part", Some(1.0), "no part"),
        ] {
            assert_eq!(fill(text, value), filled);
        }
    }

    #[test]
    fn a_reason_is_said_after_a_colon_and_without_one_there_is_none() {
        let template = Template::parse("It does not answer: {{ $reason }}").unwrap();
        let fill = |reason| template.fill_with(reason, None, 0.0, &Labels::new());
        assert_eq!(fill("connection refused"), "It does not answer: connection refused");
        assert_eq!(fill(""), "It does not answer");
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for (text, message) in [
            ("{{ $value", "'{{ $value' has no end"),
            ("{{ value }}", "no 'value'"),
            ("{{ $labels. }}", "no '$labels.'"),
        ] {
            let error = Template::parse(text).unwrap_err();
            crate::sentence::assert_japanese(&error.ja(), &[]);
            let error = error.to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[{}$a-z. ]{0,40}", value in proptest::num::f64::ANY) {
            if let Ok(template) = Template::parse(&text) {
                let _ = template.fill(Some(value), value, &Labels::new());
            }
        }
    }
}
