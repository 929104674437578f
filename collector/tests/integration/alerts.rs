//! The alert engine beside Prometheus' own: the same rules over the same series, by `promtool test
//! rules`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use collector::Labels;
use collector::alert::Phase;
use collector::rules::{Engine, Rules, Value};
use jiff::Timestamp;

use rustix::process::{Signal, kill_process};
use sqlx::PgConnection;

use crate::helpers::{Collector, directory, execute, number, outcome, program, quiet, until};
use crate::server::Server;

const CASES: usize = 240;
/// Moments of each case, and the seconds between them.
const STEPS: usize = 40;
const STEP: usize = 15;
const SERIES: [&str; 2] = ["a", "b"];

/// Numbers that look random and are the same in every run (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// One rule, and what its series are at every step.
struct Case {
    name: String,
    metric: String,
    expression: String,
    hold: &'static str,
    keep_firing: &'static str,
    /// `None` where a series is missing.
    series: Vec<(Labels, Vec<Option<i32>>)>,
}

impl Case {
    fn generate(number: usize, numbers: &mut Numbers) -> Self {
        let metric = format!("metric_{number}");
        let matcher = numbers.of(&["", "", "{s=\"a\"}", "{s!=\"a\"}", "{s=~\"a|c\"}", "{s!~\"b.*\"}"]);
        let comparison = numbers.of(&[">", ">=", "<", "<=", "==", "!="]);
        let values = |numbers: &mut Numbers| {
            // Mostly as before, so that states have the time to come about.
            let mut value = Some(5);
            let next = |_| {
                value = match numbers.below(10) {
                    0..5 => value,
                    5..7 => Some(4),
                    7..8 => Some(5),
                    8..9 => Some(6),
                    _ => None,
                };
                value
            };
            (0..STEPS).map(next).collect()
        };
        let series = SERIES.map(|s| (Labels::from([("s".to_owned(), s.to_owned())]), values(numbers)));
        Self {
            name: format!("Case{number}"),
            expression: format!("{metric}{matcher} {comparison} 5"),
            metric,
            hold: numbers.of(&["0s", "0s", "15s", "30s", "40s", "1m"]),
            keep_firing: numbers.of(&["0s", "0s", "15s", "20s", "45s"]),
            series: series.into(),
        }
    }
}

/// The rules as a file of ours.
fn ours(cases: &[Case]) -> String {
    cases.iter().fold(String::new(), |mut text, Case { name, expression, hold, keep_firing, .. }| {
        writeln!(text, "[[rule]]\nalert = '{name}'\nexpr = '{expression}'").unwrap();
        writeln!(text, "for = '{hold}'\nkeep_firing_for = '{keep_firing}'").unwrap();
        text
    })
}

/// The rules as a file of Prometheus.
fn theirs(cases: &[Case]) -> String {
    let head = "groups:\n- name: cases\n  rules:\n".to_owned();
    cases.iter().fold(head, |mut text, Case { name, expression, hold, keep_firing, .. }| {
        writeln!(text, "  - alert: {name}\n    expr: '{expression}'\n    for: {hold}").unwrap();
        writeln!(text, "    keep_firing_for: {keep_firing}").unwrap();
        text
    })
}

/// A test for promtool: the series, and which alerts are pending and firing at every step.
fn test(cases: &[Case], states: &[BTreeMap<(String, String), Phase>]) -> String {
    let mut text = format!(
        "rule_files: [rules.yml]\nevaluation_interval: {STEP}s\ntests:\n- interval: {STEP}s\n  input_series:\n"
    );
    for case in cases {
        for (labels, values) in &case.series {
            let value = |value: &Option<i32>| value.map_or_else(|| "stale".to_owned(), |value| value.to_string());
            let values = values.iter().map(value).collect::<Vec<_>>().join(" ");
            writeln!(text, "  - series: '{}{{s=\"{}\"}}'\n    values: '{values}'", case.metric, labels["s"]).unwrap();
        }
    }
    text.push_str("  promql_expr_test:\n");
    for (step, states) in states.iter().enumerate() {
        writeln!(text, "  - expr: ALERTS\n    eval_time: {}s\n    exp_samples:", step * STEP).unwrap();
        for ((name, s), phase) in states {
            let state = if *phase == Phase::Firing { "firing" } else { "pending" };
            let labels = format!("ALERTS{{alertname=\"{name}\", alertstate=\"{state}\", s=\"{s}\"}}");
            writeln!(text, "    - labels: '{labels}'\n      value: 1").unwrap();
        }
    }
    text
}

