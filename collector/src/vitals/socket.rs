//! The way from one process to another about vitals: whoever connects is told, and nothing is asked.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::own_socket;

/// Neither end waits longer for the other.
const PATIENCE: Duration = Duration::from_secs(3);
/// Of an answer.
const LONGEST: u64 = 16 << 20;

/// Where the program of this name is found.
pub(super) fn path(data_dir: &Path, program: &str) -> PathBuf {
    data_dir.join(program.rsplit('-').next().unwrap_or(program)).with_extension("sock")
}

/// Where others ask, as long as this is not dropped.
pub(super) struct Counter(UnixListener);

impl Counter {
    /// Opens it; says so where that cannot be.
    pub(super) fn open(path: &Path) -> Option<Self> {
        own_socket::listen(path)
            .map(Self)
            .inspect_err(|error| {
                let path = path.display();
                tracing::warn!(%error, %path, "no other program will know how this one stands: see the permissions");
            })
            .ok()
    }

    /// Waits for the next who asks.
    pub(super) async fn next(&self) -> UnixStream {
        loop {
            match self.0.accept().await {
                Ok((stream, _)) => return stream,
                Err(_) => tokio::time::sleep(PATIENCE).await,
            }
        }
    }
}

/// Tells one of them.
pub(super) async fn answer(mut stream: UnixStream, answer: &[u8]) {
    let told = async {
        stream.write_all(answer).await?;
        stream.shutdown().await
    };
    if !matches!(tokio::time::timeout(PATIENCE, told).await, Ok(Ok(()))) {
        tracing::debug!("whoever asked how this program stands did not wait for it");
    }
}

/// What is told there.
pub(super) async fn ask(path: &Path) -> io::Result<Vec<u8>> {
    let asked = async {
        let mut answer = Vec::new();
        UnixStream::connect(path).await?.take(LONGEST).read_to_end(&mut answer).await?;
        Ok(answer)
    };
    tokio::time::timeout(PATIENCE, asked).await?
}
