//! What the panel of the alerts says.

use collector::alert::Severity;

use crate::widgets::Html;

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
    /// Opens the form of an alert.
    pub act: &'static str,
    /// In that form.
    pub your_name: &'static str,
    /// In that form: why it is silenced.
    pub reason: &'static str,
    /// In that form: for how long.
    pub lasts: &'static str,
    /// The choices of that, from an hour to its end.
    pub spans: [&'static str; 6],
    /// Button: looks after it.
    pub acknowledge: &'static str,
    /// Button: silences it.
    pub silence: &'static str,
    /// Before who looks after it.
    pub acknowledged: &'static str,
    /// Before who silenced it, why and until when.
    pub silenced: &'static str,
    /// Before a time until which something holds.
    pub until: &'static str,
    /// Before the rule that says the same of something worse.
    pub inhibited: &'static str,
    /// Before how often one that comes and goes fired lately.
    pub flapping: &'static str,
    /// The verdict: alerts reach nobody, and why.
    pub paging_error: fn(error: &str) -> String,
    /// Where there is more about that.
    pub paging_more: &'static str,
}

/// The values of [`AlertsWords::spans`].
const SPANS: [&str; 6] = ["1h", "4h", "8h", "1d", "7d", "end"];

impl AlertsWords {
    /// Writes the choice of how long a silence lasts.
    pub fn spans(&self, html: &mut Html) {
        html.element("<label>", self.lasts, "<select name=\"for\">");
        for (value, name) in SPANS.into_iter().zip(self.spans) {
            html.mark("<option value=\"").mark(value);
            html.element("\">", name, "</option>");
        }
        html.mark("</select></label>");
    }
}
