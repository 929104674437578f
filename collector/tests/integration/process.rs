//! Processes and waiting, for the tests of every crate that starts a program.

use std::fs;
use std::future::Future;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longer than anything takes on a busy machine; a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A directory that the servers' user may enter, as a data directory must be for root.
pub fn directory() -> TempDir {
    tempfile::Builder::new().prefix("rm").permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap()
}

/// The content of a directory, to be put into others.
pub struct Packed(Vec<u8>);

impl Packed {
    /// Everything in `directory`, with owners and permissions.
    pub fn of(directory: &Path) -> Self {
        let packed = Command::new("tar").args(["--create", "--numeric-owner", "."]).current_dir(directory).output();
        let packed = packed.unwrap();
        assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
        Self(packed.stdout)
    }

    /// Puts it into `directory`, which is made if need be.
    pub fn put(&self, directory: &Path) {
        fs::create_dir_all(directory).unwrap();
        let mut tar = Command::new("tar");
        tar.args(["--extract", "--preserve-permissions", "--numeric-owner"]).current_dir(directory);
        let mut tar = tar.stdin(Stdio::piped()).spawn().unwrap();
        tar.stdin.take().unwrap().write_all(&self.0).unwrap();
        assert!(tar.wait().unwrap().success());
    }
}

/// Runs the program to its end; for a start that is refused.
pub fn outcome(mut command: Command) -> Output {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("it did not end: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

/// Asks again and again until there is an answer.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The answer of something that has to come in time.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("still not: {what}"))
}
