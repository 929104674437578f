//! SQL in every place of every request: PostgreSQL must see no statement that it does not see without.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use sqlx::{Connection, PgConnection};

use super::line::Line;
use super::no_rules;
use super::parameters::{Template, templates};
use crate::access::{session, with_users};
use crate::helpers::{Dashboard, Place, until};

/// What ends a literal, a name, a comment or a statement, or begins another one; what is too large, of another type, or no
/// text to PostgreSQL at all.
const ATTACKS: [&str; 18] = [
    "'",
    "\"",
    "\\'",
    ";",
    "/*",
    "$1",
    "%_",
    "\0",
    "' OR 1=1 -- ",
    "'; DROP TABLE system_metrics; --",
    "\"; DROP TABLE system_metrics; --",
    "1; SELECT pg_sleep(30)",
    "') UNION SELECT usename, passwd FROM pg_shadow --",
    "$$; COPY (SELECT '') TO PROGRAM 'touch /tmp/planted' --",
    "1e999",
    "-99999999999999999999",
    "０１\u{2019}\u{ff07}",
    "'||(SELECT current_user)||'",
];

/// Tables that attacks would like to be rid of, or to have more in.
const TABLES: [&str; 6] =
    ["system_metrics", "metrics_hourly", "alert_history", "annotations", "business_events", "audit_log"];

async fn database(place: &Place) -> PgConnection {
    let storage = collector::config::Storage { data_dir: place.data_dir(), ..collector::config::Storage::default() };
    let connections = collector::embedded::running(&storage).unwrap().unwrap();
    PgConnection::connect(&connections.database_url.unwrap()).await.unwrap()
}

/// The statements that were run on the database since the last reset, by their normalised form; not the tests' own.
async fn statements(database: &mut PgConnection) -> BTreeMap<i64, String> {
    let sql = "SELECT queryid, query FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database \
               WHERE datname = current_database()) AND query NOT LIKE '%pg_stat_statements%'";
    let rows: Vec<(i64, String)> = sqlx::query_as(sql).fetch_all(database).await.unwrap();
    rows.into_iter().collect()
}

async fn count(database: &mut PgConnection, table: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    sqlx::query_scalar(sql).fetch_one(database).await.unwrap()
}

/// What PostgreSQL says went wrong.
fn errors(place: &Place) -> Vec<String> {
    let log = std::fs::read_to_string(place.data_dir().join("log/postgres.log")).unwrap();
    log.lines().filter(|line| line.contains("ERROR:") || line.contains("FATAL:")).map(str::to_owned).collect()
}

/// Nothing that the timetable does, or that an alert brings about, falls into the test: those have statements of their own.
fn quiet(place: &Place) -> Vec<String> {
    no_rules(place);
    let minute = (Timestamp::now().as_second() / 60 + 12 * 60) % (24 * 60);
    let away = format!("{:02}:{:02}", minute / 60, minute % 60);
    [
        "schedule.time_zone=UTC".to_owned(),
        format!("schedule.daily_at={away}"),
        format!("schedule.aggregate_delay={}m", if minute % 60 < 40 { 50 } else { 20 }),
        "schedule.save=1s".to_owned(),
        "schedule.collect=1s".to_owned(),
        "live.push=1s".to_owned(),
        "sampling.system=1s".to_owned(),
        "backup.schedule=off".to_owned(),
    ]
    .into_iter()
    .flat_map(|setting| ["--set".to_owned(), setting])
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_in_any_place_becomes_a_statement() {
    let place = Place::new();
    let access = with_users(&place).await;
    let arguments = quiet(&place);
    let dashboard = Dashboard::start(&place, &arguments.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let openapi = {
        let admin = session(&access, "admin", SignedDuration::ZERO);
        dashboard.get("/api/v1/openapi.json", &[&admin]).await.json()
    };
    let templates = templates(&openapi);
    let mut database = database(&place).await;
    let mut line = Line::to(&dashboard.host);
    let headers = {
        // A session of its own for each request that may end one.
        let access = &access;
        move || {
            let admin = session(access, "admin", SignedDuration::ZERO);
            format!("{admin}\r\nAccept: text/html\r\nAccept-Language: en\r\n")
        }
    };
    let mut kept = headers();
    let mut ask = async |line: &mut Line, request: &Template| {
        let answer = line.ask(&request.bytes(&dashboard.host, &kept)).await;
        if request.path == "/logout" || request.path == "/account" {
            kept = headers();
        }
        answer.unwrap_or_else(|| panic!("no answer to {request:?}"))
    };

    for table in TABLES {
        count(&mut database, table).await;
    }

    // What is run without an attack: all of it as it should be, until there is nothing new.
    let (mut known, started) = (BTreeMap::new(), Instant::now());
    let mut quiet_since = Instant::now();
    while quiet_since.elapsed() < Duration::from_secs(6) {
        assert!(started.elapsed() < Duration::from_secs(60), "there is always something new: {known:#?}");
        for template in &templates {
            // Once as it is, and once with nothing in each of its places.
            ask(&mut line, template).await;
            for at in template.places() {
                ask(&mut line, &template.with(&at, "")).await;
            }
        }
        let before = known.len();
        known.extend(statements(&mut database).await);
        if known.len() > before {
            quiet_since = Instant::now();
        }
    }
    // At the start and once a minute it looks by itself which statements take most time.
    while !known.values().any(|statement| statement.contains("quote_ident(nspname)")) {
        assert!(started.elapsed() < Duration::from_secs(120), "nothing looks at statements: {known:#?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        known.extend(statements(&mut database).await);
    }
    let mut counts = Vec::new();
    for table in TABLES {
        counts.push(count(&mut database, table).await);
    }
    let said = errors(&place).len();

    let mut attacks = 0;
    for template in &templates {
        for at in template.places() {
            for attack in ATTACKS {
                let request = template.with(&at, attack);
                let answer = ask(&mut line, &request).await;
                assert!(answer.status < 500, "{request:?}: {answer:?}");
                attacks += 1;
            }
        }
    }
    assert!(attacks > 1_000, "{attacks}");
    // What was pushed and what is noted of it is in PostgreSQL, too.
    let noted = count(&mut database, "audit_log").await;
    until("the audit log is written", async || (!place.data_dir().join("audit.moving.jsonl").exists()).then_some(()))
        .await;
    assert!(noted > 0);

    let new: BTreeMap<_, _> =
        statements(&mut database).await.into_iter().filter(|(id, _)| !known.contains_key(id)).collect();
    assert!(new.is_empty(), "{attacks} attacks brought statements that were not there without: {new:#?}");
    assert_eq!(errors(&place)[said..], [""; 0], "PostgreSQL saw what it could not understand");
    for (table, before) in TABLES.into_iter().zip(counts) {
        let now = count(&mut database, table).await;
        assert!(now >= before && now < before + 100_000, "{table}: {before} rows, and now {now}");
    }
    assert!(!std::path::Path::new("/tmp/planted").exists());
    // A statement that somebody else had run would have been seen.
    let other = "SELECT 'injected' FROM system_metrics WHERE metric_name = '' OR 1 = 1 LIMIT 1";
    sqlx::query(other).fetch_all(&mut database).await.unwrap();
    assert!(statements(&mut database).await.keys().any(|id| !known.contains_key(id)));
}
