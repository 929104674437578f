//! The file with rules: tables `[[rule]]`, with Prometheus' words where it has them. One that is
//! named as a default changes it, and says only what is another; any other is new.

use std::collections::HashMap;
use std::ops::Range;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::de::value::Error as NameError;
use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::defaults;
use super::error::{RuleError, RuleErrors};
use super::{Comparison, Expression, FIRE_DRILL, LONGEST, Rule, Template};
use crate::Sentence;
use crate::alert::{Action, Missing, Severity, Timing};

const RULE: &str = "rule";
/// All that a rule may say.
const KEYS: [&str; 14] = [
    "alert",
    "expr",
    "for",
    "keep_firing_for",
    "clear",
    "missing",
    "severity",
    "category",
    "action",
    "summary",
    "summary_ja",
    "runbook_url",
    "inhibited_by",
    "enabled",
];
const MOST_RULES: usize = 10_000;
/// As long as the column `alert_history.rule_name`, and `category`.
const LONGEST_NAME: usize = 100;
const LONGEST_CATEGORY: usize = 50;
const LONGEST_TEXT: usize = 1_000;

/// The defaults with what the file changes, adds and switches off.
pub(super) fn read(text: &str) -> Result<Vec<Rule>, RuleErrors> {
    let line_ends = text.match_indices('\n').map(|(place, _)| place).collect();
    let mut reader = Reader { text, line_ends, errors: Vec::new() };
    let rules = reader.file().unwrap_or_default();
    if reader.errors.is_empty() {
        return Ok(rules);
    }
    reader.errors.sort_by_key(|error| error.line);
    Err(RuleErrors(reader.errors))
}

/// Rules in their order, found by their names.
#[derive(Default)]
struct Named {
    rules: Vec<Option<Rule>>,
    places: HashMap<String, usize>,
}

impl Named {
    fn get(&self, name: &str) -> Option<&Rule> {
        self.rules.get(*self.places.get(name)?)?.as_ref()
    }

    fn set(&mut self, rule: Rule) {
        match self.places.get(&rule.name).and_then(|place| self.rules.get_mut(*place)) {
            Some(known) => *known = Some(rule),
            None => {
                self.places.insert(rule.name.clone(), self.rules.len());
                self.rules.push(Some(rule));
            }
        }
    }

    fn switch_off(&mut self, name: &str) {
        if let Some(rule) = self.places.get(name).and_then(|place| self.rules.get_mut(*place)) {
            *rule = None;
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().flatten()
    }

    /// Those that are switched on.
    fn into_vec(self) -> Vec<Rule> {
        self.rules.into_iter().flatten().collect()
    }
}

struct Reader<'t> {
    text: &'t str,
    line_ends: Vec<usize>,
    errors: Vec<RuleError>,
}

