//! The condition of a rule: the part of PromQL that compares series with a number, such as
//! `http_error_rate{host="web"} > 5`.

use std::cmp::Ordering;
use std::fmt;

use crate::matchers::{Matchers, MatchersError, metric_name};
use crate::{InJapanese, Labels};

/// Why it is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// The metric.
    #[error("it begins with no name of a metric; write it as in cpu_usage > 80")]
    Metric,
    /// The labels.
    #[error(transparent)]
    Matchers(#[from] MatchersError),
    /// The comparison.
    #[error("it compares with nothing; write one of > >= < <= == != and a number, as in cpu_usage > 80")]
    Comparison,
    /// The number.
    #[error("'{0}' is no finite number; write one as in cpu_usage > 80")]
    Number(String),
}

impl InJapanese for ExpressionError {
    fn ja(&self) -> String {
        match self {
            Self::Metric => "メトリクス名で始まっていません。「cpu_usage > 80」のように書いてください".to_owned(),
            Self::Matchers(error) => error.ja(),
            Self::Comparison => "比較がありません。> >= < <= == != のいずれかと数値を「cpu_usage > 80」のように\
                                 書いてください"
                .to_owned(),
            Self::Number(text) => {
                format!("「{text}」は有限の数値ではありません。「cpu_usage > 80」のように書いてください")
            }
        }
    }
}

/// Which series, and beyond what.
#[derive(Clone, Debug)]
pub struct Expression {
    metric: String,
    matchers: Matchers,
    comparison: Comparison,
    threshold: f64,
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

impl Comparison {
    /// Those of two characters first, for the others begin them.
    const ALL: [(&str, Self); 6] = [
        (">=", Self::AtLeast),
        ("<=", Self::AtMost),
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        (">", Self::Above),
        ("<", Self::Below),
    ];

    #[expect(clippy::float_cmp, reason = "as PromQL compares")]
    pub(super) fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::AtLeast => value >= threshold,
            Self::Below => value < threshold,
            Self::AtMost => value <= threshold,
            Self::Equal => value == threshold,
            Self::NotEqual => value != threshold,
        }
    }

    fn symbol(self) -> &'static str {
        Self::ALL.iter().find(|(_, comparison)| *comparison == self).map_or("", |(symbol, _)| symbol)
    }
}

impl Expression {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// See [`ExpressionError`]
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let (metric, rest) = metric_name(text).ok_or(ExpressionError::Metric)?;
        let (matchers, rest) = Matchers::parse(rest)?;
        let found = Comparison::ALL.iter().find_map(|(symbol, found)| Some((*found, rest.strip_prefix(symbol)?)));
        let (comparison, number) = found.ok_or(ExpressionError::Comparison)?;
        let number = number.trim();
        let threshold: Option<f64> = number.parse().ok().filter(|threshold: &f64| threshold.is_finite());
        let threshold = threshold.ok_or_else(|| ExpressionError::Number(number.to_owned()))?;
        Ok(Self { metric: metric.to_owned(), matchers, comparison, threshold })
    }

    /// The name of the metric.
    #[must_use]
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// How values are compared.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        self.comparison
    }

    /// With what they are.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Whether a series of the metric is meant.
    #[must_use]
    pub fn selects(&self, labels: &Labels) -> bool {
        self.matchers.select(labels)
    }

    /// The order of two values in which the one nearer to firing, or further beyond, is first.
    #[must_use]
    pub fn worse_first(&self, a: f64, b: f64) -> Ordering {
        match self.comparison {
            Comparison::Above | Comparison::AtLeast => b.total_cmp(&a),
            Comparison::Below | Comparison::AtMost => a.total_cmp(&b),
            Comparison::Equal | Comparison::NotEqual => self.holds(b).cmp(&self.holds(a)),
        }
    }

    /// Whether a value is beyond the threshold.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        self.comparison.holds(value, self.threshold)
    }
}

/// As PromQL writes it.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} {} {}", self.metric, self.matchers, self.comparison.symbol(), self.threshold)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_read_and_written_as_in_promql() {
        for (text, written) in [
            ("cpu_usage > 80", "cpu_usage > 80"),
            ("  up{ } ==0 ", "up == 0"),
            ("a:b{x='1', y!=\"2\",}>=-1.5e3", "a:b{x=\"1\",y!=\"2\"} >= -1500"),
            (r#"a{p=~"/(a|b)\\.html",q!~""}!= 1"#, r#"a{p=~"/(a|b)\\.html",q!~""} != 1"#),
        ] {
            let expression = Expression::parse(text).unwrap();
            assert_eq!(expression.to_string(), written);
            assert_eq!(Expression::parse(written).unwrap().to_string(), written);
        }
    }

    #[test]
    fn each_comparison_holds_where_it_holds() {
        for (symbol, holds) in [
            (">", [false, false, true]),
            (">=", [false, true, true]),
            ("<", [true, false, false]),
            ("<=", [true, true, false]),
            ("==", [false, true, false]),
            ("!=", [true, false, true]),
        ] {
            let expression = Expression::parse(&format!("a {symbol} 5")).unwrap();
            assert_eq!([4.0, 5.0, 6.0].map(|value| expression.holds(value)), holds, "{symbol}");
        }
    }

    #[test]
    fn what_is_none_says_why() {
        for (text, message) in [
            ("", "no name of a metric"),
            ("1a > 2", "no name of a metric"),
            ("a", "compares with nothing"),
            ("a{b=\"c\"}", "compares with nothing"),
            ("a => 1", "compares with nothing"),
            ("a > b", "'b' is no finite number"),
            ("a > 1 and b > 2", "'1 and b > 2' is no finite number"),
            ("a > inf", "'inf' is no finite number"),
            ("a{b} > 1", "end at 'b} > 1'"),
        ] {
            let error = Expression::parse(text).unwrap_err();
            crate::sentence::assert_japanese(&error.ja(), &[]);
            let error = error.to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}") {
            let _ = Expression::parse(&text);
        }

        #[test]
        fn nor_does_what_nearly_is_one(text in "[a-z_]{0,3}[{]?[a-z]{0,2}[=!~]{0,2}[\"']?[a-z\\\\(]{0,3}[\"']?[}]? ?[<>=!]{0,2} ?[0-9e.-]{0,5}") {
            let _ = Expression::parse(&text);
        }
    }
}
