//! What should stand at a place of a line.

use crate::InJapanese;

/// A part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Expected {
    /// In OpenMetrics, after `#`.
    #[error("# TYPE, # HELP, # UNIT or # EOF")]
    Keyword,
    /// At the beginning of a series, and after a keyword.
    #[error("a metric's name")]
    MetricName,
    /// In a comment.
    #[error("a space after the metric's name")]
    SpaceAfterName,
    /// In OpenMetrics, between two parts.
    #[error("a space")]
    Space,
    /// After a series.
    #[error("a value after the name and labels")]
    Value,
    /// As a value.
    #[error("a number")]
    Number,
    /// After a value.
    #[error("a timestamp")]
    Timestamp,
    /// The same, as Prometheus has it.
    #[error("a timestamp in milliseconds")]
    Milliseconds,
    /// The same, as OpenMetrics has it.
    #[error("a timestamp in seconds")]
    Seconds,
    /// Where all parts were there.
    #[error("the end of the line")]
    End,
    /// After ` # `.
    #[error("the labels of an exemplar")]
    ExemplarLabels,
    /// After these.
    #[error("the value of an exemplar")]
    ExemplarValue,
    /// After that.
    #[error("the timestamp of an exemplar")]
    ExemplarTimestamp,
    /// Between braces.
    #[error("a label's name or }}")]
    LabelName,
    /// After it.
    #[error("= after a label's name")]
    Equals,
    /// After that.
    #[error("a label's value in quotes")]
    LabelValue,
    /// In OpenMetrics, after it.
    #[error("a comma or }}")]
    Comma,
}

impl InJapanese for Expected {
    fn ja(&self) -> String {
        match self {
            Self::Keyword => "「# TYPE」「# HELP」「# UNIT」「# EOF」のいずれか",
            Self::MetricName => "メトリクス名",
            Self::SpaceAfterName => "メトリクス名のあとの空白",
            Self::Space => "空白",
            Self::Value => "名前とラベルのあとの値",
            Self::Number => "数値",
            Self::Timestamp => "タイムスタンプ",
            Self::Milliseconds => "ミリ秒単位のタイムスタンプ",
            Self::Seconds => "秒単位のタイムスタンプ",
            Self::End => "行末",
            Self::ExemplarLabels => "エグゼンプラーのラベル",
            Self::ExemplarValue => "エグゼンプラーの値",
            Self::ExemplarTimestamp => "エグゼンプラーのタイムスタンプ",
            Self::LabelName => "ラベル名または }",
            Self::Equals => "ラベル名のあとの =",
            Self::LabelValue => "引用符で囲んだラベルの値",
            Self::Comma => "カンマまたは }",
        }
        .to_owned()
    }
}
