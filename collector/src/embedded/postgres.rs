//! The private PostgreSQL: its cluster, made once, and the server on it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::directory::{DataDir, find_program, open_log};
use super::service::{Plan, Service, last_words};
use super::{EmbeddedError, available_bytes};
use crate::store::Address;

const OLDEST_MAJOR: u32 = 14;
const ROLE: &str = "recipe_user";
const DATABASE: &str = "recipe_db";
/// Only names the socket; the server listens on no network address.
const PORT: u16 = 5433;
/// A new cluster is 40 MiB, its log 64 MiB at the most with the settings below, and then the data.
const NEEDED_FOR_NEW_MIB: u64 = 256;
/// Below this an existing one would stop at its first checkpoint.
const NEEDED_MIB: u64 = 32;
/// Processes of a server that was killed may hold its memory for a moment longer.
const DEATHS_BEFORE_GIVING_UP: u32 = 3;
/// Recovery after a crash may take its time; silence for longer is a failure.
const START_LIMIT: Duration = Duration::from_secs(120);

/// The extension that counts statements and their times.
const STATEMENTS: &str = "pg_stat_statements";
/// For a small server that shares its host with what it watches.
const SETTINGS: [(&str, &str); 15] = [
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("max_connections", "100"),
    ("shared_buffers", "32MB"),
    ("huge_pages", "off"),
    ("max_wal_size", "64MB"),
    ("min_wal_size", "32MB"),
    ("wal_compression", "on"),
    ("jit", "off"),
    ("max_parallel_workers", "0"),
    ("autovacuum_max_workers", "1"),
    ("log_checkpoints", "off"),
    ("log_timezone", "UTC"),
    ("timezone", "UTC"),
    ("password_encryption", "scram-sha-256"),
];

/// Starts the server, on a new cluster where there is none, and waits until it answers.
pub(super) async fn start(directory: &DataDir) -> Result<(Service, String), EmbeddedError> {
    let cluster = directory.path.join("postgres");
    let binaries = binaries_for(&cluster)?;
    check_room(directory, &cluster)?;
    let failed = |source| EmbeddedError::Directory { directory: directory.path.clone(), source };
    directory.private_dir(&directory.path.join("log"))?;
    directory.private_dir(&directory.socket_dir())?;
    if !cluster.join("PG_VERSION").exists() {
        make_cluster(directory, &binaries, &cluster)?;
    }
    let service = Service::start(plan(directory, &binaries, &cluster)).map_err(failed)?;
    let url = url(directory);
    match wait_until_ready(&service, directory, &url).await {
        Ok(()) => Ok((service, url)),
        Err(error) => {
            service.stop().await;
            Err(error)
        }
    }
}

fn url(directory: &DataDir) -> String {
    let address = Address {
        host: directory.socket_dir().display().to_string(),
        port: PORT,
        database: DATABASE.to_owned(),
        user: ROLE.to_owned(),
    };
    address.url(&directory.password, "")
}

#[derive(Debug)]
struct Binaries {
    directory: PathBuf,
    major: u32,
}

impl Binaries {
    /// Whether the extension that counts statements is there, which Debian's packages bring along.
    fn has_statements(&self) -> bool {
        let beside = |path: &str| self.directory.join("..").join(path).join(format!("{STATEMENTS}.so")).is_file();
        ["lib", "lib/postgresql", "lib64/pgsql"].into_iter().any(beside)
    }
}

/// The binaries that fit the cluster, or for a new one the newest.
fn binaries_for(cluster: &Path) -> Result<Binaries, EmbeddedError> {
    let mut found = installed();
    found.sort_by_key(|binaries| binaries.major);
    let written_by = std::fs::read_to_string(cluster.join("PG_VERSION")).ok().and_then(|text| text.trim().parse().ok());
    match written_by {
        Some(wanted) => found
            .into_iter()
            .find(|binaries| binaries.major == wanted)
            .ok_or_else(|| EmbeddedError::OtherVersion { directory: cluster.to_owned(), wanted }),
        None => found.pop().filter(|binaries| binaries.major >= OLDEST_MAJOR).ok_or_else(|| {
            let searched = "/usr/lib/postgresql, /usr/pgsql-*, /usr/local/pgsql or on the PATH".to_owned();
            EmbeddedError::NoPostgres { searched }
        }),
    }
}