impl<'t> Reader<'t> {
    /// `None` where there is an error.
    fn file(&mut self) -> Option<Vec<Rule>> {
        let document = match DeTable::parse(self.text) {
            Ok(document) => document,
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                let remedy = Sentence::new(
                    format!("it is no TOML: {}", error.message()),
                    format!("TOML として読み取れません: 「{}」", error.message()),
                );
                return self.refuse(&span, "", "", remedy);
            }
        };
        let mut rules = Named::default();
        defaults::rules().into_iter().for_each(|rule| rules.set(rule));
        let mut lines: HashMap<String, usize> = HashMap::new();
        let document = document.into_inner();
        for key in document.keys().filter(|key| key.get_ref() != RULE) {
            let remedy = Sentence::new(
                "rules are tables that begin with a line [[rule]]",
                "ルールは行「[[rule]]」で始まるテーブルとして書いてください",
            );
            self.refuse::<()>(&key.span(), key.get_ref(), "", remedy);
        }
        let Some(found) = document.get(RULE) else { return Some(rules.into_vec()) };
        let DeValue::Array(tables) = found.get_ref() else {
            return self.refuse(&found.span(), RULE, "", begin_each());
        };
        if tables.len() > MOST_RULES {
            let remedy = Sentence::new(
                format!("there are more than {MOST_RULES}; leave some out"),
                format!("{MOST_RULES} 件を超えています。減らしてください"),
            );
            return self.refuse(&found.span(), RULE, "", remedy);
        }
        for table in tables.iter() {
            let DeValue::Table(keys) = table.get_ref() else {
                self.refuse::<()>(&table.span(), RULE, "", begin_each());
                continue;
            };
            let Some((name, rule)) = self.rule(&table.span(), keys, &rules) else { continue };
            if let Some(before) = lines.insert(name.clone(), self.line(&table.span())) {
                let remedy = Sentence::new(
                    format!("the rule of line {before} has this name; give each rule one of its own"),
                    format!("{before} 行目のルールと同じ名前です。ルールごとに別の名前を付けてください"),
                );
                self.refuse::<()>(&table.span(), "alert", &name, remedy);
            }
            match rule {
                Some(rule) => rules.set(rule),
                None => rules.switch_off(&name),
            }
        }
        self.inhibition(tables, &rules);
        Some(rules.into_vec())
    }

    /// Whether the rules that are to inhibit others are there, and none inhibits itself by a detour.
    fn inhibition(&mut self, tables: &DeArray<'t>, rules: &Named) {
        let defaults = defaults::rules();
        let get = |name: &str| rules.get(name).or_else(|| defaults.iter().find(|rule| rule.name == name));
        let tables = tables.iter().filter_map(|table| table.get_ref().as_table());
        for (found, rule) in tables.filter_map(|keys| Some((keys.get("inhibited_by")?, keys.get("alert")?))) {
            let Some(rule) = rule.get_ref().as_str().and_then(get) else { continue };
            let mut seen: Vec<&str> = Vec::new();
            let mut next: Vec<&str> = rule.inhibited_by.iter().map(String::as_str).collect();
            while let Some(name) = next.pop() {
                let Some(worse) = get(name) else {
                    let remedy = Sentence::new("name a rule that there is", "存在するルールの名前を書いてください");
                    self.refuse::<()>(&found.span(), "inhibited_by", name, remedy);
                    continue;
                };
                if worse.name == rule.name {
                    let remedy = Sentence::new(
                        "a rule does not inhibit itself, also not by way of others; leave one out",
                        "ルールは、ほかのルールを介しても自分自身を抑制できません。どれか 1 つを外してください",
                    );
                    self.refuse::<()>(&found.span(), "inhibited_by", name, remedy);
                } else if !seen.contains(&name) {
                    seen.push(name);
                    next.extend(worse.inhibited_by.iter().map(String::as_str));
                }
            }
        }
    }

    /// Name and rule; no rule where it is switched off.
    fn rule(&mut self, span: &Range<usize>, keys: &DeTable<'t>, rules: &Named) -> Option<(String, Option<Rule>)> {
        for key in keys.keys().filter(|key| !KEYS.contains(&key.get_ref().as_ref())) {
            let nearest = KEYS.iter().min_by_key(|known| strsim::osa_distance(known, key.get_ref()));
            let nearest = nearest.unwrap_or(&"");
            let remedy = Sentence::new(
                format!("there is no such key; the nearest is {nearest}"),
                format!("このキーはありません。最も近いキーは {nearest} です"),
            );
            self.refuse::<()>(&key.span(), key.get_ref(), "", remedy);
        }
        let name = self.read(keys, "alert", |name| {
            let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(of_name);
            if name == FIRE_DRILL {
                return Err(Sentence::new(
                    "choose another: fire drills are called so",
                    "訓練用の名前です。別の名前にしてください",
                ));
            }
            let name = Some(name).filter(|name| is_name && name.len() <= LONGEST_NAME);
            name.map(str::to_owned).ok_or_else(|| {
                Sentence::new(
                    "use 1 to 100 of a-z, A-Z, 0-9 and _, a letter first",
                    "英字で始まる 1～100 文字の英数字と _ にしてください",
                )
            })
        });
        let Some(name) = name else {
            if !keys.keys().any(|key| key.get_ref() == "alert") {
                let remedy = Sentence::new(
                    "say how the rule is called, as in alert = \"HighCPU\"",
                    "ルールの名前を alert = \"HighCPU\" のように書いてください",
                );
                self.refuse::<()>(span, "alert", "", remedy);
            }
            return None;
        };
        let expression = self.read(keys, "expr", |text| Expression::parse(text).map_err(|error| Sentence::of(&error)));
        let expression = match (expression, rules.get(&name)) {
            (Some(expression), _) => Some(expression),
            (None, Some(rule)) => Some(rule.expression.clone()),
            (None, None) if keys.keys().any(|key| key.get_ref() == "expr") => None,
            (None, None) => {
                let nearest = rules.iter().map(|rule| rule.name.as_str());
                let nearest = nearest.min_by_key(|known| strsim::osa_distance(known, &name));
                let nearest = nearest.unwrap_or_default();
                let remedy = Sentence::new(
                    format!(
                        "a new rule says when it fires, as in expr = \"cpu_usage > 80\"; the default most like it is {nearest}"
                    ),
                    format!(
                        "新しいルールには発生条件を expr = \"cpu_usage > 80\" のように書いてください。最も近い既定の\
                         ルールは {nearest} です"
                    ),
                );
                self.refuse(span, "alert", &name, remedy)
            }
        };
        let hold = self.read(keys, "for", duration);
        let keep_firing = self.read(keys, "keep_firing_for", duration);
        let clear = self.number(keys, "clear");
        let missing = self.read(keys, "missing", one_of::<Missing>);
        let severity = self.read(keys, "severity", one_of::<Severity>);
        let action = self.read(keys, "action", one_of::<Action>);
        let category = self.read(keys, "category", |text| limited(text, 1, LONGEST_CATEGORY));
        let runbook_url = self.read(keys, "runbook_url", |text| {
            let is_url = text.is_empty() || text.starts_with("https://") || text.starts_with("http://");
            let remedy = Sentence::new(
                "use an address that begins with https:// or http://",
                "https:// または http:// で始まるアドレスにしてください",
            );
            if is_url { limited(text, 0, LONGEST_TEXT) } else { Err(remedy) }
        });
        let template =
            |text: &str| Template::parse(&limited(text, 1, LONGEST_TEXT)?).map_err(|error| Sentence::of(&error));
        let [summary, summary_ja] = ["summary", "summary_ja"].map(|key| self.read(keys, key, template));
        let inhibited_by = self.names(keys, "inhibited_by");
        let enabled = self.boolean(keys, "enabled").unwrap_or(true);

        let expression = expression?;
        let mut rule = match rules.get(&name) {
            Some(rule) => rule.clone(),
            None => new(&name, &expression)?,
        };
        rule.expression = expression;
        rule.timing.hold = hold.unwrap_or(rule.timing.hold);
        rule.timing.keep_firing = keep_firing.unwrap_or(rule.timing.keep_firing);
        rule.missing = missing.unwrap_or(rule.missing);
        rule.severity = severity.unwrap_or(rule.severity);
        rule.action = action.unwrap_or(rule.action);
        rule.category = category.unwrap_or(rule.category);
        rule.runbook_url = runbook_url.unwrap_or(rule.runbook_url);
        rule.inhibited_by = inhibited_by.unwrap_or(rule.inhibited_by);
        // Who writes one only wants to read that one.
        rule.summary_ja = summary_ja.or_else(|| summary.clone()).unwrap_or(rule.summary_ja);
        rule.summary = summary.unwrap_or(rule.summary);
        if let Some((span, clear)) = clear {
            rule.clear = self.clear(&span, clear, &rule.expression);
        }
        Some((name, Some(rule).filter(|_| enabled)))
    }

    /// The level at which it is over, if it could ever be reached.
    fn clear(&mut self, span: &Range<usize>, clear: f64, expression: &Expression) -> Option<f64> {
        let threshold = expression.threshold();
        let remedy = match expression.comparison() {
            Comparison::Above | Comparison::AtLeast if clear > threshold => {
                Sentence::new(format!("use {threshold} or less"), format!("{threshold} 以下にしてください"))
            }
            Comparison::Below | Comparison::AtMost if clear < threshold => {
                Sentence::new(format!("use {threshold} or more"), format!("{threshold} 以上にしてください"))
            }
            Comparison::Equal | Comparison::NotEqual => {
                Sentence::new("leave it out where expr has == or !=", "expr が == または != の場合は省略してください")
            }
            _ => return Some(clear),
        };
        self.refuse(span, "clear", &clear.to_string(), remedy)
    }

    /// What `read` makes of the text of a key, if it is there.
    fn read<T>(&mut self, keys: &DeTable<'t>, key: &str, read: impl FnOnce(&str) -> Result<T, Sentence>) -> Option<T> {
        let value = keys.get(key)?;
        let DeValue::String(text) = value.get_ref() else {
            return self.refuse_type(key, value, ["a text in quotes", "引用符で囲んだ文字列"]);
        };
        read(text).map_err(|remedy| self.refuse::<()>(&value.span(), key, &format!("{text:?}"), remedy)).ok()
    }

    fn number(&mut self, keys: &DeTable<'t>, key: &str) -> Option<(Range<usize>, f64)> {
        let value = keys.get(key)?;
        let digits = match value.get_ref() {
            DeValue::Integer(number) => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => return self.refuse_type(key, value, ["a number", "数値"]),
        };
        match digits.replace('_', "").parse::<f64>() {
            Ok(number) if number.is_finite() => Some((value.span(), number)),
            _ => self.refuse_type(key, value, ["a finite number", "有限の数値"]),
        }
    }

    fn names(&mut self, keys: &DeTable<'t>, key: &str) -> Option<Vec<String>> {
        let value = keys.get(key)?;
        let name = |name: &Spanned<DeValue<'_>>| name.get_ref().as_str().map(str::to_owned);
        let names = value.get_ref().as_array().and_then(|names| names.iter().map(name).collect());
        let wanted =
            ["names in brackets, as in [\"CriticalCPU\"]", "[\"CriticalCPU\"] のように角括弧で囲んだ名前の並び"];
        names.or_else(|| self.refuse_type(key, value, wanted))
    }

    fn boolean(&mut self, keys: &DeTable<'t>, key: &str) -> Option<bool> {
        let value = keys.get(key)?;
        match value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => self.refuse_type(key, value, ["true or false", "true または false"]),
        }
    }

    fn refuse_type<T>(&mut self, key: &str, value: &Spanned<DeValue<'_>>, wanted: [&str; 2]) -> Option<T> {
        let written = self.text.get(value.span()).unwrap_or_default().lines().next().unwrap_or_default();
        let [en, ja] = wanted;
        let remedy = Sentence::new(format!("use {en}"), format!("{ja}にしてください"));
        self.refuse(&value.span(), key, written, remedy)
    }

    fn refuse<T>(&mut self, span: &Range<usize>, key: &str, value: &str, remedy: Sentence) -> Option<T> {
        let line = self.line(span);
        self.errors.push(RuleError { line, key: key.to_owned(), value: value.to_owned(), remedy });
        None
    }

    fn line(&self, span: &Range<usize>) -> usize {
        1 + self.line_ends.partition_point(|end| *end < span.start)
    }
}