fn promtool(directory: &Path, test: &str) -> Output {
    fs::write(directory.join("test.yml"), test).unwrap();
    Command::new("promtool").args(["test", "rules", "test.yml"]).current_dir(directory).output().unwrap()
}

#[test]
fn the_same_rules_and_series_make_the_same_alerts_at_the_same_moments_as_in_prometheus() {
    let mut numbers = Numbers(1);
    let cases: Vec<Case> = (0..CASES).map(|number| Case::generate(number, &mut numbers)).collect();
    let rules = Rules::read(&ours(&cases)).unwrap_or_else(|error| panic!("{error}"));
    let mut engine = Engine::new(rules, BTreeMap::new());
    let (mut states, mut seen) = (Vec::new(), BTreeMap::<_, usize>::new());
    for step in 0..STEPS {
        let at = Timestamp::from_second(i64::try_from(step * STEP).unwrap()).unwrap();
        let values = cases.iter().flat_map(|case| {
            case.series.iter().filter_map(move |(labels, values)| {
                Some(Value { metric: &case.metric, labels, value: values[step]?.into() })
            })
        });
        for change in engine.evaluate(values, |_, _| true, at) {
            *seen.entry(format!("{:?}", change.transition)).or_default() += 1;
        }
        let state = engine.active().iter().map(|(key, alert)| {
            ((key.rule.clone(), key.labels.get("s").cloned().unwrap_or_default()), alert.state.phase)
        });
        states.push(state.collect());
    }
    assert!(seen.len() == 4 && seen.values().all(|count| *count > 100), "all happens, and often: {seen:?}");

    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("rules.yml"), theirs(&cases)).unwrap();
    let output = promtool(directory.path(), &test(&cases, &states));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}", said.chars().take(3_000).collect::<String>());

    // It does look: one alert less at one moment is found.
    states.iter_mut().rev().find_map(BTreeMap::pop_first).unwrap();
    assert!(!promtool(directory.path(), &test(&cases, &states)).status.success());
}

