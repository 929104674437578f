//! Backups: made under load, whole or not at all, and restored elsewhere to the last row.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fred::interfaces::KeysInterface;
use rustix::process::Signal;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use tempfile::TempDir;

use crate::cli::{Ended, on, run};
use crate::helpers::{
    Collector, connect, directory, execute, new_database, number, outcome, program, quiet, soon, until,
};
use crate::redis::{Redis, ask};
use crate::server::Server;

/// Rows in every table that has some, of an installation that has been there for a while.
const FILLED: &str = "
    SELECT recipe_monitoring_state.make_partition(now() - interval '40 days');
    INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
    SELECT now() - make_interval(mins => 30 * n), 'cpu_usage', n, '{\"host\": \"web\"}' FROM generate_series(0, 1999) AS n;
    INSERT INTO metrics_raw (timestamp, metric_type, data)
    SELECT now() - make_interval(mins => n), 'system', jsonb_build_object('host', 'web', 'n', n) FROM generate_series(0, 99) AS n;
    INSERT INTO metrics_hourly (hour, metric_name, avg_value, min_value, max_value, count)
    SELECT date_trunc('hour', now()) - make_interval(hours => n), 'cpu_usage', n, n, n, n FROM generate_series(0, 99) AS n;
    INSERT INTO daily_summaries (date, summary_data) SELECT current_date - n, '{\"料理\": 1}' FROM generate_series(0, 9) AS n;
    INSERT INTO alert_history (timestamp, rule_name, severity, category, message)
    VALUES (now(), 'HighCPU', 'warning', 'system', E'100 %\\n''quoted''\\t\\\\ 日本語');
    INSERT INTO annotations (timestamp, text, tags) VALUES (now(), 'Deploy', '{deploy,\"a b\"}');
    SELECT refresh_metrics_views()";

/// What an application that shares the database has there, under names that are ours elsewhere.
const OTHERS: &str = "
    CREATE TYPE course AS ENUM ('main', 'dessert');
    CREATE TABLE counters (id BIGSERIAL PRIMARY KEY, course course);
    INSERT INTO counters (course) VALUES ('dessert');
    CREATE FUNCTION get_recipe(INTEGER) RETURNS course LANGUAGE sql AS $$ SELECT course FROM counters WHERE id = $1 $$";

/// The arguments that have backups in this directory.
fn backups_in(directory: &Path) -> [String; 2] {
    ["--set".to_owned(), format!("backup.directory={}", directory.display())]
}

/// A command on a database with its backups in `directory/backups`.
fn command(url: &str, directory: &Path, arguments: &[&str]) -> Command {
    let mut command = on(url, directory, arguments);
    command.args(backups_in(&directory.join("backups")));
    command
}

/// Makes one; answers where it is and what it says of itself.
fn make(command: Command) -> (PathBuf, Value) {
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let answer: Value = serde_json::from_str(&ended.out).unwrap();
    (answer["path"].as_str().unwrap().into(), answer["manifest"].clone())
}

fn refused(command: Command, parts: &[&str]) -> Ended {
    let ended = run(command);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for part in parts {
        assert!(ended.err.contains(part), "{part} {ended:?}");
    }
    ended
}

/// Everything that a directory of backups has but its lock.
fn inside(backups: &Path) -> Vec<String> {
    let entries = fs::read_dir(backups).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.retain(|name| name != ".lock");
    names.sort();
    names
}

/// Rows and a hash of every table in the schemas that have ours.
async fn hashes(database: &mut PgConnection) -> BTreeMap<String, (i64, String)> {
    let sql =
        "SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace
               WHERE relkind = 'r' AND nspname IN ('public', 'recipe_monitoring_state')
                 -- Whose turn it is is not restored.
                 AND relname <> 'leases'";
    let tables: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *database).await.unwrap();
    let mut hashes = BTreeMap::new();
    for table in tables {
        let sql = format!(
            "SELECT count(*), md5(coalesce(string_agg(line, E'\\n' ORDER BY line), ''))
             FROM (SELECT t::text AS line FROM {table} AS t) AS lines"
        );
        hashes.insert(table, sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut *database).await.unwrap());
    }
    hashes
}

