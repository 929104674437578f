//! The support bundle: what helps is in it, no secret is, and nothing has to run for it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use collector::access::{Access, Issued, Lives, NewSession, Passwords, Role, Scope, Token};
use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;

use crate::helpers::{Collector, directory, execute, outcome, program, until};

/// One for each place that may hold a secret; all begin alike, so that none of them is overlooked.
fn plant(number: u32) -> String {
    format!("PLANTED{number:02}x7Q")
}

/// Writes a file that only we may read.
fn secret_file(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

/// A secret in every setting, variable, URL and file that may have one.
fn installation(directory: &Path) -> Command {
    let file = |name: &str, number| secret_file(directory, name, &(plant(number) + "\n")).display().to_string();
    let key = format!("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq{}\n-----END PRIVATE KEY-----\n", plant(1));
    let key = secret_file(directory, "key.pem", &key);
    let hook = secret_file(directory, "hook", &format!("https://hooks.example.com/services/{}", plant(2)));
    let settings = format!(
        r#"
[application]
targets = [
    {{ url = "http://127.0.0.1:9/metrics", job = "a", bearer_token = "{}" }},
    {{ url = "http://127.0.0.1:8/metrics", job = "b", username = "u", password = "{}" }},
    {{ url = "http://127.0.0.1:7/metrics", job = "c", bearer_token_file = "{}" }},
    {{ url = "http://127.0.0.1:6/metrics", job = "d", username = "u", password_file = "{}" }},
]
[business]
database_url = "postgres://u:{}@127.0.0.1:1/x"
[notify]
heartbeat_url = "https://hc.example.com/ping/{}"
[notify.receivers.slack]
kind = "slack"
url = "https://hooks.example.com/{}"
[notify.receivers.slack-file]
kind = "slack"
url_file = "{}"
[notify.receivers.hook]
kind = "webhook"
url = "https://u:{}@example.com/in?key={}"
secret = "{}"
[notify.receivers.hook-file]
kind = "webhook"
url = "https://example.com/in"
secret_file = "{}"
[notify.receivers.mail]
kind = "email"
smtp = "127.0.0.1:2525"
username = "u"
password_file = "{}"
from = "a@example.com"
to = ["b@example.com"]
[server]
tls_certificate = "cert.pem"
tls_key = "{}"
[live]
push = "never {}"
"#,
        plant(3),
        plant(4),
        file("bearer", 5),
        file("basic", 6),
        plant(7),
        plant(8),
        plant(9),
        hook.display(),
        plant(10),
        plant(11),
        plant(12),
        file("webhook", 13),
        file("smtp", 14),
        key.display(),
        // No secret, but what somebody has mistyped.
        "said",
    );
    fs::write(directory.join("recipe-monitoring.toml"), settings).unwrap();
    fs::write(
        directory.join("recipe-monitoring-rules.toml"),
        format!(
            "[[rule]]\nalert = \"HighCPU\"\nexpr = 'cpu_usage > 90'\nrunbook_url = \"https://u:{}@wiki.example.com/\"\n",
            plant(15)
        ),
    )
    .unwrap();
    secret_file(
        directory,
        ".env",
        &format!("REDIS_PASSWORD={}\nRECIPE_MONITORING_NOTIFY__RECEIVERS__MAIL__PASSWORD={}\n", plant(16), plant(17)),
    );
    let redis = secret_file(directory, "redis-url", &format!("redis://:{}@127.0.0.1:1/0\n", plant(18)));
    let mut command = program(&["support", "--output"]);
    command.arg(directory.join("bundle.tar.gz")).current_dir(directory);
    command.arg("--data-dir").arg(directory.join("data"));
    command.env("REDIS_URL_FILE", redis).env("HOME", directory).env("PGPASSWORD", plant(19));
    command.env("HTTPS_PROXY", format!("http://u:{}@proxy.example.com:3128", plant(20)));
    command
}

/// What is in the bundle: names and texts.
fn unpacked(directory: &Path) -> Vec<(String, String)> {
    let path = directory.join("bundle.tar.gz");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let place = directory.join("unpacked");
    fs::create_dir_all(&place).unwrap();
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(&path).arg("-C").arg(&place);
    let ended = outcome(tar);
    assert!(ended.status.success(), "{ended:?}");
    let root = place.join("bundle");
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            files.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

fn of<'a>(files: &'a [(String, String)], name: &str) -> &'a str {
    let found = files.iter().find(|(known, _)| known == name);
    &found
        .unwrap_or_else(|| panic!("{name} is not among {:?}", files.iter().map(|(name, _)| name).collect::<Vec<_>>()))
        .1
}