fn installed() -> Vec<Binaries> {
    let found = places_of("initdb").into_iter();
    let of = |directory: PathBuf| Some(Binaries { major: major_version(&directory.join("postgres"))?, directory });
    found.filter_map(of).collect()
}

/// Every directory with this program of PostgreSQL's.
pub(crate) fn places_of(program: &str) -> Vec<PathBuf> {
    let children = |path: &str| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let debian = children("/usr/lib/postgresql").map(|path| path.join("bin"));
    let red_hat =
        children("/usr").filter(|path| path.to_string_lossy().contains("pgsql-")).map(|path| path.join("bin"));
    // A link on the PATH leads to where the libraries are.
    let on_path = find_program(program, &[PathBuf::from("/usr/local/pgsql/bin")]);
    let on_path = on_path.and_then(|path| path.canonicalize().ok());
    let on_path = on_path.and_then(|path| path.parent().map(Path::to_owned));
    debian.chain(red_hat).chain(on_path).filter(|path| path.join(program).is_file()).collect()
}

/// The major version of a program of PostgreSQL's.
pub(crate) fn major_version(program: &Path) -> Option<u32> {
    let output = std::process::Command::new(program).arg("--version").output().ok()?;
    // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.split(") ").nth(1)?;
    version.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

fn check_room(directory: &DataDir, cluster: &Path) -> Result<(), EmbeddedError> {
    let needed_mib = if cluster.join("PG_VERSION").exists() { NEEDED_MIB } else { NEEDED_FOR_NEW_MIB };
    let available = available_bytes(&directory.path)
        .map_err(|source| EmbeddedError::Directory { directory: directory.path.clone(), source })?;
    let available_mib = available >> 20;
    if available_mib < needed_mib {
        return Err(EmbeddedError::DiskFull { directory: directory.path.clone(), available_mib, needed_mib });
    }
    Ok(())
}

/// Makes the cluster beside its place and moves it there when it is whole.
fn make_cluster(directory: &DataDir, binaries: &Binaries, cluster: &Path) -> Result<(), EmbeddedError> {
    let failed = |source| EmbeddedError::Directory { directory: directory.path.clone(), source };
    let new = directory.path.join("postgres.new");
    if new.exists() {
        std::fs::remove_dir_all(&new).map_err(failed)?;
    }
    directory.private_dir(&new)?;
    let password_file = directory.socket_dir().join("password");
    // Whole and under its name at once, so that nothing else can be written to or given away.
    directory.write_for_servers(&password_file, &directory.password).map_err(failed)?;
    tracing::info!(directory = %cluster.display(), version = binaries.major, "making a private PostgreSQL");
    let output = directory
        .launcher()
        .command(&binaries.directory.join("initdb"), "KILL")
        .arg("--pgdata")
        .arg(&new)
        .arg("--pwfile")
        .arg(&password_file)
        .args(["--username", ROLE, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"])
        .output();
    let _ = std::fs::remove_file(&password_file);
    let output = output.map_err(failed)?;
    let log = directory.log_file("initdb");
    let _ = open_log(&log).and_then(|mut log| log.write_all(&[output.stdout, output.stderr].concat()));
    if output.status.success() {
        return std::fs::rename(&new, cluster).map_err(failed);
    }
    let _ = std::fs::remove_dir_all(&new);
    Err(EmbeddedError::Failed { name: "PostgreSQL", reason: last_words(&log), log })
}

fn plan(directory: &DataDir, binaries: &Binaries, cluster: &Path) -> Plan {
    let socket = directory.socket_dir();
    let program = binaries.directory.join("postgres");
    let own = [("unix_socket_directories", socket.display().to_string()), ("port", PORT.to_string())];
    let statements = binaries.has_statements().then(|| ("shared_preload_libraries", STATEMENTS.to_owned()));
    let settings = SETTINGS.map(|(name, value)| (name, value.to_owned()));
    let arguments: Vec<_> =
        own.into_iter().chain(statements).chain(settings).map(|(name, value)| format!("{name}={value}")).collect();
    let launcher = directory.launcher();
    let (cluster, prepared) = (cluster.to_owned(), cluster.to_owned());
    Plan {
        name: "PostgreSQL",
        command: Box::new(move || {
            let mut command = launcher.command(&program, "INT");
            command.arg("-D").arg(&cluster);
            for argument in &arguments {
                command.arg("-c").arg(argument);
            }
            command
        }),
        prepare: Box::new(move || heal(&prepared, &socket)),
        log: directory.log_file("postgres"),
        stop: Signal::INT,
        kill: Signal::QUIT,
    }
}

/// Ends a server that outlived a killed program, and removes the locks of one that is gone: its
/// number may be another process's by now, which PostgreSQL itself would not dare to decide.
fn heal(cluster: &Path, socket: &Path) {
    let lock = cluster.join("postmaster.pid");
    let Ok(text) = std::fs::read_to_string(&lock) else { return };
    let pid = text.lines().next().and_then(|line| i32::from_str(line.trim()).ok()).and_then(Pid::from_raw);
    // A server's working directory is its cluster.
    let is_ours =
        |pid: Pid| std::fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero())).is_ok_and(|cwd| cwd == cluster);
    if let Some(pid) = pid.filter(|pid| is_ours(*pid)) {
        tracing::warn!(
            pid = pid.as_raw_nonzero().get(),
            "stopping a private PostgreSQL that an earlier run left behind"
        );
        for (signal, patience) in [(Signal::INT, 20), (Signal::QUIT, 10), (Signal::KILL, 5)] {
            let _ = kill_process(pid, signal);
            let asked = Instant::now();
            while asked.elapsed() < Duration::from_secs(patience) {
                if test_kill_process(pid).is_err() || !is_ours(pid) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        return;
    }
    tracing::info!("removing the locks of a private PostgreSQL that did not stop in order");
    for stale in [lock, socket.join(format!(".s.PGSQL.{PORT}.lock")), socket.join(format!(".s.PGSQL.{PORT}"))] {
        let _ = std::fs::remove_file(stale);
    }
}

/// Waits until the server answers and has the database.
async fn wait_until_ready(service: &Service, directory: &DataDir, url: &str) -> Result<(), EmbeddedError> {
    let failed = |reason| EmbeddedError::Failed { name: "PostgreSQL", reason, log: directory.log_file("postgres") };
    let options = PgConnectOptions::from_str(url).map_err(|error| failed(error.to_string()))?;
    let options = options.database("postgres").disable_statement_logging();
    let started = Instant::now();
    let mut connection = loop {
        let attempt = tokio::time::timeout(Duration::from_secs(2), options.connect());
        let reason = tokio::select! {
            () = service.died(DEATHS_BEFORE_GIVING_UP) => return Err(failed(last_words(&directory.log_file("postgres")))),
            attempt = attempt => match attempt {
                Ok(Ok(connection)) => break connection,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it does not answer".to_owned(),
            },
        };
        if started.elapsed() > START_LIMIT {
            return Err(failed(reason));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let exists = sqlx::query("SELECT FROM pg_database WHERE datname = $1").bind(DATABASE);
    let exists = exists.fetch_optional(&mut connection).await.map_err(|error| failed(error.to_string()))?;
    if exists.is_none() {
        let create = sqlx::query("CREATE DATABASE recipe_db").execute(&mut connection).await;
        create.map_err(|error| failed(error.to_string()))?;
    }
    let _ = connection.close().await;
    // Where the library was not loaded it can be made and not be read: then it is left away.
    if let Ok(mut connection) = options.database(DATABASE).connect().await {
        let loaded = sqlx::query_scalar::<_, bool>("SELECT current_setting('shared_preload_libraries') <> ''");
        if loaded.fetch_one(&mut connection).await.unwrap_or(false) {
            let made = sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").execute(&mut connection).await;
            if let Err(error) = made {
                tracing::warn!(%error, "statements are not counted");
            }
        }
        let _ = connection.close().await;
    }
    Ok(())
}
