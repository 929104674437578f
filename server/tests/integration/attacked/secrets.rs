//! Secrets, planted in every setting that is one and looked for in everything that the program says: answers, logs,
//! metrics, files, and what a panic would print.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use collector::Settings;
use collector::access::Scope;
use collector::config::{Flags, Sources};
use jiff::SignedDuration;
use rustix::process::Signal;
use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::line::Line;
use super::parameters::templates;
use crate::access::{FORM, session, token, with_users};
use crate::helpers::{Dashboard, Place, outcome, until};

/// Every secret setting there is, file by file below collector/src/config, with what is planted there.
const PLANTED: [(&str, &str, &str); 10] = [
    ("application.rs", "bearer_token", "PLANTEDscrapetoken"),
    ("application.rs", "password", "PLANTEDscrapeword"),
    ("business.rs", "database_url", "PLANTEDbusiness"),
    ("database.rs", "url", "PLANTEDpostgres"),
    ("notify.rs", "heartbeat_url", "PLANTEDheartbeat"),
    ("notify/receiver.rs", "password", "PLANTEDmail"),
    ("notify/receiver.rs", "secret", "PLANTEDsignature"),
    ("notify/receiver.rs", "url", "PLANTEDhook"),
    ("redis.rs", "password", "PLANTEDrediskey"),
    ("redis.rs", "url", "PLANTEDredisurl"),
];
/// "user:PLANTEDscrapeword" and "\0user\0PLANTEDmail", as they go over the wire.
const CODED: [&str; 2] = ["dXNlcjpQTEFOVEVEc2NyYXBld29yZA", "AHVzZXIAUExBTlRFRG1haWw"];
/// What people and programs send of themselves.
const TYPED: [&str; 3] = ["PLANTEDlogin", "PLANTEDfirst", "PLANTEDrenewed"];

/// File and name of every field that is a `Secret`, as the source has them.
fn in_source() -> BTreeSet<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../collector/src/config");
    let mut folders = vec![root.clone()];
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let fields = text.lines().filter_map(|line| {
                let line = line.trim().trim_start_matches("pub ");
                line.strip_suffix(": Secret,")
                    .filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
            });
            let file = path.strip_prefix(&root).unwrap().display().to_string();
            found.extend(fields.map(|name| (file.clone(), name.to_owned())));
        }
    }
    found
}

/// A server that repeats in an error all that it was told, and remembers it.
struct Echo {
    port: u16,
    heard: Arc<Mutex<String>>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let echo = Self { port: listener.local_addr().unwrap().port(), heard: Arc::default() };
        let heard = Arc::clone(&echo.heard);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let heard = Arc::clone(&heard);
                tokio::spawn(async move {
                    let mut buffer = vec![0; 16 << 10];
                    // Who sends mail waits to be greeted.
                    let read = tokio::time::timeout(Duration::from_secs(1), stream.read(&mut buffer)).await;
                    let length = read.map_or(0, Result::unwrap_or_default);
                    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    heard.lock().unwrap().push_str(&text);
                    let length = text.len();
                    let head = format!("HTTP/1.1 404 No\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                    let _ = stream.write_all((head + &text).as_bytes()).await;
                });
            }
        });
        echo
    }
}

/// PostgreSQL and Redis with a user `planted` each, whose passwords can be changed.
struct Stores {
    database: PgConnection,
    /// After `user:password@`.
    at: String,
    redis: String,
    redis_password: String,
}

impl Stores {
    async fn of(place: &Place) -> Self {
        let storage =
            collector::config::Storage { data_dir: place.data_dir(), ..collector::config::Storage::default() };
        let connections = collector::embedded::running(&storage).unwrap().unwrap();
        let (url, redis) = (connections.database_url.unwrap(), connections.redis_url.unwrap());
        let mut database = PgConnection::connect(&url).await.unwrap();
        for sql in
            ["CREATE ROLE planted LOGIN SUPERUSER PASSWORD 'PLANTEDpostgres'", "CREATE DATABASE planted OWNER planted"]
        {
            sqlx::query(sql).execute(&mut database).await.unwrap();
        }
        let (_, at) = url.split_once('@').unwrap();
        let at = at.replace("/recipe_db", "/planted");
        let (login, redis) = redis.rsplit_once('@').unwrap();
        let redis_password = login.rsplit_once(':').unwrap().1.to_owned();
        let stores = Self { database, at, redis: redis.trim_end_matches("/0").to_owned(), redis_password };
        stores.redis("ACL SETUSER planted on >PLANTEDredisurl ~* &* +@all").await;
        stores
    }

