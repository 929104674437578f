//! A collector under test: starts it, asks it, and cleans up after it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use collector::LiveEvent;
use fred::clients::Client;
use fred::interfaces::{ClientLike, KeysInterface};
use fred::types::Builder;
use fred::types::config::Config;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection};
use tokio::sync::OnceCell;

use crate::process::Packed;
pub use crate::process::{PATIENCE, directory, outcome, soon, until};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_recipe-monitoring-collector");
/// The program with nothing from outside but the PATH.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir("/");
    command
}

/// `sh` with a script in a mount namespace of its own, so that nothing that it mounts outlives the test. The script has the
/// mount point as `$0`, and runs as `"$@"` what is added to the command, as the user whose test it is. `None` where this user
/// may have no such namespace, as in a chroot: then root's run has to do.
pub fn with_mounts(script: &str, mount_point: &Path) -> Option<Command> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    let namespace = if uid.is_root() { &["--mount"][..] } else { &["--mount", "--map-root-user"] };
    let mut probe = Command::new("unshare");
    probe.args(namespace).args(["mount", "-t", "tmpfs", "tmpfs"]).arg(mount_point);
    if !probe.stderr(Stdio::null()).status().unwrap().success() {
        eprintln!("not tried: this user may not mount a tmpfs here");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(namespace).args(["sh", "-c", script]).arg(mount_point);
    if !uid.is_root() {
        command.arg("unshare").args([format!("--map-user={uid}"), format!("--map-group={gid}")]).arg("--");
    }
    Some(command)
}

/// A running collector on a data directory of its own.
pub struct Collector {
    pub data_dir: PathBuf,
    child: Child,
}

impl Collector {
    /// Starts the program and waits until it says where its stores are.
    pub async fn start(data_dir: &Path, arguments: &[&str]) -> Self {
        Self::start_as(program(&[]), data_dir, arguments).await
    }

    /// The same with a command prepared by the caller.
    pub async fn start_as(mut command: Command, data_dir: &Path, arguments: &[&str]) -> Self {
        let log = fs::File::create(data_dir.parent().unwrap().join("program.log")).unwrap();
        command.args(["run", "--data-dir"]).arg(data_dir).args(arguments);
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut collector = Self { data_dir: data_dir.to_owned(), child };
        until("the program has started", async || {
            if let Some(status) = collector.child.try_wait().unwrap() {
                panic!("it ended with {status}: {}", collector.log());
            }
            collector.log().contains("\"message\":\"collecting\"").then_some(())
        })
        .await;
        collector
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.data_dir.parent().unwrap().join("program.log")).unwrap()
    }

    /// What `env` prints under this name.
    pub fn url(&self, name: &str) -> Option<String> {
        let output = outcome(program(&["env", "--data-dir", self.data_dir.to_str().unwrap()]));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    }

    pub async fn database(&self) -> PgConnection {
        connect(&self.url("DATABASE_URL").unwrap()).await
    }

    pub async fn redis(&self) -> Client {
        let config = Config::from_url(&self.url("REDIS_URL").unwrap()).unwrap();
        let client = Builder::from_config(config).build().unwrap();
        client.init().await.unwrap();
        client
    }

    /// Waits for the first reading.
    pub async fn has_read(&self) {
        let redis = self.redis().await;
        until("a reading", async || redis.get::<Option<String>, _>("metrics:current").await.unwrap()).await;
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }

    pub fn postgres_pid(&self) -> Pid {
        postmaster(&self.data_dir).unwrap()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends the program with this signal and answers its exit code.
    pub async fn end(&mut self, signal: Signal) -> Option<i32> {
        kill_process(self.pid(), signal).unwrap();
        until("the program has ended", async || self.child.try_wait().unwrap()).await.code()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // The kernel tells its servers to stop; the directory can go when they have.
        if let Some(pid) = postmaster(&self.data_dir) {
            let started = Instant::now();
            while is_alive(pid) && started.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// A collector that samples nothing within the test, for its PostgreSQL, and the URL of that. Its data
/// directory is a copy of one that was made once: a cluster takes longer to make than most tests last.
pub async fn quiet(directory: &Path) -> (Collector, String) {
    static MADE: OnceCell<Packed> = OnceCell::const_new();
    let made = MADE.get_or_init(async || {
        let directory = crate::process::directory();
        let data_dir = directory.path().join("data");
        assert_eq!(start_quiet(&data_dir).await.end(Signal::TERM).await, Some(0));
        Packed::of(&data_dir)
    });
    let data_dir = directory.join("data");
    made.await.put(&data_dir);
    let collector = start_quiet(&data_dir).await;
    let url = collector.url("DATABASE_URL").unwrap();
    (collector, url)
}

async fn start_quiet(data_dir: &Path) -> Collector {
    let settings = [
        "live.push=60s",
        "sampling.system=60s",
        "application.enabled=false",
        "business.enabled=false",
        "database.watch=false",
        "redis.enabled=false",
    ];
    let arguments = settings.map(|setting| ["--set", setting]);
    Collector::start(data_dir, arguments.as_flattened()).await
}

pub fn postmaster(data_dir: &Path) -> Option<Pid> {
    let text = fs::read_to_string(data_dir.join("postgres/postmaster.pid")).ok()?;
    Pid::from_raw(text.lines().next()?.parse().ok()?)
}

pub fn is_alive(pid: Pid) -> bool {
    let is_zombie = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
        .is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')));
    test_kill_process(pid).is_ok() && !is_zombie
}

pub async fn connect(url: &str) -> PgConnection {
    let options = sqlx::postgres::PgConnectOptions::from_str(url).unwrap();
    options.connect().await.unwrap()
}

/// Runs statements; answers the rows that the last one touched.
pub async fn execute(database: &mut PgConnection, sql: &str) -> u64 {
    database.execute(AssertSqlSafe(sql.to_owned())).await.unwrap().rows_affected()
}

/// The one number that a query answers.
pub async fn number(database: &mut PgConnection, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(database).await.unwrap()
}

/// A database of its own on the server behind `url`.
pub async fn new_database(url: &str, name: &str) -> String {
    execute(&mut connect(url).await, &format!("CREATE DATABASE {name}")).await;
    url.replace("/recipe_db?", &format!("/{name}?"))
}

pub async fn try_connect(url: &str) -> Option<PgConnection> {
    let options = sqlx::postgres::PgConnectOptions::from_str(url).unwrap();
    options.connect().await.ok()
}

/// The host's reading in a live event's text.
pub fn reading(text: &str) -> collector::System {
    match serde_json::from_str::<LiveEvent>(text).unwrap().payload {
        collector::Payload::System(system) => *system,
        other => panic!("not a reading: {other:?}"),
    }
}