fn has_none(files: &[(String, String)], secrets: &[String]) {
    for (name, text) in files {
        for secret in secrets {
            assert!(!text.contains(secret.as_str()), "{secret} is in {name}");
        }
        assert!(!text.contains("PLANTED"), "a planted secret is in {name}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_runs_it_says_so_and_has_no_secret() {
    let directory = directory();
    let (place, data_dir) = (directory.path(), directory.path().join("data"));
    let mut command = installation(place);
    command.env("DATABASE_URL", format!("postgres://u:{}@127.0.0.1:1/recipe_db", plant(21)));
    // Users, sessions, tokens, and logs of PM2 that tell more than they should.
    fs::create_dir_all(&data_dir).unwrap();
    let token = Issued::token().unwrap();
    let session = Issued::session().unwrap();
    let hash = Passwords::new().unwrap().hash(plant(22)).await.unwrap();
    let now = Timestamp::now();
    let changed = Access::open(&data_dir).unwrap().change(|contents| {
        contents.add_user("mika", Role::Admin, hash, now)?;
        let lives = Lives { whole: SignedDuration::from_hours(9), idle: SignedDuration::from_hours(9) };
        let new = NewSession { digest: session.digest(), address: "::1".to_owned(), agent: "a test".to_owned() };
        contents.log_in("mika", new, lives, now)?;
        let (digest, name) = (token.digest(), "ci".to_owned());
        let (scopes, created_by) = (vec![Scope::Read], "mika".to_owned());
        contents.add_token(Token { digest, name, scopes, created_at: now, created_by, expires_at: None }, now)
    });
    changed.unwrap();
    fs::create_dir_all(place.join(".pm2/logs")).unwrap();
    let log = format!(
        "{{\"message\":\"a\",\"url\":\"postgres://u:{}@h/d\"}}\n{{\"message\":\"nobody can log in yet\",\"token\":\"0123456789abcdef\"}}\n\
         sent to https://hooks.example.com/services/{} with Authorization: Bearer {}\n",
        plant(21),
        plant(2),
        token.expose(),
    );
    fs::write(place.join(".pm2/logs/recipe-monitoring-dashboard-error.log"), log).unwrap();
    let ended = outcome(command);
    assert!(ended.status.success(), "{ended:?}");
    let said = String::from_utf8(ended.stdout).unwrap();
    assert!(said.contains("bundle.tar.gz: ") && said.contains("doctor.json"), "{said}");

    let files = unpacked(place);
    let kept = fs::read_to_string(data_dir.join("access.json")).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    let mut secrets = vec![token.expose().to_owned(), token.expose()[4..].to_owned(), "0123456789abcdef".to_owned()];
    texts(&kept, &mut secrets);
    has_none(&files, &secrets);
    for (name, part) in [
        ("README.txt", "Support bundle of recipe-monitoring "),
        ("versions.json", env!("CARGO_PKG_VERSION")),
        ("host.txt", "## /proc/meminfo"),
        ("settings.toml", "[application]"),
        // The rest of them are not as they were meant.
        ("settings.toml", "# refused: setting live.push = \"never said\""),
        ("rules.toml", "cpu_usage > 90"),
        ("doctor.json", "\"id\": \"postgresql\""),
        ("collector/health.json", "recipe-monitoring-collector does not answer"),
        ("dashboard/health.json", "recipe-monitoring-dashboard does not answer"),
        ("dashboard/readyz.txt", "the dashboard does not answer"),
        ("postgresql/schema.json", "\"missing\""),
        ("data_directory.txt", "access.json"),
        ("logs/recipe-monitoring-dashboard-error.log", "nobody can log in yet"),
    ] {
        assert!(of(&files, name).contains(part), "{part} is not in {name}: {}", of(&files, name));
    }
    // It is no other one's place.
    let again = outcome(installation(place));
    let error = String::from_utf8(again.stderr).unwrap();
    assert!(!again.status.success() && error.contains("--output"), "{error}");
}

/// All texts and names in it that are long enough to be secrets.
fn texts(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                found.extend(Some(name.clone()).filter(|name| name.len() >= 32));
                texts(value, found);
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        serde_json::Value::String(text) if text.len() >= 32 => found.push(text.clone()),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_collector_it_has_its_numbers_and_what_postgresql_knows() {
    let directory = directory();
    let settings = ["live.push=1s", "schedule.first_save=0s", "application.enabled=false", "business.enabled=false"];
    let settings = settings.map(|setting| ["--set", setting]);
    let mut collector = Collector::start(&directory.path().join("data"), settings.as_flattened()).await;
    let mut database = collector.database().await;
    let fired = "INSERT INTO alert_history (timestamp, rule_name, severity, category, message, metrics_snapshot, resolved) \
                 VALUES (now(), 'HighCPU', 'warning', 'system', 'PLANTED in a message', '{}', false)";
    execute(&mut database, fired).await;
    let bundle = || {
        let _ = fs::remove_file(directory.path().join("bundle.tar.gz"));
        let mut command = program(&["support", "--output"]);
        command.arg(directory.path().join("bundle.tar.gz")).arg("--data-dir").arg(&collector.data_dir);
        let ended = outcome(command);
        assert!(ended.status.success(), "{ended:?}");
        unpacked(directory.path())
    };
    let files = until("a reading is counted", async || {
        let files = bundle();
        let counted = of(&files, "collector/metrics.txt").contains("\nrecipe_monitoring_readings_total 0\n");
        (!counted).then_some(files)
    })
    .await;
    let url = collector.url("DATABASE_URL").unwrap();
    let password = url.split([':', '@']).nth(2).unwrap().to_owned();
    has_none(&files, &[url.clone(), password]);
    for (name, parts) in [
        ("collector/health.json", &["\"role\": \"collector\"", "\"postgresql\"", "\"reloaded\""][..]),
        ("collector/metrics.txt", &["process_resident_memory_bytes", "recipe_monitoring_save_duration_seconds_count"]),
        ("postgresql/schema.json", &["\"name\": \"system_metrics\"", "20261124000001", "PostgreSQL 1"]),
        ("postgresql/alerts.json", &["\"rule_name\": \"HighCPU\"", "\"fired_at\""]),
        ("logs/postgres.log", &["database system is ready to accept connections"]),
    ] {
        for part in parts {
            assert!(of(&files, name).contains(part), "{part} is not in {name}: {}", of(&files, name));
        }
    }
    assert!(collector.is_running());
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