fn begin_each() -> Sentence {
    Sentence::new("begin each rule with a line [[rule]]", "ルールごとに行「[[rule]]」で始めてください")
}

/// A new rule, before what the file says of it but for when it fires.
fn new(name: &str, expression: &Expression) -> Option<Rule> {
    let metric = expression.metric();
    let summary = Template::parse(&format!("{name}: {metric} is {{{{ $value }}}}")).ok()?;
    let summary_ja = Template::parse(&format!("{name}: {metric} が {{{{ $value }}}} です")).ok()?;
    Some(Rule {
        name: name.to_owned(),
        expression: expression.clone(),
        timing: Timing::default(),
        clear: None,
        missing: Missing::default(),
        severity: Severity::default(),
        category: "custom".to_owned(),
        action: Action::default(),
        summary,
        summary_ja,
        runbook_url: String::new(),
        inhibited_by: Vec::new(),
    })
}

/// As Prometheus writes times: `30s`, `5m`, `1h30m`, `2d`.
fn duration(text: &str) -> Result<SignedDuration, Sentence> {
    let span = text.parse::<Span>().ok();
    let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    duration.filter(|duration| (SignedDuration::ZERO..=LONGEST).contains(duration)).ok_or_else(|| {
        Sentence::new("use a time from 0s to 31d, as in 5m", "0s から 31d までの時間を 5m のように書いてください")
    })
}

