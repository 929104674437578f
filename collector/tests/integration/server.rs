//! A PostgreSQL that belongs to the test, to be killed, paused and starved.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::helpers::{connect, quiet, try_connect, until};

/// A server on a cluster that the program has made.
pub struct Server {
    pub url: String,
    data_dir: PathBuf,
    child: Option<Child>,
    settings: Vec<String>,
}

impl Server {
    pub async fn start(directory: &Path) -> Self {
        let (mut collector, url) = quiet(directory).await;
        assert_eq!(collector.end(Signal::TERM).await, Some(0));
        let data_dir = collector.data_dir.clone();
        // Its end waits for any PostgreSQL in the directory.
        drop(collector);
        let mut server = Self { url, data_dir, child: None, settings: Vec::new() };
        server.run().await;
        server
    }

    /// Of the next starts.
    pub fn set(&mut self, settings: &[&str]) {
        self.settings.extend(settings.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]));
    }

    /// Starts it and waits until it answers; also over what a kill has left behind.
    pub async fn run(&mut self) {
        let log = fs::File::create(self.data_dir.join("server.log")).unwrap();
        until("postgresql answers", async || {
            if self.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some()) {
                self.child = Some(self.command(&log).spawn().unwrap());
            }
            try_connect(&self.url).await.map(drop)
        })
        .await;
    }

    pub fn socket_dir(&self) -> PathBuf {
        self.data_dir.join("run")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.data_dir.join("postgres").join(name)
    }

    fn command(&self, log: &fs::File) -> Command {
        let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let wanted = fs::read_to_string(self.data_dir.join("postgres/PG_VERSION")).unwrap();
        let home = installed.map(|entry| entry.path()).find(|path| path.ends_with(wanted.trim()));
        let program = home.map_or_else(|| PathBuf::from("postgres"), |home| home.join("bin/postgres"));
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.arg("-D").arg(self.data_dir.join("postgres")).args(["-c", "listen_addresses=", "-c", "port=5433"]);
        command.arg("-c").arg(format!("unix_socket_directories={}", self.socket_dir().display()));
        command.args(&self.settings).current_dir(&self.data_dir).process_group(0).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log.try_clone().unwrap());
        command
    }

    /// As if the machine had lost its power: nothing is flushed, nothing is answered any more.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let postmaster = pid(&child);
            // Held still, it begins no more of them.
            let _ = kill_process(postmaster, Signal::STOP);
            let family = children(postmaster);
            let _ = kill_process(postmaster, Signal::KILL);
            for pid in family {
                let _ = kill_process(pid, Signal::KILL);
            }
            let _ = child.wait();
        }
    }

    /// Stops it in order; connections are refused from then on.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill_process(pid(&child), Signal::INT).unwrap();
            let _ = child.wait();
        }
    }

    /// Accepts, and answers nothing, until [`Paused::resume`]: all of its processes stand still,
    /// those too that are in the middle of something.
    pub fn pause(&self) -> Paused {
        let postmaster = pid(self.child.as_ref().unwrap());
        kill_process(postmaster, Signal::STOP).unwrap();
        let mut family = children(postmaster);
        assert!(!family.is_empty());
        family.retain(|pid| kill_process(*pid, Signal::STOP).is_ok());
        family.push(postmaster);
        Paused(family)
    }

    pub async fn database(&self) -> sqlx::PgConnection {
        connect(&self.url).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server that stands still.
pub struct Paused(Vec<Pid>);

impl Paused {
    pub fn resume(self) {
        self.0.into_iter().for_each(|pid| kill_process(pid, Signal::CONT).unwrap());
    }
}

/// Its processes. Each is a session of its own, so a signal to a group reaches none of them.
fn children(parent: Pid) -> Vec<Pid> {
    let parent = parent.as_raw_nonzero().to_string();
    let all = fs::read_dir("/proc").unwrap().flatten();
    let children = all.filter_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // State and parent come after the name, which is in parentheses: proc_pid_stat(5).
        let fields = stat.rsplit(") ").next()?;
        (fields.split(' ').nth(1)? == parent).then(|| Pid::from_raw(pid))?
    });
    children.collect()
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()
}