/// Exit status, standard output and standard error of `rules`.
fn rules(place: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = program(&["rules"]);
    command.args(arguments).current_dir(place);
    let Output { status, stdout, stderr } = outcome(command);
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_file_of_rules_is_listed_or_refused_line_by_line() {
    let place = directory();
    let (code, out, _) = rules(place.path(), &["check"]);
    assert_eq!((code, out.lines().count()), (Some(0), 15), "{out}");
    assert!(out.contains("CriticalCPU") && out.ends_with("13 rules, all valid\n"), "{out}");

    let file = place.path().join("recipe-monitoring-rules.toml");
    fs::write(&file, "[[rule]]\nalert = 'HighCPU'\nfor = '90s'\n[[rule]]\nalert = 'SlowResponse'\nenabled = false\n")
        .unwrap();
    let (code, out, _) = rules(place.path(), &["check"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("1m 30s") && !out.contains("SlowResponse") && out.ends_with("12 rules, all valid\n"), "{out}");

    fs::write(&file, "[[rule]]\nalert = 'HighCPU'\nfro = '90s'\nclear = 99\n").unwrap();
    for arguments in [&["check"][..], &["check", "recipe-monitoring-rules.toml"], &["backtest"]] {
        let (code, out, err) = rules(place.path(), arguments);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        for part in
            ["recipe-monitoring-rules.toml", "line 3: fro", "nearest is for", "line 4: clear = 99", "80 or less"]
        {
            assert!(err.contains(part), "{part}: {err}");
        }
    }
    let (code, _, err) = rules(place.path(), &["check", "other.toml"]);
    assert!(code == Some(1) && err.contains("other.toml") && err.contains("correct the path"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backtest_says_when_each_rule_would_have_fired_over_the_stored_history() {
    let place = directory();
    let (mut collector, _) = quiet(place.path()).await;
    let data_dir = collector.data_dir.to_str().unwrap().to_owned();
    let mut database = collector.database().await;
    // Else the rows might be moved into the partition of their month just while they are read.
    assert!(outcome(program(&["partitions", "--data-dir", &data_dir])).status.success());
    // Ten minutes at 97 and two at 85, an hour later.
    let samples = "INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
                   SELECT date_trunc('minute', now()) - make_interval(secs => 7200 - n * 10), 'cpu_usage',
                          CASE WHEN n < 60 THEN 97 WHEN n BETWEEN 360 AND 371 THEN 85 ELSE 10 END, '{\"host\":\"web\"}'
                   FROM generate_series(0, 700) AS n";
    execute(&mut database, samples).await;
    let (code, out, err) = rules(place.path(), &["backtest", "--since", "3h", "--data-dir", &data_dir]);
    assert_eq!(code, Some(0), "{err}");
    for line in [
        "HighCPU: would have fired 1 time, for 5m in all\n",
        "CriticalCPU: would have fired 1 time, for 9m in all\n",
        "for 9m: CPU usage is 97 %\n",
        "HighMemory: would have fired 0 times, for 0s in all\n",
        "DatabaseConnectionLost: not known",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    let candidate = place.path().join("candidate.toml");
    fs::write(&candidate, "[[rule]]\nalert = 'HighCPU'\nfor = '1m'\n").unwrap();
    let file = candidate.to_str().unwrap();
    let (_, out, _) = rules(place.path(), &["backtest", "--since", "3h", "--file", file, "--data-dir", &data_dir]);
    assert!(out.contains("HighCPU: would have fired 2 times, for 10m in all\n"), "{out}");
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

/// A rule that always holds, of the host and once only.
const ALWAYS: &str = "[[rule]]\nalert = 'Always'\nexpr = 'load_average_1m >= 0'\nseverity = 'critical'\n";

/// A collector on a database of the test's, which reads every second, with these rules.
async fn collector(server: &Server, place: &Path, rules: &str) -> Collector {
    let file = place.join("rules.toml");
    fs::write(&file, rules).unwrap();
    let mut command = program(&[]);
    command.env("DATABASE_URL", &server.url);
    let rules = format!("alerts.rules={}", file.display());
    let settings = ["live.push=1s", "business.enabled=false", "application.enabled=false", &rules];
    let arguments = settings.map(|setting| ["--set", setting]);
    Collector::start_as(command, &place.join("data"), arguments.as_flattened()).await
}

/// A place for a collector beside the server's.
fn place(directory: &Path) -> std::path::PathBuf {
    let place = directory.join("own");
    fs::create_dir(&place).unwrap();
    place
}

async fn rows(database: &mut PgConnection, of: &str) -> i64 {
    number(database, &format!("SELECT count(*) FROM alert_history WHERE {of}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firing_is_one_row_with_the_true_times_told_in_redis_and_over_when_its_rule_is() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let place = place(directory.path());
    let mut collector = collector(&server, &place, &format!("{ALWAYS}for = '3s'")).await;
    let mut database = server.database().await;
    until("it fires", async || (rows(&mut database, "rule_name = 'Always'").await == 1).then_some(())).await;
    let true_times = "SELECT count(*) FROM alert_history
         JOIN (SELECT alert_id, details FROM recipe_monitoring_state.firings) AS firing ON alert_id = id
         WHERE rule_name = 'Always' AND severity = 'critical' AND category = 'custom' AND NOT resolved
           AND timestamp - (details ->> 'active_at')::timestamptz BETWEEN '3 s' AND '5 s'
           AND metrics_snapshot -> 'system' ->> 'host' = details -> 'labels' ->> 'host'
           AND message = 'Always: load_average_1m is ' || rtrim(rtrim(to_char((details -> 'value')::numeric, 'FM999990.9999'), '0'), '.')";
    let row = "SELECT row_to_json(a)::text || details::text FROM alert_history AS a
               JOIN (SELECT alert_id, details FROM recipe_monitoring_state.firings) AS firing ON alert_id = id WHERE rule_name = 'Always'";
    let row: String = sqlx::query_scalar(row).fetch_one(&mut database).await.unwrap();
    assert_eq!(number(&mut database, true_times).await, 1, "{row}");
    assert_eq!(number(&mut database, "SELECT count(*) FROM active_alerts WHERE rule_name = 'Always'").await, 1);
    let redis = collector.redis().await;
    let told = async || {
        use fred::interfaces::HashesInterface;
        redis.hget::<Option<String>, _, _>("alerts:active", "Always").await.unwrap()
    };
    let alert: serde_json::Value = serde_json::from_str(&until("redis has it", told).await).unwrap();
    assert_eq!((alert["rule_name"].as_str(), alert["severity"].as_str()), (Some("Always"), Some("critical")));

    // A file that is not valid changes nothing.
    let file = place.join("rules.toml");
    fs::write(&file, format!("{ALWAYS}fro = '3s'")).unwrap();
    until("the log says so", async || collector.log().contains("the nearest is for").then_some(())).await;
    assert_eq!(rows(&mut database, "rule_name = 'Always' AND NOT resolved").await, 1);
    fs::write(&file, format!("{ALWAYS}enabled = false")).unwrap();
    kill_process(collector.pid(), Signal::HUP).unwrap();
    until("it is over", async || (rows(&mut database, "rule_name = 'Always' AND resolved").await == 1).then_some(()))
        .await;
    until("redis knows", async || told().await.is_none().then_some(())).await;
    assert_eq!(rows(&mut database, "rule_name = 'Always'").await, 1);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_and_firing_survive_a_kill_at_any_moment_and_are_one_row() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let place = place(directory.path());
    let mut database = server.database().await;
    let rules = format!("{ALWAYS}for = '8s'");
    let started = Timestamp::now();
    let mut last = collector(&server, &place, &rules).await;
    for milliseconds in [1_700, 300, 2_100, 900, 2_600, 50, 3_100] {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        assert_eq!(last.end(Signal::KILL).await, None);
        last = collector(&server, &place, &rules).await;
    }
    until("it is stored", async || (rows(&mut database, "rule_name = 'Always'").await == 1).then_some(())).await;
    // Its condition has held since the first of them, not since the last.
    let held = "SELECT count(*) FROM alert_history JOIN (SELECT alert_id, details FROM recipe_monitoring_state.firings) AS firing ON alert_id = id
                WHERE timestamp >= (details ->> 'active_at')::timestamptz + INTERVAL '8 s'";
    assert_eq!(
        number(
            &mut database,
            &format!("{held} AND (details ->> 'active_at')::timestamptz < '{started}'::timestamptz + INTERVAL '4 s'")
        )
        .await,
        1
    );
    for _ in 0..3 {
        assert_eq!(last.end(Signal::KILL).await, None);
        last = collector(&server, &place, &rules).await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
    }
    assert_eq!(rows(&mut database, "rule_name = 'Always'").await, 1);
    assert_eq!(rows(&mut database, "rule_name = 'Always' AND NOT resolved").await, 1);
    assert_eq!(last.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_does_not_answer_is_an_alert_whose_row_comes_when_it_is_back() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let place = place(directory.path());
    let mut collector = collector(&server, &place, "").await;
    let paused_at = Timestamp::now();
    let paused = server.pause();
    let fired = async || collector.log().contains("DatabaseConnectionLost").then(Timestamp::now);
    let said_at = until("the alert is in the log", fired).await;
    assert!(said_at.duration_since(paused_at).as_secs() < 8, "{paused_at} {said_at}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(collector.end(Signal::KILL).await, None);
    collector = self::collector(&server, &place, "").await;
    paused.resume();
    let mut database = server.database().await;
    let row = format!(
        "SELECT count(*) FROM alert_history WHERE rule_name = 'DatabaseConnectionLost' AND resolved
         AND timestamp BETWEEN '{paused_at}' AND '{said_at}' AND resolved_at > '{said_at}' AND category = 'database'"
    );
    until("the row is there", async || (number(&mut database, &row).await == 1).then_some(())).await;
    assert_eq!(rows(&mut database, "rule_name = 'DatabaseConnectionLost'").await, 1);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
