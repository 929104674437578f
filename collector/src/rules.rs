//! Alert rules: which series fire, and beyond what. The defaults are one table; a file changes,
//! adds and switches off.

mod defaults;
mod engine;
mod error;
mod expression;
mod file;
mod moment;
mod reason;
mod template;

use std::collections::HashMap;
use std::path::Path;

use jiff::SignedDuration;

use crate::alert::{Action, Condition, Missing, Phase, Severity, Timing};

pub use engine::{Active, AlertKey, Change, Engine, Value};
pub use error::{RuleError, RuleErrors, RulesError};
pub use expression::{Comparison, Expression, ExpressionError};

pub use moment::{PART_UP, Scope, companions};
pub(crate) use reason::Reason;
pub use template::{Template, TemplateError};

/// The file with rules, in the working directory, where the settings name no other.
pub const DEFAULT_FILE: &str = "recipe-monitoring-rules.toml";

/// The rule of a fire drill, and the metric that it watches.
pub(crate) const FIRE_DRILL: &str = "FireDrill";
pub(crate) const FIRE_DRILL_METRIC: &str = "recipe_monitoring_fire_drill";

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, which is that of its alerts.
    pub name: String,
    /// Which series, and beyond what.
    pub expression: Expression,
    /// `for` and `keep_firing_for`.
    pub timing: Timing,
    /// An alert that fires goes on firing until its value is here; `None` where that is the threshold.
    pub clear: Option<f64>,
    /// What a value that is missing means.
    pub missing: Missing,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about: 1 to 50 letters, as in `alert_history`.
    pub category: String,
    /// What is done.
    pub action: Action,
    /// What is said, in English.
    pub summary: Template,
    /// What is said, in Japanese.
    pub summary_ja: Template,
    /// Where it is written what to do; may be empty.
    pub runbook_url: String,
    /// Rules that say the same of something worse: while one of them fires for the same, nobody is
    /// told of this one. The same is what has no label with another value.
    pub inhibited_by: Vec<String>,
}

/// All rules that are switched on, each name once.
#[derive(Clone, Debug)]
pub struct Rules {
    all: Vec<Rule>,
    /// Where each is, by its name.
    places: HashMap<String, usize>,
}

impl Default for Rules {
    fn default() -> Self {
        Self::of(defaults::rules())
    }
}

impl Rules {
    /// The defaults with what a file changes, adds and switches off.
    ///
    /// # Errors
    ///
    /// All that is wrong with the file, in the order of its lines.
    pub fn read(text: &str) -> Result<Self, RuleErrors> {
        file::read(text).map(Self::of)
    }

    fn of(all: Vec<Rule>) -> Self {
        let places = all.iter().enumerate().map(|(place, rule)| (rule.name.clone(), place)).collect();
        Self { all, places }
    }

    /// The same of the file at `path`; the defaults where `path` is where one would be if there were one.
    ///
    /// # Errors
    ///
    /// See [`RulesError`]
    pub fn load(path: &Path) -> Result<Self, RulesError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::read(&text).map_err(|errors| RulesError::Invalid { path: path.to_owned(), errors }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && path == Path::new(DEFAULT_FILE) => {
                Ok(Self::default())
            }
            Err(source) => Err(RulesError::Unreadable { path: path.to_owned(), source }),
        }
    }

    /// These, and the one of a fire drill.
    #[must_use]
    pub(crate) fn with_fire_drill(self) -> Self {
        Self::of(self.all.into_iter().chain(defaults::fire_drill()).collect())
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.all.iter()
    }

    /// The one of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Rule> {
        self.all.get(*self.places.get(name)?)
    }
}

impl Rule {
    /// What a value, or that there is none, says of an alert in this phase.
    #[must_use]
    pub fn condition(&self, value: Option<f64>, phase: Option<Phase>) -> Condition {
        let holds = match (value, self.missing) {
            (Some(value), _) => match self.clear.filter(|_| phase == Some(Phase::Firing)) {
                Some(clear) => self.expression.comparison().holds(value, clear),
                None => self.expression.holds(value),
            },
            (None, Missing::Resolve) => false,
            (None, Missing::Fire) => true,
            (None, Missing::Keep) => return Condition::Unknown,
        };
        if holds { Condition::Holds } else { Condition::Ended }
    }
}

/// Longer times are none.
const LONGEST: SignedDuration = SignedDuration::from_hours(31 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_that_fires_goes_on_until_its_value_has_come_back_far_enough() {
        let rules = Rules::read("[[rule]]\nalert = 'HighCPU'\nclear = 70").unwrap();
        let rule = rules.get("HighCPU").unwrap();
        for (value, phase, condition) in [
            (75.0, None, Condition::Ended),
            (75.0, Some(Phase::Pending), Condition::Ended),
            (75.0, Some(Phase::Firing), Condition::Holds),
            (70.0, Some(Phase::Firing), Condition::Ended),
            (81.0, None, Condition::Holds),
        ] {
            assert_eq!(rule.condition(Some(value), phase), condition, "{value} {phase:?}");
        }
    }

    #[test]
    fn what_a_missing_value_means_is_the_rules_to_say() {
        for (missing, condition) in
            [("resolve", Condition::Ended), ("fire", Condition::Holds), ("keep", Condition::Unknown)]
        {
            let rules = Rules::read(&format!("[[rule]]\nalert = 'HighCPU'\nmissing = '{missing}'")).unwrap();
            assert_eq!(rules.get("HighCPU").unwrap().condition(None, None), condition);
        }
    }
}
