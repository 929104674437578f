//! The rules that are there without a file.

use jiff::SignedDuration;

use super::{Expression, Rule, Template};
use crate::alert::{Action, Missing, Severity, Timing};

use Action::{Log, Notify};
use Severity::{Critical, Warning};

/// A row of the table: name, condition, `for` in seconds, severity, category, action and summary in
/// English and Japanese.
struct Row(&'static str, &'static str, i64, Severity, &'static str, Action, [&'static str; 2]);

const CPU: [&str; 2] = ["CPU usage is {{ $value }} %", "CPU 使用率が {{ $value }} % です"];
const MEMORY: [&str; 2] = ["Memory usage is {{ $value }} %", "メモリ使用率が {{ $value }} % です"];
const DISK: [&str; 2] =
    ["Disk {{ $labels.mount }} is {{ $value }} % full", "ディスク {{ $labels.mount }} の使用率が {{ $value }} % です"];
const ERRORS: [&str; 2] = [
    "{{ $value }} % of the requests of the last minute failed",
    "直近 1 分間のリクエストの {{ $value }} % が失敗しました",
];
const SLOW: [&str; 2] = [
    "5 % of the requests of the last minute took more than {{ $value }} ms",
    "直近 1 分間のリクエストの 5 % が {{ $value }} ms を超えました",
];
const POSTGRESQL: [&str; 2] = ["PostgreSQL does not answer: {{ $reason }}", "PostgreSQL が応答しません: {{ $reason }}"];
const REDIS: [&str; 2] = ["Redis does not answer: {{ $reason }}", "Redis が応答しません: {{ $reason }}"];

const NO_POSTGRESQL: &str = "recipe_monitoring_part_up{part=\"postgresql\"} == 0";
const NO_REDIS: &str = "recipe_monitoring_part_up{part=\"redis\"} == 0";

#[rustfmt::skip]
const TABLE: [Row; 11] = [
    Row("HighCPU",                "cpu_usage > 80",             300, Warning,  "system",      Log,    CPU),
    Row("CriticalCPU",            "cpu_usage > 95",              60, Critical, "system",      Notify, CPU),
    Row("HighMemory",             "memory_usage > 85",            0, Warning,  "system",      Log,    MEMORY),
    Row("CriticalMemory",         "memory_usage > 95",            0, Critical, "system",      Notify, MEMORY),
    Row("HighDisk",               "disk_usage > 90",              0, Warning,  "system",      Log,    DISK),
    Row("CriticalDisk",           "disk_usage > 95",              0, Critical, "system",      Notify, DISK),
    Row("HighErrorRate",          "http_error_rate > 5",        300, Warning,  "application", Log,    ERRORS),
    Row("CriticalErrorRate",      "http_error_rate > 10",        60, Critical, "application", Notify, ERRORS),
    Row("SlowResponse",           "response_time_p95 > 1000",     0, Warning,  "application", Log,    SLOW),
    Row("DatabaseConnectionLost", NO_POSTGRESQL,                  0, Critical, "database",    Notify, POSTGRESQL),
    Row("RedisConnectionLost",    NO_REDIS,                       0, Warning,  "cache",       Log,    REDIS),
];

/// The rules of the table; a test reads every expression and summary of it.
pub(super) fn rules() -> Vec<Rule> {
    TABLE.iter().filter_map(rule).collect()
}

fn rule(row: &Row) -> Option<Rule> {
    let &Row(name, expression, hold, severity, category, action, summary) = row;
    let [summary, summary_ja] = summary.map(|text| Template::parse(text).ok());
    Some(Rule {
        name: name.to_owned(),
        expression: Expression::parse(expression).ok()?,
        timing: Timing { hold: SignedDuration::from_secs(hold), keep_firing: SignedDuration::ZERO },
        clear: None,
        missing: Missing::Resolve,
        severity,
        category: category.to_owned(),
        action,
        summary: summary?,
        summary_ja: summary_ja?,
        runbook_url: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_table_are_rules() {
        let names: Vec<_> = rules().into_iter().map(|rule| rule.name).collect();
        assert_eq!(names, TABLE.each_ref().map(|row| row.0));
    }
}
