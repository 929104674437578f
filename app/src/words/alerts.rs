//! What the panel of the alerts says.

use collector::alert::Severity;

/// Its words in one language.
#[derive(Debug)]
pub struct AlertsWords {
    /// Page `/alerts`, and the panel.
    pub alerts: &'static str,
    /// The link from the panel to its page.
    pub all: &'static str,
    /// The verdict: a rule, for how long it fires, and what is wrong.
    pub firing: fn(rule: &str, age: &str, message: &str) -> String,
    /// The verdict: how many others fire.
    pub others: fn(count: usize) -> String,
    /// None fires.
    pub none: &'static str,
    /// How bad it is.
    pub severity: fn(Severity) -> &'static str,
    /// When it began to fire.
    pub fired_at: fn(moment: &str) -> String,
    /// For how long it fires.
    pub age: fn(duration: &str) -> String,
    /// The link to what to do.
    pub runbook: &'static str,
    /// The worst are shown, and this many more fire.
    pub more: fn(count: usize) -> String,
    /// The newest file of rules was not taken, and why.
    pub rules_error: fn(error: &str) -> String,
    /// Title of the pie.
    pub day: &'static str,
    /// In the pie where none fired.
    pub day_none: &'static str,
    /// In the pie where it is not known.
    pub day_unknown: &'static str,
    /// The pie in words: how many of each severity, from critical to info.
    pub day_summary: fn(counts: [u64; 3]) -> String,
    /// Title of the list of what is over.
    pub history: &'static str,
    /// Column of a table.
    pub rule: &'static str,
    /// Column of a table.
    pub severity_name: &'static str,
    /// Column of a table.
    pub message: &'static str,
    /// Column of a table.
    pub from: &'static str,
    /// Column of a table.
    pub duration: &'static str,
    /// In the column of the duration of one that still fires.
    pub still: &'static str,
    /// In the table where none ever fired.
    pub history_none: &'static str,
    /// In its place where PostgreSQL does not answer.
    pub history_unknown: &'static str,
}
