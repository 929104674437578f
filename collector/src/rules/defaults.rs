//! The rules that are there without a file.

use jiff::SignedDuration;

use super::{Expression, FIRE_DRILL, Rule, Template};
use crate::alert::{Action, DRILL, Missing, Severity, Timing};

use Action::{Log, Notify};
use Severity::{Critical, Info, Warning};

/// A row of the table: name, condition, `for` in seconds, severity, category, action, summary in
/// English and Japanese, and the rule that says the same of something worse.
struct Row(&'static str, &'static str, i64, Severity, &'static str, Action, [&'static str; 2], &'static str);

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
const BACKUP_FAILED: [&str; 2] = [
    "No backup could be made; the page of the database says why, and it is tried again",
    "バックアップを作成できませんでした。理由はデータベースのページにあります。再試行は続きます",
];
const BACKUP_OLD: [&str; 2] =
    ["There has been no new backup for {{ $value }} seconds", "新しいバックアップが {{ $value }} 秒間ありません"];
const BACKUP_FAILS: &str = "recipe_monitoring_backup_failed > 0";
/// Six hours more than a day.
const BACKUP_AGE: &str = "recipe_monitoring_backup_age_seconds > 108000";
const NO_REDIS: &str = "recipe_monitoring_part_up{part=\"redis\"} == 0";

#[rustfmt::skip]
const TABLE: [Row; 13] = [
    Row("HighCPU",                "cpu_usage > 80",             300, Warning,  "system",      Log,    CPU, "CriticalCPU"),
    Row("CriticalCPU",            "cpu_usage > 95",              60, Critical, "system",      Notify, CPU, ""),
    Row("HighMemory",             "memory_usage > 85",            0, Warning,  "system",      Log,    MEMORY, "CriticalMemory"),
    Row("CriticalMemory",         "memory_usage > 95",            0, Critical, "system",      Notify, MEMORY, ""),
    Row("HighDisk",               "disk_usage > 90",              0, Warning,  "system",      Log,    DISK, "CriticalDisk"),
    Row("CriticalDisk",           "disk_usage > 95",              0, Critical, "system",      Notify, DISK, ""),
    Row("HighErrorRate",          "http_error_rate > 5",        300, Warning,  "application", Log,    ERRORS, "CriticalErrorRate"),
    Row("CriticalErrorRate",      "http_error_rate > 10",        60, Critical, "application", Notify, ERRORS, ""),
    Row("SlowResponse",           "response_time_p95 > 1000",     0, Warning,  "application", Log,    SLOW, ""),
    Row("DatabaseConnectionLost", NO_POSTGRESQL,                  0, Critical, "database",    Notify, POSTGRESQL, ""),
    Row("RedisConnectionLost",    NO_REDIS,                       0, Warning,  "cache",       Log,    REDIS, ""),
    // Where one is made every day. What was missed while the machine was off is made meanwhile.
    Row("BackupFailed",           BACKUP_FAILS,                1_800, Warning,  "backup",      Notify, BACKUP_FAILED, "BackupOld"),
    Row("BackupOld",              BACKUP_AGE,                  1_800, Warning,  "backup",      Notify, BACKUP_OLD, ""),
];

/// The rules of the table; a test reads every expression and summary of it.
pub(super) fn rules() -> Vec<Rule> {
    TABLE.iter().filter_map(rule).collect()
}

fn rule(row: &Row) -> Option<Rule> {
    let &Row(name, expression, hold, severity, category, action, summary, worse) = row;
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
        inhibited_by: Some(worse.to_owned()).filter(|name| !name.is_empty()).into_iter().collect(),
    })
}

/// The rule behind a fire drill: a test alert that goes the way of all others.
const FIRE_DRILL_ROW: Row =
    Row(FIRE_DRILL, "recipe_monitoring_fire_drill > 0", 0, Info, DRILL, Notify, DRILL_SUMMARY, "");
const DRILL_SUMMARY: [&str; 2] = [
    "This is a fire drill: nothing is wrong, and paging works if you read this",
    "これは訓練です。異常はありません。この通知が届いていれば、アラートは正しく届きます",
];

pub(super) fn fire_drill() -> Option<Rule> {
    rule(&FIRE_DRILL_ROW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_table_are_rules() {
        let names: Vec<_> = rules().into_iter().map(|rule| rule.name).collect();
        assert_eq!(names, TABLE.each_ref().map(|row| row.0));
        assert_eq!(fire_drill().unwrap().name, FIRE_DRILL);
    }
}