    async fn redis(&self, command: &str) {
        let mut stream = TcpStream::connect(&self.redis).await.unwrap();
        let text = format!("AUTH {}\r\n{command}\r\nQUIT\r\n", self.redis_password);
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(!answer.contains("-ERR") && !answer.contains("-WRONG"), "{command}: {answer}");
    }

    /// Other passwords than the settings have.
    async fn change(&mut self) {
        for sql in [
            "ALTER ROLE planted PASSWORD 'another'",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'planted'",
        ] {
            sqlx::query(sql).execute(&mut self.database).await.unwrap();
        }
        self.redis("ACL SETUSER planted resetpass >another").await;
        self.redis("CLIENT KILL USER planted").await;
    }
}

/// The settings with a secret in each place.
fn settings(stores: &Stores, port: u16) -> String {
    let (at, redis) = (&stores.at, &stores.redis);
    format!(
        "[database]\nurl = 'postgres://planted:PLANTEDpostgres@{at}'\n\
         [redis]\nurl = 'redis://planted:PLANTEDredisurl@{redis}/0'\npassword = 'PLANTEDrediskey'\n\
         [live]\npush = '1s'\n[sampling]\nsystem = '1s'\napplication = '1s'\nbusiness = '1s'\n\
         [backup]\nschedule = 'off'\n\
         [business]\ndatabase_url = 'postgres://planted:PLANTEDbusiness@{at}'\n\
         [[business.metrics]]\nname = 'orders'\nsql = 'SELECT 1 WHERE $1 < $2'\n\
         [[application.targets]]\nurl = 'http://127.0.0.1:{port}/a'\nbearer_token = 'PLANTEDscrapetoken'\n\
         [[application.targets]]\nurl = 'http://127.0.0.1:{port}/b'\nusername = 'user'\npassword = 'PLANTEDscrapeword'\n\
         [notify]\nheartbeat_url = 'http://127.0.0.1:{port}/PLANTEDheartbeat'\nheartbeat = '10s'\nheartbeat_allow_private = true\n\
         [notify.receivers.hook]\nkind = 'webhook'\nallow_private = true\nurl = 'http://127.0.0.1:{port}/PLANTEDhook'\nsecret = 'PLANTEDsignature'\n\
         [notify.receivers.mail]\nkind = 'email'\nallow_private = true\nsmtp = '127.0.0.1:{port}'\ntls = 'none'\nfrom = 'a@example.com'\nto = ['b@example.com']\n\
         username = 'user'\npassword = 'PLANTEDmail'\n"
    )
}

