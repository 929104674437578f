//! A child process that is kept running: started by a thread of its own, started again when it
//! dies, stopped by signal.
//!
//! The thread is what the kernel's parent-death signal hangs on (it is sent when the thread that
//! started the child ends), and so it lives as long as the child.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;

use super::directory::open_log;

/// A child that lived this long was well: the next start after its death is not delayed.
const LONG_LIFE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often a pause is looked whether it is still wanted.
const LOOK: Duration = Duration::from_millis(50);
/// A log over this size is put aside when the child is started.
const LOG_LIMIT: u64 = 8 << 20;

/// What is to be run.
pub(super) struct Plan {
    /// For messages.
    pub(super) name: &'static str,
    /// Makes the command anew for each start.
    pub(super) command: Box<dyn Fn() -> Command + Send>,
    /// Heals what an earlier life left behind, before each start.
    pub(super) prepare: Box<dyn Fn() + Send>,
    /// Where its output goes.
    pub(super) log: PathBuf,
    /// Asks it to stop in order.
    pub(super) stop: Signal,
    /// Ends it when it does not stop in order within half a minute.
    pub(super) kill: Signal,
}

/// A child that is kept running.
#[derive(Debug)]
pub(super) struct Service {
    stop: Signal,
    kill: Signal,
    shared: Arc<Mutex<Shared>>,
    alive: watch::Receiver<Life>,
}

#[derive(Debug, Default)]
struct Shared {
    stopping: bool,
    /// Set from just after the start until the child has been waited for, so a signal can never
    /// reach another process that got its number.
    pid: Option<Pid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Starting,
    /// Its number of starts that ended.
    Died(u32),
    Ended,
}

impl Service {
    pub(super) fn start(plan: Plan) -> io::Result<Self> {
        // What it says last is then of this run.
        let _ = std::fs::rename(&plan.log, plan.log.with_extension("log.old"));
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (life, alive) = watch::channel(Life::Starting);
        let service = Self { stop: plan.stop, kill: plan.kill, shared: Arc::clone(&shared), alive };
        std::thread::Builder::new()
            .name(format!("keep-{}", plan.name))
            .stack_size(128 << 10)
            .spawn(move || keep(&plan, &shared, &life))?;
        Ok(service)
    }

    /// Waits until the child has died `times` times.
    pub(super) async fn died(&self, times: u32) {
        let mut alive = self.alive.clone();
        let died = |life: &Life| match life {
            Life::Starting => false,
            Life::Died(deaths) => *deaths >= times,
            Life::Ended => true,
        };
        // An error means that the thread has ended, and the child with it.
        let _ = alive.wait_for(died).await;
    }

    /// Stops the child for good.
    pub(super) async fn stop(self) {
        self.signal(self.stop);
        let mut alive = self.alive.clone();
        let ended = alive.wait_for(|life| *life == Life::Ended);
        if tokio::time::timeout(Duration::from_secs(30), ended).await.is_err() {
            self.signal(self.kill);
            let _ = self.alive.clone().wait_for(|life| *life == Life::Ended).await;
        }
    }

    fn signal(&self, signal: Signal) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.stopping = true;
        if let Some(pid) = shared.pid {
            let _ = kill_process(pid, signal);
        }
    }
}

fn keep(plan: &Plan, shared: &Mutex<Shared>, life: &watch::Sender<Life>) {
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    let mut pause = Duration::from_millis(200);
    for deaths in 1.. {
        (plan.prepare)();
        let started = Instant::now();
        let child = {
            let mut shared = lock();
            if shared.stopping {
                break;
            }
            let child = spawn(plan);
            shared.pid = child.as_ref().ok().and_then(|child| Pid::from_raw(child.id().try_into().ok()?));
            child
        };
        let outcome = match child {
            Ok(mut child) => wait(&mut child, shared),
            Err(error) => Err(error),
        };
        if lock().stopping {
            break;
        }
        match outcome {
            Ok(status) => {
                tracing::error!(service = plan.name, %status, log = %plan.log.display(), "a private server died and is started again")
            }
            Err(error) => {
                tracing::error!(service = plan.name, %error, "a private server cannot be started");
                let _ = open_log(&plan.log).and_then(|mut log| writeln!(log, "it cannot be started: {error}"));
            }
        }
        let _ = life.send(Life::Died(deaths));
        pause = if started.elapsed() > LONG_LIFE { Duration::from_millis(200) } else { (pause * 2).min(LONGEST_PAUSE) };
        let slept = Instant::now();
        while slept.elapsed() < pause && !lock().stopping {
            std::thread::sleep(LOOK);
        }
    }
    let _ = life.send(Life::Ended);
}

/// Waits for the child without reaping it first, so that its number stays its own until the
/// shared state has forgotten it.
fn wait(child: &mut std::process::Child, shared: &Mutex<Shared>) -> io::Result<std::process::ExitStatus> {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    if let Some(pid) = child.id().try_into().ok().and_then(Pid::from_raw) {
        while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        {
        }
    }
    shared.lock().unwrap_or_else(PoisonError::into_inner).pid = None;
    child.wait()
}

fn spawn(plan: &Plan) -> io::Result<std::process::Child> {
    if std::fs::metadata(&plan.log).is_ok_and(|meta| meta.len() > LOG_LIMIT) {
        std::fs::rename(&plan.log, plan.log.with_extension("log.old"))?;
    }
    let log = open_log(&plan.log)?;
    (plan.command)().stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
}

/// The last lines of a log in one line, for an error's text.
pub(super) fn last_words(log: &std::path::Path) -> String {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<_> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
}
