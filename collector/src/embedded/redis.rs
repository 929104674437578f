//! The private Redis: a cache, so everything about it may fail without harm.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::EmbeddedError;
use super::directory::{DataDir, find_program};
use super::service::{Plan, Service, last_words};

const START_LIMIT: Duration = Duration::from_secs(20);
/// The port is found free and then given to Redis; somebody may take it in between.
const ATTEMPTS: u32 = 3;

/// Starts a server on a free port of this machine; `None` where none is installed.
pub(super) async fn start(directory: &DataDir) -> Result<Option<(Service, String)>, EmbeddedError> {
    let Some(program) = find_program("redis-server", &[]) else { return Ok(None) };
    let data = directory.path.join("redis");
    directory.private_dir(&directory.path.join("log"))?;
    directory.private_dir(&data)?;
    let mut attempt = 1;
    loop {
        match start_once(directory, &program, &data).await {
            Err(EmbeddedError::Failed { .. }) if attempt < ATTEMPTS => attempt += 1,
            outcome => return outcome.map(Some),
        }
    }
}

async fn start_once(directory: &DataDir, program: &Path, data: &Path) -> Result<(Service, String), EmbeddedError> {
    let failed = |source| EmbeddedError::Directory { directory: data.to_owned(), source };
    let port = free_port(data).map_err(failed)?;
    let configuration = write_configuration(directory, data, port).map_err(failed)?;
    let service = Service::start(plan(directory, program, configuration)).map_err(failed)?;
    let ready = tokio::select! {
        () = service.died(1) => Err(last_words(&directory.log_file("redis"))),
        ready = wait_until_ready(port, &directory.password) => ready,
    };
    match ready {
        Ok(()) => Ok((service, format!("redis://default:{}@127.0.0.1:{port}/0", directory.password))),
        Err(reason) => {
            service.stop().await;
            Err(EmbeddedError::Failed { name: "Redis", reason, log: directory.log_file("redis") })
        }
    }
}

/// The port of the last time, so that others find it again, or else any that is free.
fn free_port(data: &Path) -> std::io::Result<u16> {
    let last = std::fs::read_to_string(data.join("redis.conf")).ok();
    let last = last.and_then(|text| text.lines().find_map(|line| line.strip_prefix("port ")?.parse().ok()));
    let bind = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port))?.local_addr();
    Ok(last.map_or_else(|| bind(0), |port| bind(port).or_else(|_| bind(0)))?.port())
}

/// The password belongs in a file: arguments can be read by every user of the machine.
fn write_configuration(directory: &DataDir, data: &Path, port: u16) -> std::io::Result<PathBuf> {
    use std::os::unix::fs::OpenOptionsExt;
    let path = data.join("redis.conf");
    let text = format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {}\ndir \"{}\"\nsave 300 1\nappendonly no\ndaemonize no\n\
         maxmemory 64mb\nmaxmemory-policy volatile-lru\n",
        directory.password,
        data.display(),
    );
    let _ = std::fs::remove_file(&path);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    directory.give(&path)?;
    Ok(path)
}

fn plan(directory: &DataDir, program: &Path, configuration: PathBuf) -> Plan {
    let (launcher, program) = (directory.launcher(), program.to_owned());
    Plan {
        name: "Redis",
        command: Box::new(move || {
            // Not TERM: Redis refuses to end while it cannot save, and would outlive this program.
            let mut command = launcher.command(&program, "KILL");
            command.arg(&configuration);
            command
        }),
        prepare: Box::new(|| ()),
        log: directory.log_file("redis"),
        stop: Signal::TERM,
        kill: Signal::KILL,
    }
}

async fn wait_until_ready(port: u16, password: &str) -> Result<(), String> {
    let started = Instant::now();
    loop {
        match tokio::time::timeout(Duration::from_secs(1), ping(port, password)).await {
            Ok(Ok(true)) => return Ok(()),
            Ok(Err(error)) if started.elapsed() > START_LIMIT => return Err(error.to_string()),
            _ if started.elapsed() > START_LIMIT => return Err("it does not answer".to_owned()),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Whether the server answers with this password, in the inline form of Redis' protocol.
async fn ping(port: u16, password: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(format!("AUTH {password}\r\nPING\r\nQUIT\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.contains("+PONG"))
}
