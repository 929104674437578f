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
use sqlx::PgConnection;

use crate::helpers::{Collector, connect, directory, outcome, program, until};
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
struct Ledger(BTreeSet<(String, Timestamp)>);

impl Ledger {
    /// Adds what a collector's log says is kept.
    fn read(&mut self, log: &str) {
        for line in log.lines().filter(|line| line.contains("\"message\":\"kept\"")) {
            // The last line of a program that was killed may be half.
            let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let field = |name: &str| line["fields"][name].as_str().or(line[name].as_str()).unwrap().to_owned();
            self.0.insert((field("kind"), field("at").parse().unwrap()));
        }
    }

    /// Everything acknowledged is stored, and nothing is stored twice.
    async fn agrees_with(&self, database: &mut PgConnection, metric: &str) {
        let mut stored = BTreeSet::new();
        for (kind, sql) in [
            (
                "sample",
                "SELECT DISTINCT (extract(epoch FROM timestamp) * 1000)::bigint FROM system_metrics WHERE metric_name = $1",
            ),
            (
                "snapshot",
                "SELECT DISTINCT (extract(epoch FROM timestamp) * 1000)::bigint FROM metrics_raw WHERE $1 <> ''",
            ),
        ] {
            let times: Vec<i64> = sqlx::query_scalar(sql).bind(metric).fetch_all(&mut *database).await.unwrap();
            stored.extend(times.iter().map(|at| (kind.to_owned(), Timestamp::from_millisecond(*at).unwrap())));
        }
        let missing: Vec<_> = self.0.difference(&stored).collect();
        assert!(missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), self.0.len());
        for sql in [
            "SELECT count(*) - count(DISTINCT (timestamp, metric_name, labels)) FROM system_metrics",
            "SELECT count(*) - count(DISTINCT (timestamp, metric_type, data ->> 'host')) FROM metrics_raw",
        ] {
            let twice: i64 = sqlx::query_scalar(sql).fetch_one(&mut *database).await.unwrap();
            assert_eq!(twice, 0, "{sql}");
        }
    }
}

/// Moments up to `longest`, without order and evenly spread; what they hit is left to chance.
fn moments(longest: Duration) -> impl Iterator<Item = Duration> {
    (1..).map(move |n| longest.mul_f64((f64::from(n) * 0.618_033_988_749_894_9).fract()))
}