/// The member of an enum with this name.
fn one_of<T: DeserializeOwned>(text: &str) -> Result<T, Sentence> {
    T::deserialize(IntoDeserializer::<NameError>::into_deserializer(text)).map_err(|error| {
        let error = error.to_string();
        // serde says: unknown variant `x`, expected one of `a`, `b`
        let names = error.rsplit_once("expected ").map_or(error.as_str(), |(_, names)| names);
        let each: Vec<_> = names.split('`').skip(1).step_by(2).map(|name| format!("\"{name}\"")).collect();
        let ja = format!("{} のいずれかにしてください", each.join("、"));
        Sentence::new(format!("use {}", names.replace('`', "\"")), ja)
    })
}

fn limited(text: &str, least: usize, most: usize) -> Result<String, Sentence> {
    let text = text.trim();
    let is_plain = !text.chars().any(char::is_control);
    let fits = (least..=most).contains(&text.chars().count());
    if fits && is_plain {
        return Ok(text.to_owned());
    }
    Err(Sentence::new(
        format!("use one line of {least} to {most} characters"),
        format!("1 行で {least}～{most} 文字にしてください"),
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::InJapanese as _;
    use crate::rules::Rules;
    use crate::sentence::assert_japanese;

    const COUNT: usize = 13;

    fn rule(text: &str, name: &str) -> Rule {
        Rules::read(text).unwrap_or_else(|error| panic!("{error}")).get(name).unwrap().clone()
    }

    #[test]
    fn a_default_is_changed_where_the_file_says_so_and_stays_itself_elsewhere() {
        let changed =
            rule("[[rule]]\nalert = \"HighCPU\"\nexpr = 'cpu_usage{host=\"db\"} > 90'\nfor = \"10m\"", "HighCPU");
        assert_eq!(changed.expression.to_string(), "cpu_usage{host=\"db\"} > 90");
        assert_eq!(changed.timing.hold, SignedDuration::from_mins(10));
        let same = rule("", "HighCPU");
        assert_eq!((changed.severity, changed.summary, changed.category), (same.severity, same.summary, same.category));
    }

    #[test]
    fn a_new_rule_is_one_with_everything_or_with_little() {
        let little = rule("[[rule]]\nalert = \"Deep\"\nexpr = \"queue_depth > 100\"", "Deep");
        assert_eq!(
            (little.severity, little.action, little.timing),
            (Severity::Warning, Action::Log, Timing::default())
        );
        assert_eq!(little.summary.fill(Some(7.0), 0.0, &crate::Labels::new()), "Deep: queue_depth is 7");
        assert_eq!(little.summary_ja.fill(Some(7.0), 0.0, &crate::Labels::new()), "Deep: queue_depth が 7 です");
        let full = rule(
            "[[rule]]\nalert = 'Deep'\nexpr = 'queue_depth < 10'\nfor = '1h30m'\nkeep_firing_for = '2d'\nclear = 1_2.5\n\
             missing = 'fire'\nseverity = 'critical'\ncategory = 'queue'\naction = 'notify'\n\
             summary = '{{ $value }} left'\nsummary_ja = '残り {{ $value }}'\nrunbook_url = 'https://example.com/deep'",
            "Deep",
        );
        let hours = SignedDuration::from_hours;
        assert_eq!(full.timing, Timing { hold: hours(1) + SignedDuration::from_mins(30), keep_firing: hours(48) });
        assert_eq!((full.clear, full.missing, full.action), (Some(12.5), Missing::Fire, Action::Notify));
        assert_eq!((full.severity, full.category.as_str()), (Severity::Critical, "queue"));
        assert_eq!(full.summary_ja.fill(Some(3.0), 10.0, &crate::Labels::new()), "残り 3");
        assert_eq!(full.runbook_url, "https://example.com/deep");
    }

    #[test]
    fn one_that_is_switched_off_is_gone() {
        let rules = Rules::read("[[rule]]\nalert = 'SlowResponse'\nenabled = false").unwrap();
        assert!(rules.get("SlowResponse").is_none());
        assert_eq!(rules.iter().count(), COUNT - 1);
        assert_eq!(Rules::read("# nothing").unwrap().iter().count(), COUNT);
    }

    #[test]
    fn everything_that_is_wrong_is_said_with_line_key_value_and_remedy() {
        for (text, line, parts) in [
            ("[[rule]]\nalert = 'HighCPU'\nfro = '5m'", 3, ["fro", "nearest is for"]),
            ("[[rule]]\nalert = 'HighCPU'\n\nfor = '5x'", 4, ["for = \"5x\"", "as in 5m"]),
            ("[[rule]]\nalert = 'HighCPU'\nfor = 5", 3, ["for = 5", "a text in quotes"]),
            ("[[rule]]\nalert = 'HighCPU'\nfor = '-5m'", 3, ["for = \"-5m\"", "from 0s to 31d"]),
            ("[[rule]]\nalert = 'HighCPU'\nfor = '32d'", 3, ["for = \"32d\"", "from 0s to 31d"]),
            ("[[rule]]\nalert = 'HighCPU'\nexpr = 'cpu_usage >'", 3, ["expr = \"cpu_usage >\"", "no finite number"]),
            ("[[rule]]\nalert = 'HighCPU'\nclear = 90", 3, ["clear = 90", "use 80 or less"]),
            ("[[rule]]\nalert = 'RedisConnectionLost'\nclear = 1", 3, ["clear = 1", "leave it out"]),
            ("[[rule]]\nalert = 'HighCPU'\nclear = nan", 3, ["clear = nan", "finite number"]),
            ("[[rule]]\nalert = 'HighCPU'\nseverity = 'fatal'", 3, ["severity = \"fatal\"", "\"critical\""]),
            ("[[rule]]\nalert = 'HighCPU'\nmissing = 'no'", 3, ["missing = \"no\"", "\"keep\""]),
            ("[[rule]]\nalert = 'HighCPU'\nenabled = 'no'", 3, ["enabled = 'no'", "true or false"]),
            ("[[rule]]\nalert = 'HighCPU'\nsummary = '{{ $x }}'", 3, ["summary", "$value"]),
            ("[[rule]]\nalert = 'HighCPU'\nrunbook_url = 'javascript:x'", 3, ["runbook_url", "https://"]),
            ("[[rule]]\nalert = 'HighCPU'\ncategory = ''", 3, ["category = \"\"", "1 to 50"]),
            ("[[rule]]\nalert = 'High CPU'", 2, ["alert = \"High CPU\"", "a letter first"]),
            ("\n[[rule]]\nalert = 'HighCpu'", 2, ["alert = HighCpu", "most like it is HighCPU"]),
            ("[[rule]]\nexpr = 'a > 1'", 1, ["alert", "how the rule is called"]),
            ("[[rule]]\nalert = 'HighCPU'\n[[rule]]\nalert = 'HighCPU'", 3, ["alert = HighCPU", "line 1"]),
            ("[[rules]]\nalert = 'HighCPU'", 1, ["rules", "[[rule]]"]),
            ("rule = 5", 1, ["rule", "[[rule]]"]),
            ("[[rule]]\nalert = ", 2, ["the file", "no TOML"]),
        ] {
            let errors = Rules::read(text).unwrap_err().0;
            assert_eq!((errors.len(), errors[0].line), (1, line), "{text}: {errors:?}");
            let message = errors[0].to_string();
            assert!(parts.iter().all(|part| message.contains(part)), "{text}: {message}");
            assert_japanese(&errors[0].ja(), &[&format!("{line} 行目"), &errors[0].key, &errors[0].value]);
        }
        let all = Rules::read("[[rule]]\nalert = 'HighCPU'\nfor = 5\nclear = 'x'\n[[rule]]\nalert = 'X'").unwrap_err();
        assert_eq!(all.0.iter().map(|error| error.line).collect::<Vec<_>>(), [3, 4, 5]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            let _ = Rules::read(&text);
        }

        #[test]
        fn nor_do_nearly_right_keys(
            key in prop::sample::select(KEYS.to_vec()), value in "[0-9a-z'\"{}$<> .-]{0,12}",
        ) {
            let _ = Rules::read(&format!("[[rule]]\nalert = 'HighCPU'\n{key} = {value}"));
        }
    }
}