/// Every sequence with its number, index, constraint, trigger, view and function. PostgreSQL writes what is the
/// same in another way when it reads its own words, so of some it is the name.
async fn shape(database: &mut PgConnection) -> BTreeSet<String> {
    let sql = "
        SELECT format('%s %s', indexname, indexdef) FROM pg_indexes WHERE schemaname IN ('public', 'recipe_monitoring_state')
        UNION ALL SELECT format('%s %s', conrelid::regclass, conname) FROM pg_constraint
            WHERE connamespace IN ('public'::regnamespace, 'recipe_monitoring_state'::regnamespace)
        UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT viewname::text FROM pg_views WHERE schemaname IN ('public', 'recipe_monitoring_state')
        UNION ALL SELECT format('%s %s', matviewname, ispopulated) FROM pg_matviews WHERE schemaname = 'public'
        UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc
            WHERE pronamespace IN ('public'::regnamespace, 'recipe_monitoring_state'::regnamespace)
              AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
        UNION ALL SELECT format('%s %s', sequencename, last_value) FROM pg_sequences WHERE schemaname = 'public'
        UNION ALL SELECT format('%s %s', objoid::regclass, description) FROM pg_description WHERE objoid = 'annotations'::regclass
        ORDER BY 1";
    let lines: Vec<String> = sqlx::query_scalar(sql).fetch_all(database).await.unwrap();
    // What extensions bring along is not restored.
    lines.into_iter().filter(|line| !line.starts_with("pg_stat_statements")).collect()
}

/// A PostgreSQL with a filled database, and another one that is empty.
struct Servers {
    directory: TempDir,
    server: Server,
    other: Server,
    empty: String,
    _places: [TempDir; 2],
}

impl Servers {
    async fn start() -> Self {
        let places = [directory(), directory()];
        let (server, other) = tokio::join!(Server::start(places[0].path()), Server::start(places[1].path()));
        execute(&mut server.database().await, FILLED).await;
        let empty = new_database(&other.url, "empty").await;
        Self { directory: directory(), server, other, empty, _places: places }
    }

    /// A command on the filled one.
    fn on(&self, arguments: &[&str]) -> Command {
        command(&self.server.url, self.directory.path(), arguments)
    }

    /// Restores into the empty one.
    fn restore(&self, backup: &Path, more: &[&str]) -> Command {
        let mut command = self.on(&["restore", backup.to_str().unwrap(), "--to", &self.empty]);
        command.args(more);
        command
    }

    fn backups(&self) -> PathBuf {
        self.directory.path().join("backups")
    }

    /// Whether there is still nothing in the empty one.
    async fn is_untouched(&self) -> bool {
        let sql = "SELECT count(*) FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace
                   WHERE nspname IN ('public', 'recipe_monitoring_state')";
        number(&mut connect(&self.empty).await, sql).await == 0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_comes_back_on_another_server_with_redis_and_its_times_to_live_and_nothing_of_others() {
    let servers = Servers::start().await;
    let place = servers.directory.path();
    let (redis, empty_redis) = (Redis::start(place).await, Redis::start(place).await);
    let client = redis.client().await;
    for (command, arguments) in [
        ("SET", &["metrics:system:current", "{\"cpu_usage\":\"\u{0}日本\"}", "EX", "300"][..]),
        ("SET", &["metrics:current", "{}", "EX", "250"]),
        ("SET", &["metrics:business:current", "over", "PX", "1"]),
        ("HSET", &["metrics:hourly", "cpu_usage", "{\"avg\":1}", "disk_usage", "{\"avg\":2}"]),
        ("HSET", &["alerts:active", "HighCPU", "{}"]),
        ("SET", &["session:of:the:application", "secret"]),
    ] {
        ask(&client, command, arguments).await;
    }
    execute(&mut servers.server.database().await, OTHERS).await;
    let before = hashes(&mut servers.server.database().await).await;
    let mut backup = servers.on(&["backup", "--json"]);
    backup.env("REDIS_URL", redis.url()).env_remove("RECIPE_MONITORING_REDIS__ENABLED");
    let (path, manifest) = make(backup);
    assert_eq!((&manifest["result"], &manifest["redis"]["keys"]), (&"complete".into(), &4.into()), "{manifest}");
    assert_eq!(inside(&servers.backups()), [path.file_name().unwrap().to_str().unwrap()]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&servers.backups()), mode(&path), mode(&path.join("redis.json"))), (0o700, 0o700, 0o600));
    // The application has something of its own where it is restored, too.
    let mut restored = connect(&servers.empty).await;
    execute(&mut restored, OTHERS).await;
    let there = empty_redis.client().await;
    ask(&there, "SET", &["session:of:the:application", "another"]).await;
    ask(&there, "SET", &["metrics:current", "old"]).await;