/// A collector on a database of the test's, and a data directory of its own.
async fn collector_on(url: &str, data_dir: &Path) -> Collector {
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
    assert!(ledger.0.len() > 30, "{}", ledger.0.len());
    ledger.agrees_with(&mut server.database().await, "cpu_usage").await;
    assert_eq!(std::fs::read_dir(data_dir.join("spool")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_flushed_and_given_wrong_types() {
    use fred::interfaces::{ClientLike, KeysInterface};
    let directory = directory();
    let data_dir = directory.path().join("data");
    let mut collector = Collector::start(&data_dir, &OFTEN).await;
    for _ in 0..3 {
        let redis = collector.redis().await;
        for key in ["metrics:current", "metrics:hourly", "metrics:system:current"] {
            let plant = fred::types::CustomCommand::new_static("RPUSH", None, false);
            redis.del::<i64, _>(key).await.unwrap();
            let _: i64 = redis.custom(plant, vec![key, "nonsense"]).await.unwrap();
        }
        redis.flushall::<()>(false).await.unwrap();
        let _: Result<(), _> = redis.shutdown(Some(fred::types::ShutdownFlags::NoSave)).await;
        tokio::time::sleep(Duration::from_millis(1_200)).await;
    }
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    let mut ledger = Ledger::default();
    ledger.read(&collector.log());
    assert!(ledger.0.len() > 3);
    let again = Collector::start(&data_dir, &OFTEN).await;
    ledger.agrees_with(&mut again.database().await, "cpu_usage").await;
}

/// A data directory on a small file system of its own, which is filled and freed.
#[tokio::test(flavor = "multi_thread")]
async fn the_disk_under_the_spool_and_postgresql_is_full_and_freed() {
    let directory = directory();
    let mount_point = directory.path().join("small");
    std::fs::create_dir(&mount_point).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    let namespace = if is_root { &["--mount"][..] } else { &["--mount", "--map-root-user"] };
    let probe = std::process::Command::new("unshare").args(namespace).arg("true").status().unwrap();
    if !probe.success() {
        eprintln!("not tried: this user may not make a mount namespace here");
        return;
    }
    let mut command = std::process::Command::new("unshare");
    command.args(namespace).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir("/");
    let script = "mount -t tmpfs -o size=400m,mode=0755 tmpfs \"$0\" && exec \"$@\"";
    command.args(["sh", "-c", script]).arg(&mount_point).arg(crate::helpers::PROGRAM);
    let arguments = [&OFTEN[..], &["--set", "redis.enabled=false"]].concat();
    // The log is beside the mount point.
    let mut collector = Collector::start_as(command, &mount_point.join("data"), &arguments).await;
    // Its files as it sees them.
    let inside =
        std::path::PathBuf::from(format!("/proc/{}/root{}", collector.pid().as_raw_nonzero(), mount_point.display()));
    let log =
        |collector: &Collector| std::fs::read_to_string(inside.join("program.log")).unwrap_or_else(|_| collector.log());
    until("it has saved", async || log(&collector).contains("\"job\":\"save\"").then_some(())).await;
    let filler = inside.join("filler");
    let filled = std::process::Command::new("dd")
        .args(["if=/dev/zero", "bs=64k", "conv=notrunc"])
        .arg(format!("of={}", filler.display()))
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(!filled.success());
    until("the spool says so", async || log(&collector).contains("takes nothing").then_some(())).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(collector.is_running());
    std::fs::remove_file(&filler).unwrap();
    until("the spool is well again", async || log(&collector).contains("takes records again").then_some(())).await;
    let mut ledger = Ledger::default();
    ledger.read(&log(&collector));
    let settings = outcome(program(&["env", "--data-dir", inside.join("data").to_str().unwrap()]));
    let settings = String::from_utf8(settings.stdout).unwrap();
    let url = settings.lines().find_map(|line| line.strip_prefix("DATABASE_URL=")).unwrap();
    let in_url = |path: &Path| path.to_str().unwrap().replace('/', "%2F");
    let url = url.replace(&in_url(&mount_point), &in_url(&inside));
    let mut database = connect(&url).await;
    until("everything is saved", async || {
        let sql = "SELECT count(DISTINCT timestamp) FROM system_metrics WHERE metric_name = 'cpu_usage'";
        let stored: i64 = sqlx::query_scalar(sql).fetch_one(&mut database).await.ok()?;
        let kept = ledger.0.iter().filter(|(kind, _)| kind == "sample").count();
        (usize::try_from(stored).unwrap() >= kept).then_some(())
    })
    .await;
    ledger.agrees_with(&mut database, "cpu_usage").await;
    drop(database);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

/// The spool and the saves of a collector in this process, with a load that no host makes.
struct Load {
    buffer: Buffer,
    saving: Saving,
    instruments: Instruments,
    acknowledged: Ledger,
    next: i64,
}

impl Load {
    async fn start(url: &str, spool: &Path) -> Self {
        let settings = Database { pool_min: 0, connect_timeout: Duration::from_secs(2), ..Database::default() };
        let store = Store::open(url, &settings).await.unwrap();
        let instruments = Instruments::register(&mut Registry::default());
        let buffer = Buffer::open(spool, 1 << 30, 100, instruments.clone()).unwrap();
        let saving = Saving::new(store, buffer.clone(), "web", instruments.clone());
        Self { buffer, saving, instruments, acknowledged: Ledger::default(), next: 0 }
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
        self.acknowledged.agrees_with(&mut server.database().await, "cpu_usage").await;
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
    server.pause();
    let hanging = tokio::spawn(load.saving.clone().perform());
    load.take(500).await;
    server.resume();
    let _ = hanging.await.unwrap();
    // The collector is started again before it could save.
    load.take(500).await;
    load.buffer.close().await;
    let again = Load::start(&server.url, &spool).await;
    again.drain().await;
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
    load.agrees_with(&server).await;
}
