//! The administrator's commands, as real processes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fred::interfaces::KeysInterface;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::helpers::{Collector, connect, directory, execute, number, outcome, program, until};
use crate::server::Server;

const TEST_NAME: &str = "recipe_monitoring_check";
/// Readings every second, which nobody saves before a test is over.
const UNSAVED: [&str; 10] = [
    "--set",
    "live.push=1s",
    "--set",
    "sampling.system=1s",
    "--set",
    "schedule.save=1h",
    "--set",
    "schedule.first_save=1h",
    "--set",
    "log.filter=info,collector=debug",
];

/// The save of the start is over, which may have found the first sample, and another one waits.
async fn a_sample_waits(collector: &Collector) {
    until("a save is over", async || collector.log().contains("\"job\":\"save\"").then_some(())).await;
    let spool = collector.data_dir.join("spool");
    until("a sample waits", async || fs::read_dir(&spool).ok()?.next().map(drop)).await;
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

pub fn run(command: Command) -> Ended {
    let output = outcome(command);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A command on a database, without Redis and with a data directory that nobody uses.
pub fn on(url: &str, directory: &Path, arguments: &[&str]) -> Command {
    let mut command = program(arguments);
    command.env("DATABASE_URL", url).env("RECIPE_MONITORING_REDIS__ENABLED", "false");
    command.arg("--data-dir").arg(directory.join("nobody"));
    command
}

/// Result and note of every check, by its number.
fn checks(ended: &Ended) -> BTreeMap<u8, (String, String)> {
    let lines = ended.out.lines().map(|line| {
        let note = line.split_once(" ms").unwrap().1.trim().to_owned();
        let result = line[29..].split_whitespace().next().unwrap().to_owned();
        (line[..2].trim().parse().unwrap(), (result, note))
    });
    let checks: BTreeMap<_, _> = lines.collect();
    assert_eq!(Vec::from_iter(checks.keys().copied()), Vec::from_iter(1..=15), "{ended:?}");
    checks
}

/// Every table and view to the last byte, but for how long an alert has been active and what
/// extensions bring along.
pub async fn dump(database: &mut PgConnection) -> BTreeMap<String, String> {
    let sql = "SELECT oid::regclass::text FROM pg_class
               WHERE relnamespace IN ('public'::regnamespace, 'recipe_monitoring_state'::regnamespace)
                 AND relkind IN ('r', 'p', 'v', 'm')
                 AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')";
    let relations: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *database).await.unwrap();
    let mut dumps = BTreeMap::new();
    for relation in relations {
        let sql = format!(
            "SELECT coalesce(string_agg(line, E'\\n' ORDER BY line), '')
             FROM (SELECT (to_jsonb(t) - 'age_seconds')::text AS line FROM {relation} AS t) AS lines"
        );
        let text = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *database).await.unwrap();
        dumps.insert(relation, text);
    }
    dumps
}

