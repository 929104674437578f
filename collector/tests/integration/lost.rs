//! Nothing is lost and nothing comes twice: what was said to be kept is compared with what is in
//! PostgreSQL at the end, whatever was done to the processes and disks between.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use collector::config::Database;
use collector::schedule::Saving;
use collector::{Buffer, Instruments, Point, Record, Sample, Store};
use jiff::Timestamp;
use prometheus_client::registry::Registry;
use rustix::process::Signal;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::helpers::{Collector, PATIENCE, PROGRAM, directory, outcome, program, until, with_mounts};
use crate::server::Server;

/// Sampling as often as can be set, with the log in which it is said what is kept.
const OFTEN: [&str; 10] = [
    "--set",
    "live.push=1s",
    "--set",
    "sampling.system=1s",
    "--set",
    "schedule.save=1s",
    "--set",
    "schedule.collect=1s",
    "--set",
    "log.filter=info,collector=debug",
];

/// What was acknowledged: `(kind, time)`.
#[derive(Default)]
pub struct Ledger(pub BTreeSet<(String, Timestamp)>);

impl Ledger {
    /// Adds what a collector's log says is kept.
    pub fn read(&mut self, log: &str) {
        for line in log.lines().filter(|line| line.contains("\"message\":\"kept\"")) {
            // The last line of a program that was killed may be half.
            let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let field = |name: &str| line["fields"][name].as_str().or(line[name].as_str()).unwrap().to_owned();
            // Two records of an alert that two runs have seen are one row; see the tests of alerts.
            if field("kind") != "alert" {
                self.0.insert((field("kind"), field("at").parse().unwrap()));
            }
        }
    }

    /// Everything acknowledged is stored, and nothing is stored twice.
    pub async fn agrees_with(&self, database: &mut PgConnection) {
        let missing = self.missing(database).await;
        assert!(missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), self.0.len());
        for sql in [
            "SELECT count(*) - count(DISTINCT (timestamp, metric_name, labels)) FROM system_metrics",
            "SELECT count(*) - count(DISTINCT (timestamp, metric_type, data ->> 'host')) FROM metrics_raw",
        ] {
            let twice: i64 = sqlx::query_scalar(sql).fetch_one(&mut *database).await.unwrap();
            assert_eq!(twice, 0, "{sql}");
        }
    }

    /// What was acknowledged and is not stored.
    async fn missing(&self, database: &mut PgConnection) -> Vec<(String, Timestamp)> {
        let mut stored = BTreeSet::new();
        for (kind, table) in [("sample", "system_metrics"), ("snapshot", "metrics_raw")] {
            let sql = format!("SELECT DISTINCT (extract(epoch FROM timestamp) * 1000)::bigint FROM {table}");
            let times: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut *database).await.unwrap();
            stored.extend(times.iter().map(|at| (kind.to_owned(), Timestamp::from_millisecond(*at).unwrap())));
        }
        self.0.difference(&stored).cloned().collect()
    }
}