#[test]
fn every_secret_setting_has_something_planted_here() {
    let known: BTreeSet<_> = PLANTED.iter().map(|(file, name, _)| ((*file).to_owned(), (*name).to_owned())).collect();
    assert_eq!(in_source(), known, "plant something in each");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_said_by_anything_whatever_goes_wrong() {
    let around = Place::new();
    let stores_of = Dashboard::start(&around, &[]).await;
    let mut stores = Stores::of(&around).await;
    let place = Place::new();
    let file = place.path().join("settings.toml");
    let echo = Echo::start().await;
    std::fs::write(&file, settings(&stores, echo.port)).unwrap();
    let access = with_users(&place).await;
    let started = ["--config", "settings.toml", "--set", "log.filter=trace"];
    let mut dashboard = Dashboard::start(&place, &started).await;
    let admin = session(&access, "admin", SignedDuration::ZERO);
    let program = token(&access, "ci", Scope::Operate, SignedDuration::from_hours(1));
    let mut said: Vec<(String, String)> = Vec::new();

    let ready =
        until("all is up", async || Some(dashboard.get("/readyz", &[]).await).filter(|it| it.status == 200)).await;
    assert_eq!(ready.json()["parts"]["redis"]["state"], "up", "{}", ready.body);
    for name in ["hook", "mail"] {
        let test = dashboard.request(&format!("POST /api/v1/receivers/{name}/test"), &[&program], "").await;
        assert_eq!(test.status, 502, "{}", test.body);
        said.push((format!("test of {name}"), test.body));
    }
    until("a heartbeat was sent", async || dashboard.running.logged("the heartbeat does not arrive").map(drop)).await;
    for password in TYPED {
        let body = format!("name=admin&password={password}");
        said.push(("log-in".to_owned(), dashboard.request("POST /login", &[FORM], &body).await.body));
    }
    everything(&dashboard, &admin, &mut said).await;
    stores.change().await;
    until("the stores refuse", async || {
        let parts = dashboard.get("/readyz", &[]).await.json()["parts"].clone();
        let is_down = |part: &str| parts[part]["state"] == "down";
        (is_down("postgresql") && is_down("redis")).then_some(())
    })
    .await;
    everything(&dashboard, &admin, &mut said).await;
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));

    // They were used.
    let heard = echo.heard.lock().unwrap().clone();
    for used in ["PLANTEDscrapetoken", CODED[0], "PLANTEDheartbeat", "PLANTEDhook"] {
        assert!(heard.contains(used), "{used} was never sent");
    }
    let log = dashboard.running.log();
    assert!(log.contains("\"TRACE\"") && log.len() > 100_000);
    said.push(("log".to_owned(), log));
    for file in ["alerts.json", "access.json", "audit.jsonl", "audit.moving.jsonl", "database"] {
        said.push((file.to_owned(), std::fs::read_to_string(place.data_dir().join(file)).unwrap_or_default()));
    }
    said.extend(starts_that_fail());
    let sources = Sources {
        directory: place.path().to_owned(),
        flags: Flags { config: Some(PathBuf::from("settings.toml")), ..Flags::default() },
        ..Sources::default()
    };
    let loaded = Settings::load(&sources).unwrap();
    let shown = format!("{loaded:?}");
    assert!(shown.contains("hook"), "{shown}");
    said.push(("panic".to_owned(), shown));
    said.push(("settings".to_owned(), serde_json::to_string(&loaded).unwrap()));

    let session = admin.rsplit('=').next().unwrap();
    let bearer = program.rsplit(' ').next().unwrap();
    let secrets = PLANTED.iter().map(|(.., secret)| *secret).chain(TYPED).chain(CODED).chain([session, bearer]);
    let secrets: Vec<_> = secrets.collect();
    assert!(said.len() > 80, "{}", said.len());
    for (place, text) in &said {
        for line in text.lines() {
            for secret in &secrets {
                assert!(!line.contains(secret), "{place} says {secret}: {line}");
            }
        }
    }
    drop(stores_of);
}

/// What every route answers, to what is right and to what is wrong.
async fn everything(dashboard: &Dashboard, admin: &str, said: &mut Vec<(String, String)>) {
    let openapi = dashboard.get("/api/v1/openapi.json", &[admin]).await.json();
    let mut line = Line::to(&dashboard.host);
    for template in templates(&openapi) {
        if ["/logout", "/login", "/first-admin"].contains(&template.path.as_str()) || template.path.ends_with("/test") {
            continue;
        }
        let wrong = template.places().into_iter().map(|place| template.with(&place, "'\0"));
        for request in std::iter::once(template.clone()).chain(wrong) {
            let headers = format!("{admin}\r\nAccept-Language: en\r\n");
            let answer = line.ask(&request.bytes(&dashboard.host, &headers)).await.unwrap();
            said.push((format!("{} {}", request.method, request.target()), answer.headers + &answer.body));
        }
    }
}

/// What is said where the program does not even start.
fn starts_that_fail() -> Vec<(String, String)> {
    let unreachable = "database.url=postgres://planted:PLANTEDpostgres@127.0.0.1:1/planted";
    let cases = [
        unreachable,
        "database.url=postgres://planted:PLANTEDpostgres@[broken/planted",
        "database.url=mysql://planted:PLANTEDpostgres@127.0.0.1/planted",
        "database.ulr=postgres://planted:PLANTEDpostgres@127.0.0.1/planted",
        "redis.url=PLANTEDredisurl",
        "redis.pasword=PLANTEDrediskey",
        "application.targets=[\"http://user:PLANTEDscrapeword@127.0.0.1:1/metrics\"]",
        "application.targets=[{url=\"http://127.0.0.1:1/\",bearer_token=[\"PLANTEDscrapetoken\"]}]",
        "notify.heartbeat_url=ftp://PLANTEDheartbeat",
        "notify.receivers.hook.url=PLANTEDhook",
        "notify.receivers={hook={kind=\"webhook\",url=\"PLANTEDhook\"}}",
        "notify.receivers={hook={kind=\"webhook\",url=[\"PLANTEDhook\"]}}",
    ];
    let start = |case: &&str| {
        let place = Place::new();
        let output = outcome(place.program(&["--set", case]));
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.code() == Some(1) && !text.contains("Usage"), "{case}: {text}");
        ("start".to_owned(), text)
    };
    let said: Vec<_> = cases.iter().map(start).collect();

    said
}