/// Samples of this hour and of hours before, with all that is made of them.
async fn fill(database: &mut PgConnection) {
    execute(
        database,
        "INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
         SELECT now() - make_interval(mins => 20 * n), 'cpu_usage', n, '{\"host\": \"web\"}' FROM generate_series(0, 99) AS n;
         INSERT INTO alert_history (timestamp, rule_name, severity, category, message)
         VALUES (now(), 'HighCPU', 'warning', 'system', 'CPU > 80 %');
         SELECT refresh_metrics_views()",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_installation_passes_every_check_and_is_the_same_afterwards() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let place = directory.path().join("redis");
    fs::create_dir(&place).unwrap();
    let mut other = Collector::start(&place.join("data"), &UNSAVED).await;
    let mut database = server.database().await;
    let check = |arguments: &[&str]| {
        let mut command = on(&server.url, directory.path(), arguments);
        command.env("REDIS_URL", other.url("REDIS_URL").unwrap()).env_remove("RECIPE_MONITORING_REDIS__ENABLED");
        run(command)
    };
    // Without a mark of this hour, which the check makes, and with one.
    for filled in [false, true] {
        if filled {
            fill(&mut database).await;
        }
        let before = dump(&mut database).await;
        let ended = check(&["check"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        for (number, (result, note)) in checks(&ended) {
            assert_eq!((&*result, &*note), ("ok", ""), "{number}");
        }
        let json: serde_json::Value = serde_json::from_str(&check(&["check", "--json"]).out).unwrap();
        assert_eq!(json["ok"], true);
        assert_eq!(json["checks"].as_array().unwrap().len(), 15);
        assert_eq!(json["checks"][6]["name"], "latest_metrics");
        assert_eq!(dump(&mut database).await, before);
    }
    let left: Option<String> = other.redis().await.get(TEST_NAME).await.unwrap();
    assert_eq!(left, None);
    assert_eq!(other.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_of_an_hour_stays_for_whoever_inserts_beside_the_check() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    let mut other = server.database().await;
    hold_up(&mut database).await;
    let mut check = begin(&server, directory.path());
    wrote_metric(&mut other).await;
    execute(&mut other, "INSERT INTO system_metrics (timestamp, metric_name, metric_value) VALUES (now(), 'x', 1)")
        .await;
    execute(&mut database, "SELECT pg_advisory_unlock_all()").await;
    assert_eq!(ended(&mut check).await, Some(0));
    assert_eq!(number(&mut database, "SELECT count(*) FROM recipe_monitoring_state.hours_to_aggregate").await, 1);
    assert_eq!(number(&mut database, "SELECT count(*) FROM system_metrics").await, 1);
}

/// Stops whoever writes an alert until this connection gives up its locks.
async fn hold_up(database: &mut PgConnection) {
    execute(
        database,
        "SELECT pg_advisory_lock(42);
         CREATE OR REPLACE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$;
         CREATE OR REPLACE TRIGGER hold_up BEFORE INSERT ON alert_history FOR EACH ROW EXECUTE FUNCTION hold_up()",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_is_refreshed_within_the_check_does_not_keep_its_row() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    let mut other = server.database().await;
    fill(&mut database).await;
    let before = dump(&mut database).await;
    hold_up(&mut database).await;
    let mut check = begin(&server, directory.path());
    wrote_metric(&mut other).await;
    execute(&mut other, "SELECT refresh_metrics_views()").await;
    let kept = format!("SELECT count(*) FROM metrics_last_24h WHERE metric_name = '{TEST_NAME}'");
    assert_eq!(number(&mut other, &kept).await, 1);
    execute(&mut database, "SELECT pg_advisory_unlock_all()").await;
    assert_eq!(ended(&mut check).await, Some(0));
    assert_eq!(number(&mut other, &kept).await, 0);
    let after = dump(&mut database).await;
    for (name, text) in before.iter().filter(|(name, _)| *name != "metrics_last_24h") {
        assert_eq!(after[name], *text, "{name}");
    }
}

/// A check to be held up.
fn begin(server: &Server, directory: &Path) -> Child {
    let mut command = on(&server.url, directory, &["check"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

async fn wrote_metric(database: &mut PgConnection) {
    let sql = format!("SELECT count(*) FROM system_metrics WHERE metric_name = '{TEST_NAME}'");
    until("the check is in the middle", async || (number(database, &sql).await > 0).then_some(())).await;
}

async fn ended(child: &mut Child) -> Option<i32> {
    until("the check has ended", async || child.try_wait().unwrap()).await.code()
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_it_removes_its_rows_and_killed_the_next_one_does() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    let mut other = server.database().await;
    fill(&mut database).await;
    execute(&mut database, "DELETE FROM recipe_monitoring_state.hour_marks").await;
    let before = dump(&mut database).await;
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        hold_up(&mut database).await;
        let mut check = begin(&server, directory.path());
        wrote_metric(&mut other).await;
        kill_process(Pid::from_raw(i32::try_from(check.id()).unwrap()).unwrap(), signal).unwrap();
        if signal == Signal::KILL {
            assert_eq!(ended(&mut check).await, None);
            execute(&mut database, "SELECT pg_advisory_unlock_all()").await;
            assert_ne!(dump(&mut other).await, before);
            let again = run(on(&server.url, directory.path(), &["check"]));
            assert_eq!(again.code, Some(0), "{again:?}");
        } else {
            // The check that it was at is not left in the middle; that it has taken the signal shows nowhere.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            execute(&mut database, "SELECT pg_advisory_unlock_all()").await;
            assert_eq!(ended(&mut check).await, Some(1));
            let output = check.wait_with_output().unwrap();
            let out = String::from_utf8(output.stdout).unwrap();
            assert!(out.contains("interrupted") && out.lines().last().unwrap().contains("ok"), "{out}");
        }
        assert_eq!(dump(&mut database).await, before, "{signal:?}");
    }
}

/// As with `| head`: there is nobody to print to, and still nothing stays.
#[tokio::test(flavor = "multi_thread")]
async fn with_nobody_reading_on_it_stops_and_removes_its_rows() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    let mut other = server.database().await;
    let before = dump(&mut database).await;
    hold_up(&mut database).await;
    let mut check = begin(&server, directory.path());
    wrote_metric(&mut other).await;
    drop(check.stdout.take());
    execute(&mut database, "SELECT pg_advisory_unlock_all()").await;
    assert_eq!(ended(&mut check).await, Some(1));
    assert_eq!(dump(&mut database).await, before);
}

/// As if collectors had done all their work on what a killed check has left.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_of_rows_left_behind_is_removed_too() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    fill(&mut database).await;
    for job in ["aggregate", "summarize", "refresh"] {
        assert_eq!(run(on(&server.url, directory.path(), &[job])).code, Some(0));
    }
    let sql = "DELETE FROM recipe_monitoring_state.hour_marks; DELETE FROM recipe_monitoring_state.days_to_summarize;
               UPDATE daily_summaries SET updated_at = 'epoch', created_at = 'epoch'";
    execute(&mut database, sql).await;
    let before = dump(&mut database).await;
    // Of the day before, also in its last hour, and of the last 24 hours.
    let then = "least(now() - INTERVAL '23 hours', date_trunc('day', now(), 'UTC') - INTERVAL '1 second')";
    let left = format!(
        "INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
         VALUES ({then}, '{TEST_NAME}', 1, '{{\"host\": \"web\", \"check\": \"x\"}}');
         INSERT INTO alert_history (timestamp, rule_name, severity, category, message)
         VALUES ({then}, '{TEST_NAME}', 'info', 'check', 'left')"
    );
    execute(&mut database, &left).await;
    for job in ["aggregate", "summarize", "refresh"] {
        assert_eq!(run(on(&server.url, directory.path(), &[job])).code, Some(0));
    }
    let has_test = |dump: &BTreeMap<String, String>| {
        let with = dump.iter().filter(|(_, text)| text.contains(TEST_NAME)).map(|(name, _)| name.clone());
        Vec::from_iter(with.filter(|name| !name.starts_with("system_metrics_")))
    };
    let expected = [
        "active_alerts",
        "alert_history",
        "daily_summaries",
        "latest_metrics",
        "metrics_hourly",
        "metrics_last_24h",
        "recipe_monitoring_state.series",
        "recipe_monitoring_state.series_hourly",
        "recipe_monitoring_state.sightings",
        "system_metrics",
    ];
    assert_eq!(has_test(&dump(&mut database).await), expected);
    let ended = run(on(&server.url, directory.path(), &["check"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let after = dump(&mut database).await;
    assert!(has_test(&after).is_empty());
    let (then, now) = (&before["daily_summaries"], &after["daily_summaries"]);
    assert_eq!(then.matches("\"info\": 0").count(), now.matches("\"info\": 0").count(), "{now}");
    for same in ["system_metrics", "alert_history", "metrics_hourly", "recipe_monitoring_state.series_hourly"] {
        assert_eq!(after[same], before[same], "{same}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_is_on_its_line_with_the_way_out() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    let check = |url: &str| run(on(url, directory.path(), &["check"]));
    let fails = |ended: &Ended, numbers: &[u8], parts: &[&str]| {
        let checks = checks(ended);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let failed: Vec<_> = checks.iter().filter(|(_, (result, _))| result == "FAILED").map(|(n, _)| *n).collect();
        assert_eq!(failed, numbers, "{ended:?}");
        for part in parts {
            assert!(checks[&numbers[0]].1.contains(part), "{ended:?} lacks {part}");
        }
    };
    execute(&mut database, "CREATE ROLE reader LOGIN PASSWORD 'hunter2'").await;
    let password = server.url.split([':', '@']).nth(2).unwrap();
    let reader = server.url.replace("recipe_user:", "reader:").replace(password, "hunter2");
    let ended = check(&reader);
    fails(&ended, &[3, 15], &["reader lacks rights", "ALTER TABLE system_metrics OWNER TO reader;", "administrator"]);
    fails(&check(&server.url.replace(password, "wrong")), &[1], &["refuses the log-in", "pg_hba.conf"]);

    // What is dropped, and which check says so; it is there again before the next one.
    let (history, guards) = ("20261124000002_history.sql", "20261125000001_guards.sql");
    for (drop, again, numbers, parts) in [
        (
            "ALTER VIEW latest_metrics RENAME TO gone",
            "ALTER VIEW gone RENAME TO latest_metrics",
            &[4][..],
            ["latest_metrics", guards],
        ),
        (
            "ALTER VIEW active_alerts RENAME TO gone",
            "ALTER VIEW gone RENAME TO active_alerts",
            &[4],
            ["active_alerts", history],
        ),
        (
            "ALTER FUNCTION get_metric_stats RENAME TO gone",
            "ALTER FUNCTION gone RENAME TO get_metric_stats",
            &[11],
            ["get_metric_stats", "CREATE statement"],
        ),
        (
            "ALTER FUNCTION refresh_metrics_views RENAME TO gone",
            "ALTER FUNCTION gone RENAME TO refresh_metrics_views",
            &[14],
            ["refresh_metrics_views", "CREATE statement"],
        ),
        (
            "ALTER FUNCTION cleanup_old_metrics RENAME TO gone",
            "ALTER FUNCTION gone RENAME TO cleanup_old_metrics",
            &[3],
            ["cleanup_old_metrics", history],
        ),
        (
            "ALTER TABLE system_metrics DISABLE TRIGGER note_samples",
            "ALTER TABLE system_metrics ENABLE TRIGGER note_samples",
            &[3],
            ["note_samples", history],
        ),
        (
            "DROP TRIGGER tell_of_old_annotations ON annotations",
            "CREATE TRIGGER tell_of_old_annotations AFTER DELETE ON annotations REFERENCING OLD TABLE AS changed
             FOR EACH STATEMENT EXECUTE FUNCTION recipe_monitoring_state.tell_of_annotations()",
            &[3],
            ["tell_of_old_annotations", "migrations/20261127000020_annotations.sql"],
        ),
        (
            "ALTER TABLE alert_history RENAME TO gone",
            "ALTER TABLE gone RENAME TO alert_history",
            &[3],
            ["alert_history", history],
        ),
        (
            "DELETE FROM _sqlx_migrations WHERE version = 20261124000002",
            "",
            &[3, 4],
            ["1 migrations", "recipe-monitoring-collector migrate"],
        ),
    ] {
        let before = dump(&mut database).await;
        execute(&mut database, &format!("BEGIN; CREATE TEMP TABLE kept AS TABLE _sqlx_migrations; {drop}; COMMIT"))
            .await;
        fails(&check(&server.url), numbers, &parts);
        let again = if again.is_empty() {
            "INSERT INTO _sqlx_migrations SELECT * FROM kept ON CONFLICT DO NOTHING"
        } else {
            again
        };
        execute(&mut database, &format!("{again}; DROP TABLE kept")).await;
        assert_eq!(dump(&mut database).await, before, "{drop}");
    }

    let mut command = on(&server.url, directory.path(), &["check"]);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    command.env("REDIS_URL", format!("redis://127.0.0.1:{port}")).env_remove("RECIPE_MONITORING_REDIS__ENABLED");
    let ended = run(command);
    fails(&ended, &[2], &["REDIS_URL"]);
    assert_eq!(checks(&ended)[&12], ("skipped".to_owned(), "needs check 2".to_owned()));

    drop(database);
    server.stop();
    let ended = check(&server.url);
    fails(&ended, &[1], &["does not answer", "DATABASE_URL"]);
    assert_eq!(checks(&ended)[&15], ("skipped".to_owned(), "needs check 1".to_owned()));
}

/// The program as it is installed, beside a dashboard and the page's files that are only names.
pub fn installed(directory: &Path) -> PathBuf {
    let (programs, package) = (directory.join("installed/release"), directory.join("installed/site/pkg"));
    fs::create_dir_all(&programs).unwrap();
    fs::create_dir_all(&package).unwrap();
    let own = programs.join("recipe-monitoring-collector");
    if fs::hard_link(crate::helpers::PROGRAM, &own).is_err() {
        fs::copy(crate::helpers::PROGRAM, &own).unwrap();
    }
    let dashboard = programs.join("recipe-monitoring-dashboard");
    fs::write(&dashboard, "").unwrap();
    fs::set_permissions(&dashboard, fs::Permissions::from_mode(0o755)).unwrap();
    for file in ["a.js", "a.wasm", "a.css"] {
        fs::write(package.join(file), "").unwrap();
    }
    own
}

/// `setup` of `database` on the server, with every flag.
pub fn setup(program: &Path, server: &Server, directory: &Path, database: &str, user: &str, password: &str) -> Command {
    let file = directory.join("password");
    fs::write(&file, format!("{password}\n")).unwrap();
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(directory);
    command.args(["setup", "--host"]).arg(server.socket_dir());
    command.args(["--port", "5433", "--database", database, "--user", user]);
    command.args(["--redis-url", "none", "--log-dir", "logs", "--env-file", ".env", "--password-file"]).arg(file);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_by_flags_twice_is_setup_once_and_check_passes_on_it() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let program = installed(directory.path());
    execute(&mut server.database().await, "CREATE DATABASE production").await;
    let password = server.url.split([':', '@']).nth(2).unwrap();
    let setup = || setup(&program, &server, directory.path(), "production", "recipe_user", password);
    let env = directory.path().join(".env");
    let first = run(setup());
    assert_eq!(first.code, Some(0), "{first:?}");
    let names = ["PostgreSQL reachable", "credentials", "migrations", "tables, views and functions", "Redis reachable"];
    for (number, name) in (1..).zip(names.into_iter().chain(["program files", "log folder", "settings file"])) {
        assert!(first.out.contains(&format!("{number}/8 {name} ... ok (")), "{first:?} lacks {name}");
    }
    let written = fs::read_to_string(&env).unwrap();
    let second = run(setup());
    assert_eq!((second.code, fs::read_to_string(&env).unwrap()), (Some(0), written.clone()), "{second:?}");
    assert_eq!(fs::metadata(&env).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(directory.path().join("logs").is_dir());

    let mut check = Command::new(&program);
    check.env_clear().current_dir(directory.path()).args(["check", "--data-dir", "nobody"]);
    let ended = run(check);
    assert_eq!(ended.code, Some(0), "{ended:?}");

    // One that says something else is shown by key, and replaced only when that is agreed to.
    fs::write(&env, "RUST_LOG=debug\nDATABASE_URL=postgres://old:hunter2@elsewhere/db\n").unwrap();
    let refused = run(setup());
    assert_eq!(refused.code, Some(1));
    assert!(refused.out.contains("changes: DATABASE_URL, ") && refused.out.contains("keeps: RUST_LOG"), "{refused:?}");
    assert!(refused.err.contains("--yes") && !format!("{refused:?}").contains("hunter2"), "{refused:?}");
    assert!(fs::read_to_string(&env).unwrap().contains("hunter2"));
    let mut agreed = setup();
    agreed.arg("--yes");
    assert_eq!(run(agreed).code, Some(0));
    let replaced = fs::read_to_string(&env).unwrap();
    assert!(replaced.starts_with("RUST_LOG=debug\nDATABASE_URL=postgres://recipe_user:"), "{replaced}");

    // What is not whole is refused with its remedy.
    fs::remove_file(directory.path().join("installed/site/pkg/a.wasm")).unwrap();
    let ended = run(setup());
    assert!(ended.out.contains("6/8 program files ... FAILED") && ended.err.contains("make run"), "{ended:?}");
    let mut few = Command::new(&program);
    few.env_clear().current_dir(directory.path()).args(["setup", "--host", "localhost"]);
    let ended = run(few);
    assert_eq!((ended.code, &*ended.out), (Some(1), ""), "{ended:?}");
    assert!(ended.err.contains("give --port, --database, --user, --password-file"), "{ended:?}");
}

/// What somebody sees who answers each question with the next answer, on a terminal. `script` makes
/// the terminal, which has no echo of its own while a password is typed.
fn on_a_terminal(program: &Path, directory: &Path, dialogue: &[(&str, &str)]) -> Ended {
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--echo", "always", "--command"]);
    command.arg(format!("{} setup", program.display())).arg("/dev/null");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("TERM", "dumb").current_dir(directory);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut seen, mut read_to) = (String::new(), 0);
    for (question, answer) in dialogue {
        while !seen[read_to..].contains(question) {
            let mut bytes = [0; 1024];
            let count = output.read(&mut bytes).unwrap();
            assert!(count > 0, "it ended before {question:?}: {seen}");
            seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        read_to = seen.len();
        if question.starts_with("Password") {
            // The question comes just before the echo is switched off, which shows nowhere.
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        writeln!(input, "{answer}").unwrap();
    }
    output.read_to_string(&mut seen).unwrap();
    drop(input);
    Ended { code: child.wait().unwrap().code(), out: seen, err: String::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_on_a_terminal_asks_for_everything_and_shows_no_password() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let program = installed(directory.path());
    execute(&mut server.database().await, "CREATE DATABASE production").await;
    let password = server.url.split([':', '@']).nth(2).unwrap();
    let socket = server.socket_dir().display().to_string();
    let questions = [
        ("File to write the settings to [.env]: ", ""),
        ("PostgreSQL's host [localhost]: ", &*socket),
        ("Its port [5432]: ", "5433"),
        ("Database [recipe_db]: ", "production"),
        ("Role [recipe_user]: ", ""),
        ("Password: ", password),
        ("Redis, without its password, or none [redis://127.0.0.1:6379/0]: ", "none"),
        ("Folder for log files [logs]: ", ""),
    ];
    let ended = on_a_terminal(&program, directory.path(), &questions);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("8/8 settings file ... ok (") && ended.out.contains(".env is ready"), "{ended:?}");
    assert!(!ended.out.contains(password), "{ended:?}");
    let written = fs::read_to_string(directory.path().join(".env")).unwrap();
    assert!(written.contains("DATABASE_URL=") && written.contains("/production"), "{written}");

    // The second time its own answers are what is offered, and the password need not be typed.
    let offered = format!("PostgreSQL's host [{socket}]: ");
    let again = [
        ("[.env]: ", ""),
        (&*offered, ""),
        ("Its port [5433]: ", ""),
        ("Database [production]: ", ""),
        ("Role [recipe_user]: ", ""),
        ("Password (empty: the one in use): ", ""),
        ("or none [", "none"),
        ("Folder for log files [", ""),
    ];
    let ended = on_a_terminal(&program, directory.path(), &again);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(fs::read_to_string(directory.path().join(".env")).unwrap(), written);

    // What differs is changed only on a yes.
    let mut other = again;
    other[7].1 = "elsewhere";
    let mut other = other.to_vec();
    other.push(("Change it? [y/N]: ", "n"));
    let ended = on_a_terminal(&program, directory.path(), &other);
    assert!(ended.code == Some(1) && ended.out.contains("was left as it is"), "{ended:?}");
    assert_eq!(fs::read_to_string(directory.path().join(".env")).unwrap(), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_of_a_role_without_rights_prints_the_statements_that_give_them() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let program = installed(directory.path());
    let mut database = server.database().await;
    execute(&mut database, "CREATE ROLE \"app-1\" LOGIN PASSWORD 'hunter2'").await;
    execute(&mut database, "CREATE DATABASE production").await;
    let url = server.url.replace("/recipe_db?", "/production?");
    let mut production = connect(&url).await;
    execute(&mut production, "REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
    let setup = || setup(&program, &server, directory.path(), "production", "app-1", "hunter2");
    let refused = run(setup());
    assert_eq!(refused.code, Some(1));
    assert!(refused.out.ends_with(" ms)\n") && refused.out.contains("3/8 migrations ... FAILED"), "{refused:?}");
    let statements: Vec<_> = refused.err.lines().filter(|line| line.starts_with("  ")).map(str::trim).collect();
    let expected =
        ["GRANT USAGE, CREATE ON SCHEMA public TO \"app-1\";", "GRANT CREATE ON DATABASE production TO \"app-1\";"];
    assert_eq!(statements, expected, "{refused:?}");
    assert!(!directory.path().join(".env").exists());
    for statement in statements {
        execute(&mut production, statement).await;
    }
    let ended = run(setup());
    assert_eq!(ended.code, Some(0), "{ended:?}");

    // Tables that are another role's.
    execute(
        &mut production,
        "ALTER TABLE metrics_raw OWNER TO recipe_user; ALTER MATERIALIZED VIEW metrics_last_24h OWNER TO recipe_user",
    )
    .await;
    let refused = run(setup());
    let statements: Vec<_> = refused.err.lines().filter(|line| line.starts_with("  ")).map(str::trim).collect();
    let expected = [
        "ALTER MATERIALIZED VIEW metrics_last_24h OWNER TO \"app-1\";",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE metrics_raw TO \"app-1\";",
        "GRANT USAGE ON SEQUENCE metrics_raw_id_seq TO \"app-1\";",
    ];
    assert_eq!(statements, expected, "{refused:?}");
    for statement in statements {
        execute(&mut production, statement).await;
    }
    assert_eq!(run(setup()).code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_job_by_hand_works_beside_a_running_collector_and_changes_nothing_the_second_time() {
    let directory = directory();
    let mut collector = Collector::start(&directory.path().join("data"), &UNSAVED).await;
    let mut database = collector.database().await;
    let data_dir = collector.data_dir.to_str().unwrap().to_owned();
    let by_hand = |job: &str| {
        let ended = run(program(&[job, "--data-dir", &data_dir]));
        // How far it has come is said elsewhere.
        assert_eq!((ended.code, ended.out.lines().count()), (Some(0), 1), "{ended:?}");
        if !["save", "collect"].contains(&job) {
            assert!(ended.err.starts_with(&format!("{job}: ")), "{ended:?}");
        }
        ended.out
    };
    collector.has_read().await;
    a_sample_waits(&collector).await;
    let saved = by_hand("save");
    assert!(saved.starts_with("save: ") && saved != "save: 0 records\n", "{saved}");
    assert!(collector.log().contains("asked to save by signal"));
    assert!(number(&mut database, "SELECT count(*) FROM system_metrics").await > 0);

    let raw = "SELECT count(*) FROM metrics_raw WHERE metric_type = 'system' AND data ? 'cpu_usage'";
    let before = number(&mut database, raw).await;
    let collected = by_hand("collect");
    assert!(collected.starts_with("collect: system at 2"), "{collected}");
    // Of a minute that the collector has not taken itself.
    let new = i64::from(collected.ends_with("1 rows new\n"));
    assert_eq!(number(&mut database, raw).await, before + new);

    let old = "INSERT INTO system_metrics (timestamp, metric_name, metric_value)
               SELECT now() - make_interval(hours => n), 'old', n FROM generate_series(1, 1000) AS n";
    execute(&mut database, old).await;
    let tables = ["system_metrics", "metrics_hourly", "daily_summaries", "metrics_last_24h", "metrics_raw"];
    for job in ["partitions", "aggregate", "summarize", "cleanup", "refresh"] {
        let first = by_hand(job);
        let before = dump(&mut database).await;
        let second = by_hand(job);
        let after = dump(&mut database).await;
        for table in tables {
            let same = |text: &str| {
                text.lines().filter(|line| line.contains("\"old\"")).map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(same(&before[table]), same(&after[table]), "{job} {table}");
        }
        if job == "aggregate" {
            assert_eq!(second, "aggregate: 0 hours, 0 rows new or changed\n", "{first}");
            assert_ne!(first, second);
        }
    }
    assert!(number(&mut database, "SELECT count(*) FROM daily_summaries").await > 30);
    drop(database);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_work_says_where_nobody_sees_a_bar_that_it_has_begun_and_goes_on() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    let migrate = run(on(&server.url, directory.path(), &["migrate"]));
    assert_eq!((migrate.code, &*migrate.err), (Some(0), "migrate: begun\n"), "{migrate:?}");
    for job in ["partitions", "refresh", "summarize", "cleanup"] {
        // As if another were at it; it says so before it has waited for its turn.
        let lock = format!("SELECT pg_advisory_lock(hashtext('recipe_monitoring job'), hashtext('{job}'))");
        execute(&mut database, &lock).await;
        let mut command = on(&server.url, directory.path(), &[job]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), format!("{job}: begun"));
        if job == "cleanup" {
            assert_eq!(lines.next().unwrap().unwrap(), "cleanup: going on for 10 s");
        }
        execute(&mut database, "SELECT pg_advisory_unlock_all()").await;
        assert_eq!(ended(&mut child).await, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn save_alone_takes_what_a_killed_collector_left_and_nothing_the_second_time() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    let place = directory.path().join("place");
    fs::create_dir(&place).unwrap();
    let mut command = program(&[]);
    command.env("DATABASE_URL", &server.url);
    let without = [&UNSAVED[..], &["--set", "redis.enabled=false"]].concat();
    let mut collector = Collector::start_as(command, &place.join("data"), &without).await;
    a_sample_waits(&collector).await;
    assert_eq!(collector.end(Signal::KILL).await, None);
    // That of the start was the only one.
    assert_eq!(collector.log().matches("\"job\":\"save\"").count(), 1);
    let samples = "SELECT count(*) FROM system_metrics";
    let before = number(&mut database, samples).await;
    let save = || {
        let mut command = program(&["save", "--data-dir", collector.data_dir.to_str().unwrap()]);
        command.env("DATABASE_URL", &server.url);
        run(command)
    };
    let first = save();
    assert_eq!((first.code, first.out != "save: 0 records\n"), (Some(0), true), "{first:?}");
    let saved = number(&mut database, samples).await;
    assert!(saved > before);
    let second = save();
    assert_eq!((second.code, &*second.out), (Some(0), "save: 0 records\n"), "{second:?}");
    assert_eq!(number(&mut database, samples).await, saved);
}

#[test]
fn a_job_without_a_database_says_where_one_would_be() {
    let directory = directory();
    let data_dir = directory.path().join("data");
    for job in ["collect", "aggregate", "refresh", "summarize", "cleanup", "partitions"] {
        let ended = run(program(&[job, "--data-dir", data_dir.to_str().unwrap()]));
        assert_eq!(ended.code, Some(1));
        assert!(ended.err.contains("DATABASE_URL") && ended.err.contains(data_dir.to_str().unwrap()), "{ended:?}");
    }
    let ended = run(program(&["check", "--data-dir", data_dir.to_str().unwrap()]));
    assert_eq!((ended.code, checks(&ended)[&1].0.as_str()), (Some(1), "FAILED"));
}