/// Moments up to `longest` by chance. The seed is printed: `RECIPE_TEST_SEED` has them again.
fn moments(longest: Duration) -> impl Iterator<Item = Duration> {
    let given = std::env::var("RECIPE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut seed = given.unwrap_or_else(|| u64::try_from(Timestamp::now().as_microsecond()).unwrap());
    eprintln!("RECIPE_TEST_SEED={seed}");
    std::iter::repeat_with(move || {
        // SplitMix64: https://prng.di.unimi.it/splitmix64.c
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        longest.mul_f64(f64::from(u32::try_from((z ^ (z >> 31)) >> 32).unwrap()) / f64::from(u32::MAX))
    })
}

/// A collector on a database of the test's, and a data directory of its own.
pub async fn collector_on(url: &str, data_dir: &Path) -> Collector {
    let mut command = program(&[]);
    command.env("DATABASE_URL", url);
    let arguments = [&OFTEN[..], &["--set", "redis.enabled=false"]].concat();
    Collector::start_as(command, data_dir, &arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collector_is_killed_at_twenty_moments() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let data_dir = directory.path().join("own/data");
    std::fs::create_dir(data_dir.parent().unwrap()).unwrap();
    let mut ledger = Ledger::default();
    for moment in moments(Duration::from_millis(3_500)).take(20) {
        let mut collector = collector_on(&server.url, &data_dir).await;
        tokio::time::sleep(moment).await;
        assert_eq!(collector.end(Signal::KILL).await, None);
        ledger.read(&collector.log());
    }
    let mut last = collector_on(&server.url, &data_dir).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(last.end(Signal::TERM).await, Some(0));
    ledger.read(&last.log());
    // One a second at the most; thousands are at stake in another test.
    assert!(ledger.0.len() > 10, "{}", ledger.0.len());
    ledger.agrees_with(&mut server.database().await).await;
    assert_eq!(std::fs::read_dir(data_dir.join("spool")).unwrap().count(), 0);
}

/// Keys of the specification.
const KEYS: [&str; 7] = [
    "metrics:system:current",
    "metrics:application:current",
    "metrics:business:current",
    "metrics:integrated:current",
    "metrics:current",
    "metrics:hourly",
    "alerts:active",
];

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_flushed_and_given_wrong_types() {
    use fred::interfaces::{ClientLike, KeysInterface};
    let directory = directory();
    let data_dir = directory.path().join("data");
    let mut collector = Collector::start(&data_dir, &OFTEN).await;
    collector.has_read().await;
    let plant = async |redis: &fred::clients::Client| {
        for key in KEYS {
            let push = fred::types::CustomCommand::new_static("RPUSH", None, false);
            redis.del::<i64, _>(key).await.unwrap();
            let planted: i64 = redis.custom(push, vec![key, "nonsense"]).await.unwrap();
            assert_eq!(planted, 1, "{key}");
        }
    };
    // The product meets them as they are, and puts its own in their place.
    let redis = collector.redis().await;
    plant(&redis).await;
    let aggregated = outcome(program(&["aggregate", "--data-dir", data_dir.to_str().unwrap()]));
    assert!(aggregated.status.success(), "{}", String::from_utf8_lossy(&aggregated.stderr));
    for (key, expected) in
        [("metrics:current", "string"), ("metrics:system:current", "string"), ("metrics:hourly", "none")]
    {
        until(key, async || {
            let kind = fred::types::CustomCommand::new_static("TYPE", None, false);
            let kind: String = redis.custom(kind, vec![key]).await.ok()?;
            (kind == expected).then_some(())
        })
        .await;
    }
    // Nonsense is there when it is killed, and when it is back.
    for flush in [false, true] {
        let redis = collector.redis().await;
        plant(&redis).await;
        if flush {
            redis.flushall::<()>(false).await.unwrap();
        }
        let about = fred::types::CustomCommand::new_static("INFO", None, false);
        let about: String = redis.custom(about, vec!["server"]).await.unwrap();
        let pid = about.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap().trim().parse().unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        until("another one answers", async || {
            let config = fred::types::config::Config::from_url(&collector.url("REDIS_URL")?).ok()?;
            let client = fred::types::Builder::from_config(config).build().ok()?;
            client.init().await.ok()?;
            let renewed: Option<String> = client.get("metrics:current").await.ok()?;
            renewed.map(drop)
        })
        .await;
    }
    assert!(collector.is_running());
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    let mut ledger = Ledger::default();
    ledger.read(&collector.log());
    assert!(ledger.0.len() > 3);
    let again = Collector::start(&data_dir, &OFTEN).await;
    ledger.agrees_with(&mut again.database().await).await;
}

/// Small file systems of their own, one under the spool and one under PostgreSQL, each of which is
/// filled and freed.
#[tokio::test(flavor = "multi_thread")]
async fn the_disks_under_the_spool_and_postgresql_are_full_and_freed() {
    let directory = directory();
    let mount_point = directory.path().join("small");
    std::fs::create_dir(&mount_point).unwrap();
    let script = "mount -t tmpfs -o size=400m,mode=0755 tmpfs \"$0\" && mkdir -p \"$0/data/spool\" \
        && mount -t tmpfs -o size=1m,mode=0700 tmpfs \"$0/data/spool\" && exec \"$@\"";
    let Some(mut command) = with_mounts(script, &mount_point) else { return };
    command.arg(PROGRAM).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir("/");
    let arguments = [&OFTEN[..], &["--set", "redis.enabled=false"]].concat();
    // Its log is beside the mount point.
    let mut collector = Collector::start_as(command, &mount_point.join("data"), &arguments).await;
    // Its files as it sees them.
    let inside =
        std::path::PathBuf::from(format!("/proc/{}/root{}", collector.pid().as_raw_nonzero(), mount_point.display()));
    let log =
        |collector: &Collector| std::fs::read_to_string(inside.join("program.log")).unwrap_or_else(|_| collector.log());
    let settings = outcome(program(&["env", "--data-dir", inside.join("data").to_str().unwrap()]));
    let settings = String::from_utf8(settings.stdout).unwrap();
    let url = settings.lines().find_map(|line| line.strip_prefix("DATABASE_URL=")).unwrap();
    let in_url = |path: &Path| path.to_str().unwrap().replace('/', "%2F");
    let url = url.replace(&in_url(&mount_point), &in_url(&inside));
    let full = "os error 28";
    for (place, is_full) in [
        ("data/spool", &(|log: &str| log.contains("takes nothing") && log.contains(full)) as &dyn Fn(&str) -> bool),
        (".", &|log: &str| log.contains("could not save") && log.contains("No space left on device")),
    ] {
        until("it has saved", async || log(&collector).contains("\"job\":\"save\"").then_some(())).await;
        let filler = inside.join(place).join("filler");
        let filled = std::process::Command::new("dd")
            .args(["if=/dev/zero", "bs=4k", "conv=notrunc"])
            .arg(format!("of={}", filler.display()))
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(!filled.success());
        until("the full disk is met", async || is_full(&log(&collector)).then_some(())).await;
        assert!(collector.is_running());
        std::fs::remove_file(&filler).unwrap();
    }
    until("the spool is well again", async || log(&collector).contains("takes records again").then_some(())).await;
    let mut ledger = Ledger::default();
    ledger.read(&log(&collector));
    let mut database = until("postgresql answers", async || crate::helpers::try_connect(&url).await).await;
    let saved = async {
        while !ledger.missing(&mut database).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // What is missing then is said below.
    let _ = tokio::time::timeout(PATIENCE, saved).await;
    ledger.agrees_with(&mut database).await;
    drop(database);
    // No record was too much for the memory that it waited in.
    assert!(!log(&collector).contains("were given up"));
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

/// The spool and the saves of a collector in this process, with a load that no host makes.
struct Load {
    buffer: Buffer,
    saving: Saving,
    instruments: Instruments,
    registry: Registry,
    acknowledged: Ledger,
    next: i64,
}

impl Load {
    async fn start(url: &str, spool: &Path) -> Self {
        Self::within(url, spool, 1 << 30).await
    }

    /// The same with so many bytes for the spool.
    async fn within(url: &str, spool: &Path, limit: u64) -> Self {
        let settings = Database { pool_min: 0, connect_timeout: Duration::from_secs(2), ..Database::default() };
        let store = Store::open(url, &settings).await.unwrap();
        let mut registry = Registry::default();
        let instruments = Instruments::register(&mut registry);
        let buffer = Buffer::open(spool, limit, 100, instruments.clone()).unwrap();
        let saving = Saving::new(store, buffer.clone(), "web", instruments.clone());
        Self { buffer, saving, instruments, registry, acknowledged: Ledger::default(), next: 0 }
    }

    /// The lines of `/metrics` that begin so.
    fn metrics(&self, name: &str) -> Vec<String> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
    }

    /// Takes so many samples, each acknowledged before there are more than memory has room for.
    async fn take(&mut self, count: i64) {
        let times: Vec<_> = (self.next..self.next + count)
            .map(|n| Timestamp::from_millisecond(1_790_000_000_000 + n).unwrap())
            .collect();
        self.next += count;
        for times in times.chunks(50) {
            let mut last = 0;
            for at in times {
                let points = ["cpu_usage", "memory_usage"].map(|name| Point {
                    metric_name: name.into(),
                    value: 1.5,
                    labels: [("n".to_owned(), "x".to_owned())].into(),
                });
                let sample = Sample { at: *at, host: "web".to_owned(), points: points.to_vec() };
                last = self.buffer.push(Record::Sample(sample));
            }
            self.buffer.kept(last).await;
            self.acknowledged.0.extend(times.iter().map(|at| ("sample".to_owned(), *at)));
        }
    }

    /// Saves until nothing is left.
    async fn drain(&self) {
        until("everything is saved", async || {
            self.saving.clone().perform().await.ok().filter(|()| self.buffer.is_empty())
        })
        .await;
    }

    async fn agrees_with(&self, server: &Server) {
        assert_eq!(self.instruments.records_given_up.get(), 0);
        self.acknowledged.agrees_with(&mut server.database().await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_killed_at_twenty_moments_under_load() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let mut load = Load::start(&server.url, &directory.path().join("spool")).await;
    let saving = load.saving.clone();
    let saves = tokio::spawn(async move {
        loop {
            let _ = saving.clone().perform().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    for moment in moments(Duration::from_millis(400)).take(20) {
        let taking = async {
            load.take(500).await;
        };
        let killing = async {
            tokio::time::sleep(moment).await;
            server.kill();
            server.run().await;
        };
        tokio::join!(taking, killing);
    }
    saves.abort();
    load.drain().await;
    assert_eq!(load.acknowledged.0.len(), 10_000);
    load.agrees_with(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_stopped_for_longer_than_memory_lasts_then_silent_then_back() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let spool = directory.path().join("spool");
    let mut load = Load::start(&server.url, &spool).await;
    load.take(100).await;
    load.drain().await;
    server.stop();
    // Far more than the 100 records that may be in memory.
    load.take(5_000).await;
    assert!(load.saving.clone().perform().await.is_err());
    server.run().await;
    let paused = server.pause();
    let hanging = tokio::spawn(load.saving.clone().perform());
    load.take(500).await;
    paused.resume();
    let _ = hanging.await.unwrap();
    // The collector is started again before it could save.
    load.take(500).await;
    load.buffer.close().await;
    let again = Load::start(&server.url, &spool).await;
    again.drain().await;
    load.agrees_with(&server).await;
}

/// All of its processes stand still in the middle of a COPY, for longer than a save may take.
#[tokio::test(flavor = "multi_thread")]
async fn postgresql_stands_still_within_a_save_until_that_has_failed() {
    use sqlx::Executor;
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut load = Load::start(&server.url, &directory.path().join("spool")).await;
    load.take(300).await;
    let mut other = server.database().await;
    let mut watching = server.database().await;
    // What the trigger of the COPY needs at its end.
    other.execute("BEGIN; LOCK TABLE recipe_monitoring_state.hours_to_aggregate IN EXCLUSIVE MODE").await.unwrap();
    let limit = Duration::from_secs(2);
    let saving = tokio::spawn(load.saving.clone().within(limit).perform());
    until("the copy waits", async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY system_metrics%' AND wait_event_type = 'Lock'";
        let waiting: i64 = sqlx::query_scalar(sql).fetch_one(&mut watching).await.unwrap();
        (waiting == 1).then_some(())
    })
    .await;
    let paused = server.pause();
    load.take(300).await;
    let error = saving.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "no answer within 2s");
    paused.resume();
    other.execute("ROLLBACK").await.unwrap();
    load.drain().await;
    load.agrees_with(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_stands_still_at_five_moments_under_load() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut load = Load::start(&server.url, &directory.path().join("spool")).await;
    let saving = load.saving.clone().within(Duration::from_millis(500));
    let (failed, mut failures) = tokio::sync::watch::channel(0);
    let saves = tokio::spawn(async move {
        loop {
            if saving.clone().perform().await.is_err() {
                failed.send_modify(|failed| *failed += 1);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    for moment in moments(Duration::from_millis(300)).take(5) {
        let is_over = std::cell::Cell::new(false);
        let pausing = async {
            tokio::time::sleep(moment).await;
            let paused = server.pause();
            let before = *failures.borrow_and_update();
            failures.wait_for(|failed| *failed > before).await.unwrap();
            paused.resume();
            is_over.set(true);
        };
        let taking = async {
            while !is_over.get() {
                load.take(50).await;
            }
        };
        tokio::join!(taking, pausing);
    }
    saves.abort();
    load.drain().await;
    load.agrees_with(&server).await;
}

/// The oldest go, are counted, and nothing else does.
#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_stopped_for_longer_than_the_spool_has_room_for() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let mut load = Load::within(&server.url, &directory.path().join("spool"), 2 << 20).await;
    load.take(100).await;
    load.drain().await;
    server.stop();
    load.take(20_000).await;
    let lost = usize::try_from(load.instruments.records_given_up.get()).unwrap();
    assert!(lost > 0 && load.instruments.spool_bytes.get() <= 2 << 20);
    assert_eq!(
        load.metrics("recipe_monitoring_records_given_up_total"),
        [format!("recipe_monitoring_records_given_up_total {lost}")]
    );
    server.run().await;
    load.drain().await;
    let missing = load.acknowledged.missing(&mut server.database().await).await;
    let oldest: Vec<_> = load.acknowledged.0.iter().skip(100).take(lost).cloned().collect();
    assert_eq!(missing, oldest);
}

/// Not a test of its own: the process that is killed in the next one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a part of the next test"]
async fn a_load_in_a_process_of_its_own() {
    let variable = |name| std::env::var(name).unwrap();
    let mut load = Load::start(&variable("LOAD_URL"), Path::new(&variable("LOAD_SPOOL"))).await;
    load.next = variable("LOAD_NEXT").parse().unwrap();
    let saving = load.saving.clone();
    tokio::spawn(async move {
        loop {
            let _ = saving.clone().perform().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    loop {
        load.take(50).await;
        println!("kept until {}.", load.next);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_of_thousands_is_killed_at_twenty_moments() {
    use std::io::{BufRead, BufReader};
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let spool = directory.path().join("spool");
    let mut ledger = Ledger::default();
    for (run, moment) in (0..).zip(moments(Duration::from_millis(400)).take(20)) {
        let first = run * 1_000_000;
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "lost::a_load_in_a_process_of_its_own", "--ignored", "--nocapture"])
            .env("LOAD_URL", &server.url)
            .env("LOAD_SPOOL", &spool)
            .env("LOAD_NEXT", first.to_string())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let read = tokio::task::spawn_blocking(move || {
            let until = |line: Option<std::io::Result<String>>| -> Option<i64> {
                line?.ok()?.strip_prefix("kept until ")?.strip_suffix('.')?.parse().ok()
            };
            let mut last = None;
            let (begun, begins) = std::sync::mpsc::channel();
            let reader = std::thread::spawn(move || {
                for line in lines {
                    if let Some(number) = until(Some(line)) {
                        last = Some(number);
                        let _ = begun.send(());
                    }
                }
                last
            });
            begins.recv_timeout(PATIENCE).unwrap();
            std::thread::sleep(moment);
            child.kill().unwrap();
            child.wait().unwrap();
            reader.join().unwrap().unwrap()
        });
        let kept = read.await.unwrap();
        ledger.0.extend(
            (first..kept).map(|n| ("sample".to_owned(), Timestamp::from_millisecond(1_790_000_000_000 + n).unwrap())),
        );
    }
    eprintln!("{} acknowledged", ledger.0.len());
    assert!(ledger.0.len() > 2_000, "{}", ledger.0.len());
    let last = Load::start(&server.url, &spool).await;
    last.drain().await;
    ledger.agrees_with(&mut server.database().await).await;
}

/// A save long before its time, because so much waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_spool_that_grows_asks_for_a_save() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let data_dir = directory.path().join("own/data");
    let mut load = Load::start(&server.url, &data_dir.join("spool")).await;
    load.take(2_100).await;
    load.buffer.close().await;
    let mut command = program(&[]);
    command.env("DATABASE_URL", &server.url);
    let arguments = ["live.push=1s", "sampling.system=1s", "schedule.save=1h", "redis.enabled=false"];
    let arguments: Vec<_> = arguments.into_iter().flat_map(|setting| ["--set", setting]).collect();
    let mut collector = Collector::start_as(command, &data_dir, &arguments).await;
    let line = |log: &str, parts: [&str; 2]| {
        let line = log.lines().find(|line| parts.iter().all(|part| line.contains(part)))?;
        serde_json::from_str::<serde_json::Value>(line).ok()
    };
    let saved = until("a save", async || line(&collector.log(), ["job done", "\"job\":\"save\""])).await;
    let began = line(&collector.log(), ["\"message\":\"collecting\"", "INFO"]).unwrap();
    assert!(saved["fields"]["records"].as_u64().or(saved["records"].as_u64()).unwrap() >= 2_100, "{saved}");
    let time = |line: &serde_json::Value| line["timestamp"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let elapsed = time(&saved).duration_since(time(&began));
    // The first save of its own accord comes after 15 s.
    assert!(elapsed < jiff::SignedDuration::from_secs(14), "{elapsed:?}");
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    load.agrees_with(&server).await;
}

/// Whether a commit whose answer was lost has happened is decided by PostgreSQL alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_saved_twice_is_stored_once() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut load = Load::start(&server.url, &directory.path().join("spool")).await;
    load.take(60).await;
    let settings = Database { pool_min: 0, ..Database::default() };
    let store = Store::open(&server.url, &settings).await.unwrap();
    let batch = until("a batch", async || load.buffer.batch().await.unwrap()).await;
    let first = store.save(&batch, "web").await.unwrap();
    assert_eq!(first.records, batch.entries.len() as u64);
    for _ in 0..2 {
        assert_eq!(store.save(&batch, "web").await.unwrap().records, 0);
    }
    load.drain().await;
    load.agrees_with(&server).await;
}

/// A value that the door lets through and PostgreSQL refuses holds up nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_postgresql_refuses_is_left_out_and_counted() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut load = Load::start(&server.url, &directory.path().join("spool")).await;
    load.take(10).await;
    let point = Point { metric_name: "x".repeat(101).into(), value: 1.0, labels: Default::default() };
    load.buffer.push(Record::Sample(Sample { at: Timestamp::now(), host: "web".to_owned(), points: vec![point] }));
    load.take(10).await;
    load.drain().await;
    for (reason, count) in [("database", 1), ("name", 0), ("not_finite", 0), ("too_old", 0)] {
        let name = format!("recipe_monitoring_points_refused_total{{reason=\"{reason}\"}}");
        assert_eq!(load.metrics(&name), [format!("{name} {count}")]);
    }
    load.agrees_with(&server).await;
}