    let mut restore = servers.restore(&path, &["--redis-to", &empty_redis.url()]);
    restore.env_remove("RECIPE_MONITORING_REDIS__ENABLED");
    let ended = run(restore);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("Redis: 4 keys"), "{ended:?}");
    let mut database = servers.server.database().await;
    assert_eq!(hashes(&mut restored).await, before);
    assert_eq!(before["public.metrics_raw"].0, 100);
    let rows: i64 = before.iter().filter(|(table, _)| *table != "public.counters").map(|(_, (rows, _))| rows).sum();
    let counted: i64 =
        manifest["postgresql"]["tables"].as_object().unwrap().values().map(|rows| rows.as_i64().unwrap()).sum();
    // With the row of the lease.
    assert!((rows..=rows + 1).contains(&counted), "{rows} {counted}");
    let (left, right) = (shape(&mut restored).await, shape(&mut database).await);
    assert_eq!(Vec::from_iter(left.symmetric_difference(&right)), Vec::<&String>::new());
    assert!(left.len() > 80, "{left:?}");
    for key in ["metrics:system:current", "metrics:current", "metrics:hourly", "alerts:active"] {
        let (left, right): (Option<Vec<u8>>, Option<Vec<u8>>) =
            (client.dump(key).await.unwrap(), there.dump(key).await.unwrap());
        assert!(left.is_some() && left == right, "{key}");
        let (left, right): (i64, i64) = (client.pttl(key).await.unwrap(), there.pttl(key).await.unwrap());
        assert!(left.abs_diff(right) < 20_000 && (left == -1) == (right == -1), "{key} {left} {right}");
    }
    let kept: String = there.get("session:of:the:application").await.unwrap();
    assert_eq!(kept, "another");
    // And it is an installation: all of its checks pass.
    let ended = run(on(&servers.empty, place, &["check"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_it_is_of_one_moment_and_the_load_goes_on() {
    let servers = Servers::start().await;
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut database = servers.server.database().await;
    let load = tokio::spawn({
        let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
        async move {
            while !stop.load(Ordering::Relaxed) {
                let sql = "BEGIN;
                    INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
                    SELECT clock_timestamp(), 'load', n, '{}' FROM generate_series(1, 100) AS n;
                    INSERT INTO annotations (text) VALUES ('load');
                    COMMIT";
                sqlx::raw_sql(sql).execute(&mut database).await.unwrap();
                done.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    until("the load", async || (done.load(Ordering::Relaxed) > 0).then_some(())).await;
    let before = done.load(Ordering::Relaxed);
    let backup = servers.on(&["backup", "--json"]);
    let (path, manifest) = tokio::task::spawn_blocking(|| make(backup)).await.unwrap();
    assert!(done.load(Ordering::Relaxed) > before, "nothing was written meanwhile");
    stop.store(true, Ordering::Relaxed);
    load.await.unwrap();

    assert_eq!(run(servers.restore(&path, &[])).code, Some(0));
    let mut restored = connect(&servers.empty).await;
    let marks = number(&mut restored, "SELECT count(*) FROM annotations WHERE text = 'load'").await;
    let rows = number(&mut restored, "SELECT count(*) FROM system_metrics WHERE metric_name = 'load'").await;
    assert!(marks > 0 && rows == 100 * marks, "{marks} {rows}");
    assert_eq!(manifest["postgresql"]["tables"]["public.annotations"], marks + 1);
    // What there is is what was there.
    let sql = "SELECT t::text FROM system_metrics AS t ORDER BY id";
    let all: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut servers.server.database().await).await.unwrap();
    let some: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut restored).await.unwrap();
    let all: std::collections::HashSet<_> = all.into_iter().collect();
    assert!(some.iter().all(|row| all.contains(row)) && some.len() < all.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_not_what_it_was_is_refused_before_anything_is_touched() {
    let servers = Servers::start().await;
    let redis = Redis::start(servers.directory.path()).await;
    ask(&redis.client().await, "HSET", &["metrics:hourly", "cpu_usage", "{}"]).await;
    let mut backup = servers.on(&["backup", "--json"]);
    backup.env("REDIS_URL", redis.url()).env_remove("RECIPE_MONITORING_REDIS__ENABLED");
    let (path, _) = make(backup);
    // In thousandths of the file.
    for (name, place) in
        [("postgresql.dump", 0), ("postgresql.dump", 500), ("postgresql.dump", 999), ("redis.json", 500)]
    {
        let file = path.join(name);
        let good = fs::read(&file).unwrap();
        let mut bad = good.clone();
        let place = bad.len() * place / 1_000;
        bad[place] ^= 1;
        fs::write(&file, bad).unwrap();
        refused(servers.restore(&path, &["--replace", "--yes"]), &["is damaged", "the checksum of", name]);
        refused(servers.on(&["backup", "verify"]), &["is damaged", name]);
        refused(servers.on(&["restore", "latest", "--verify"]), &["is damaged", name]);
        fs::write(&file, &good[..good.len() - 1]).unwrap();
        refused(servers.restore(&path, &[]), &["is damaged", "bytes instead of", name]);
        fs::write(&file, good).unwrap();
    }
    let text = fs::read_to_string(path.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    for (key, value, part) in [
        ("format", 2.into(), "of a later version of this program (format 2)"),
        ("postgresql/migration", 99_991_231_000_000_i64.into(), "of a later version of this program"),
        ("postgresql/tables/public.metrics_raw", 101.into(), "public.metrics_raw has 100 rows instead of 101"),
        ("postgresql/schema", "elsewhere".into(), "search_path"),
    ] {
        let mut other = manifest.clone();
        *other.pointer_mut(&format!("/{key}")).unwrap() = value;
        fs::write(path.join("manifest.json"), other.to_string()).unwrap();
        refused(servers.restore(&path, &[]), &[part]);
        assert!(servers.is_untouched().await, "{key}");
    }
    fs::write(path.join("manifest.json"), &text[..text.len() / 2]).unwrap();
    refused(servers.restore(&path, &[]), &["is damaged", "manifest.json"]);
    refused(servers.restore(Path::new("/nowhere"), &[]), &["/nowhere is no backup", "backup list"]);
    assert!(servers.is_untouched().await);
    fs::write(path.join("manifest.json"), text).unwrap();
    let verified = run(servers.on(&["backup", "verify"]));
    assert!(verified.code == Some(0) && verified.out.contains("can be restored"), "{verified:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_goes_only_when_that_is_said_and_all_or_nothing() {
    let servers = Servers::start().await;
    let expected = hashes(&mut servers.server.database().await).await;
    let (path, _) = make(servers.on(&["backup", "--json"]));
    // A database of a later version, with what is not in the backup.
    execute(
        &mut servers.other.database().await,
        "INSERT INTO annotations (text) VALUES ('only here');
         CREATE TABLE recipe_monitoring_state.of_tomorrow AS SELECT 1 AS one",
    )
    .await;
    let restore = |more: &[&str]| {
        let mut command = servers.on(&["restore", path.to_str().unwrap(), "--to", &servers.other.url]);
        command.args(more);
        command
    };
    refused(restore(&[]), &["has rows in public.annotations", "--replace"]);
    refused(restore(&["--replace"]), &["nobody can be asked here", "--yes"]);
    let mut database = servers.other.database().await;
    let before = hashes(&mut database).await;
    // Somebody's view is nobody else's to drop.
    execute(&mut database, "CREATE VIEW mine AS SELECT text FROM annotations").await;
    refused(restore(&["--replace", "--yes"]), &["psql failed", "mine"]);
    assert_eq!(hashes(&mut database).await, before);
    execute(&mut database, "DROP VIEW mine").await;
    // A collector that works on it would go on writing.
    let lease = |until: &str| {
        format!(
            "INSERT INTO recipe_monitoring_state.leases (name, holder, host, epoch, expires_at)
             VALUES ('schedule', gen_random_uuid(), 'web', 1, {until})
             ON CONFLICT (name) DO UPDATE SET host = 'web', expires_at = EXCLUDED.expires_at"
        )
    };
    execute(&mut database, &lease("now() + interval '1 hour'")).await;
    refused(restore(&["--replace", "--yes"]), &["a collector on web works on the database", "stop it first"]);
    execute(&mut database, &lease("now() - interval '1 hour'")).await;
    let ended = run(restore(&["--replace", "--yes"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(hashes(&mut database).await, expected);
}

/// The program's directory with a `pg_dump` that stops in the middle until somebody writes to the pipe.
struct SlowDump {
    programs: PathBuf,
    pipe: PathBuf,
}

impl SlowDump {
    fn new(directory: &Path) -> Self {
        let (programs, pipe) = (directory.join("slow"), directory.join("pipe"));
        fs::create_dir(&programs).unwrap();
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let installed = installed.map(|entry| entry.path().join("bin")).find(|path| path.join("pg_dump").exists());
        let real = |name: &str| installed.as_ref().map_or_else(|| PathBuf::from(name), |path| path.join(name));
        let (dump, pipe_name) = (real("pg_dump"), pipe.display().to_string());
        let script = format!(
            "#!/bin/sh\ncase \"$1\" in --version) exec {dump} --version;; esac\n\
             {dump} \"$@\" | {{ head -c 20000; cat {pipe_name} >/dev/null; cat; }}\n",
            dump = dump.display()
        );
        fs::write(programs.join("pg_dump"), script).unwrap();
        fs::set_permissions(programs.join("pg_dump"), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["pg_restore", "psql"] {
            std::os::unix::fs::symlink(real(name), programs.join(name)).unwrap();
        }
        Self { programs, pipe }
    }

    /// Begins a backup and waits until it is in the middle.
    async fn begin(&self, mut command: Command, backups: &Path) -> Child {
        command.arg("--set").arg(format!("backup.programs={}", self.programs.display()));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        until("a dump in the middle", async || {
            let names = inside(backups);
            let partial = names.iter().find(|name| name.starts_with('.'))?;
            let size = fs::metadata(backups.join(partial).join("postgresql.dump")).ok()?.len();
            (size >= 20_000).then_some(())
        })
        .await;
        child
    }

    /// Lets it go on.
    async fn go_on(&self) {
        let pipe = self.pipe.clone();
        let open = tokio::task::spawn_blocking(move || fs::OpenOptions::new().write(true).open(pipe).unwrap());
        soon("somebody reads the pipe", open).await.unwrap();
    }
}

/// The command lines of all processes.
fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_killed_leaves_no_backup_and_no_password_is_to_be_seen_meanwhile() {
    let servers = Servers::start().await;
    let backups = servers.backups();
    let slow = SlowDump::new(servers.directory.path());
    let mut first = slow.begin(servers.on(&["backup"]), &backups).await;
    let lines = command_lines();
    let of_dump: Vec<_> = lines.iter().filter(|line| line.contains("--snapshot=")).collect();
    assert!(!of_dump.is_empty());
    let password = servers.server.url.split([':', '@']).nth(2).unwrap().to_owned();
    assert!(password.len() > 20);
    assert!(!of_dump.iter().any(|line| line.contains(&password)), "{of_dump:?}");
    // Two at once are one too many.
    refused(servers.on(&["backup"]), &["a backup is being made in", &format!("by process {}", first.id())]);
    assert_eq!(inside(&backups).len(), 1);
    first.kill().unwrap();
    first.wait().unwrap();
    slow.go_on().await;
    let listed = run(servers.on(&["backup", "list"]));
    assert!(listed.code == Some(0) && listed.out.starts_with("there is no backup in "), "{listed:?}");
    refused(servers.on(&["restore", "latest"]), &["there is no backup in"]);
    // The next one takes away what is left.
    let (path, _) = make(servers.on(&["backup", "--json"]));
    assert_eq!(inside(&backups), [path.file_name().unwrap().to_str().unwrap()]);

    // One that is only slow is as good as any.
    let second = slow.begin(servers.on(&["backup"]), &backups).await;
    slow.go_on().await;
    let output = soon("the end", tokio::task::spawn_blocking(|| second.wait_with_output().unwrap())).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let listed = run(servers.on(&["backup", "list"]));
    assert_eq!(listed.out.lines().filter(|line| line.ends_with("complete")).count(), 2, "{listed:?}");
    assert_eq!(run(servers.on(&["backup", "verify"])).code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_said_and_nothing_is_left_nor_removed() {
    let place = directory();
    let server = Server::start(place.path()).await;
    let backups = place.path().join("backups");
    let backup = |arguments: &[&str]| {
        let mut command = command(&server.url, place.path(), &["backup"]);
        command.args(arguments);
        command
    };
    make(backup(&["--json"]));
    let one = inside(&backups);
    refused(
        backup(&["--set", "backup.programs=/nowhere"]),
        &["this needs pg_dump of PostgreSQL", "there is none", "/nowhere", "install postgresql-client-"],
    );
    fs::write(place.path().join("file"), "").unwrap();
    let no_directory = place.path().join("file/backups");
    refused(
        backup(&["--to", no_directory.to_str().unwrap()]),
        &["cannot be used", no_directory.to_str().unwrap(), "backup.directory"],
    );
    // A disk that takes no more than this, to whoever writes.
    let mut full = Command::new("sh");
    let inner = backup(&["--set", "backup.keep_last=1", "--set", "backup.keep_daily=0"]);
    full.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"]).arg(inner.get_program()).args(inner.get_args());
    full.env_clear().current_dir("/");
    full.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    refused(full, &["could not be written to", "nothing of it is left"]);
    assert_eq!(inside(&backups), one);
    // A pg_dump that fails says so in its own words.
    let failing = place.path().join("failing");
    fs::create_dir(&failing).unwrap();
    let script = "#!/bin/sh\ncase \"$1\" in --version) echo 'pg_dump (PostgreSQL) 99.1';; *) echo 'pg_dump: error: out of luck' >&2; exit 1;; esac\n";
    fs::write(failing.join("pg_dump"), script).unwrap();
    fs::set_permissions(failing.join("pg_dump"), fs::Permissions::from_mode(0o755)).unwrap();
    let set = format!("backup.programs={}", failing.display());
    refused(backup(&["--set", &set]), &["pg_dump failed: error: out of luck"]);
    assert_eq!(inside(&backups), one);
    // A Redis that does not answer is no reason for none at all.
    let mut without = backup(&["--json"]);
    without.env("REDIS_URL", "redis://127.0.0.1:1/0").env_remove("RECIPE_MONITORING_REDIS__ENABLED");
    let (_, manifest) = make(without);
    assert_eq!(manifest["result"], "partial");
    assert!(manifest["redis"]["missing"].as_str().unwrap().contains("Redis"), "{manifest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_removes_old_ones_and_nothing_that_is_not_known() {
    let place = directory();
    let server = Server::start(place.path()).await;
    let other = new_database(&server.url, "other").await;
    assert_eq!(run(on(&other, place.path(), &["migrate"])).code, Some(0));
    let backups = place.path().join("backups");
    let few =
        ["--json", "--set", "backup.keep_last=1", "--set", "backup.keep_daily=0", "--set", "backup.keep_weekly=0"];
    let backup = |url: &str| {
        let mut command = command(url, place.path(), &["backup"]);
        command.args(few);
        make(command).0
    };
    let of_other = backup(&other);
    let first = backup(&server.url);
    fs::create_dir(backups.join("recipe-monitoring-of-somebody")).unwrap();
    let damaged = backup(&server.url);
    assert!(!first.exists());
    fs::write(damaged.join("postgresql.dump"), "short").unwrap();
    let second = backup(&server.url);
    let third = backup(&server.url);
    assert!(!second.exists());
    let mut expected = vec!["recipe-monitoring-of-somebody".to_owned()];
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    expected.extend([&of_other, &damaged, &third].map(name));
    expected.sort();
    assert_eq!(inside(&backups), expected);
    let listed: Value =
        serde_json::from_str(&run(command(&server.url, place.path(), &["backup", "list", "--json"])).out).unwrap();
    let errors = listed["backups"].as_array().unwrap().iter().filter(|backup| backup["error"].is_string()).count();
    assert_eq!(errors, 2, "{listed}");
}

/// An installation in the data directory that was set up two days ago.
async fn set_up_before_yesterday(directory: &Path) -> PathBuf {
    let (mut collector, url) = quiet(directory).await;
    let sql = "UPDATE _sqlx_migrations SET installed_on = installed_on - INTERVAL '2 days'";
    execute(&mut connect(&url).await, sql).await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    collector.data_dir.clone()
}

/// A collector that evaluates rules and saves every second.
const SOON: [&str; 6] = ["--set", "live.push=1s", "--set", "sampling.system=1s", "--set", "schedule.save=1s"];

#[tokio::test(flavor = "multi_thread")]
async fn the_private_postgresql_is_backed_up_every_night_and_comes_back_where_nothing_is() {
    let place = directory();
    let data_dir = set_up_before_yesterday(place.path()).await;
    assert_eq!(inside(&data_dir.join("backups")), Vec::<String>::new());
    let rules = place.path().join("rules.toml");
    fs::write(&rules, "[[rule]]\nalert = 'Seen'\nexpr = 'recipe_monitoring_backup_size_bytes > 0'\n").unwrap();
    let rules = format!("alerts.rules={}", rules.display());
    let mut arguments = SOON.to_vec();
    arguments.extend(["--set", &rules]);
    let mut collector = Collector::start(&data_dir, &arguments).await;
    let mut database = collector.database().await;
    let done =
        "SELECT count(*) FROM recipe_monitoring_state.job_runs WHERE job = 'backup' AND did LIKE 'recipe-monitoring-%'";
    until("a backup", async || (number(&mut database, done).await == 1).then_some(())).await;
    assert_eq!(inside(&data_dir.join("backups")).len(), 1);
    let fired = "SELECT count(*) FROM alert_history WHERE rule_name = 'Seen'";
    until("a rule that sees it", async || (number(&mut database, fired).await == 1).then_some(())).await;
    let sql = "SELECT count(*) FROM alert_history WHERE rule_name LIKE 'Backup%'";
    assert_eq!(number(&mut database, sql).await, 0);
    execute(&mut database, "INSERT INTO annotations (text) VALUES ('kept')").await;
    drop(database);
    let data = data_dir.to_str().unwrap();
    let token = program(&["token", "add", "kept", "--scope", "read", "--data-dir", data]);
    assert_eq!(outcome(token).status.code(), Some(0));
    // By hand, beside it.
    assert_eq!(outcome(program(&["backup", "--data-dir", data])).status.code(), Some(0));
    let running = run(program(&["restore", "latest", "--data-dir", data, "--replace", "--yes"]));
    assert!(running.code == Some(1) && running.err.contains("stop it first"), "{running:?}");
    assert_eq!(collector.end(Signal::TERM).await, Some(0));

    // And when none runs; the servers run for as long as it takes.
    assert_eq!(outcome(program(&["backup", "--data-dir", data])).status.code(), Some(0));
    let newest = data_dir.join("backups").join(inside(&data_dir.join("backups")).pop().unwrap());
    let elsewhere = place.path().join("elsewhere");
    let elsewhere = elsewhere.to_str().unwrap();
    let ended = run(program(&["restore", newest.to_str().unwrap(), "--data-dir", elsewhere]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let access = collector::access::Access::open(Path::new(elsewhere)).unwrap();
    assert_eq!(access.contents().tokens().iter().map(|token| token.name.as_str()).collect::<Vec<_>>(), ["kept"]);
    let mut again = Collector::start(Path::new(elsewhere), &[]).await;
    let kept = "SELECT count(*) FROM annotations WHERE text = 'kept'";
    assert_eq!(number(&mut again.database().await, kept).await, 1);
    assert_eq!(again.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_every_night_is_an_alert() {
    let place = directory();
    let data_dir = set_up_before_yesterday(place.path()).await;
    let rules = place.path().join("rules.toml");
    fs::write(&rules, "[[rule]]\nalert = 'BackupOld'\nfor = '1s'\n").unwrap();
    let rules = format!("alerts.rules={}", rules.display());
    let mut arguments = SOON.to_vec();
    arguments.extend(["--set", "backup.programs=/nowhere", "--set", &rules]);
    let mut collector = Collector::start(&data_dir, &arguments).await;
    let mut database = collector.database().await;
    let sql = "SELECT count(*) FROM alert_history WHERE rule_name = 'BackupOld' AND severity = 'warning' AND category = 'backup'";
    until("the alert", async || (number(&mut database, sql).await == 1).then_some(())).await;
    let failure = until("the reason", async || fs::read_to_string(data_dir.join("backup-failed.json")).ok()).await;
    assert!(failure.contains("this needs pg_dump"), "{failure}");
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    assert_eq!(inside(&data_dir.join("backups")), Vec::<String>::new());
}
