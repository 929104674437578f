//! Where the dashboard listens and who takes the samples it shows.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::error::Invalid;

/// `[server]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port of the dashboard. `LEPTOS_SITE_ADDR` is honoured too.
    pub address: SocketAddr,
    /// Whether the dashboard takes the samples itself or shows those of a separate collector.
    pub collector: CollectorMode,
}

/// Who takes the samples that the dashboard shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollectorMode {
    /// The dashboard itself, in one process.
    #[default]
    InProcess,
    /// `recipe-monitoring-collector run`.
    Separate,
}

impl Default for Server {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 5001)), collector: CollectorMode::default() }
    }
}

impl Server {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        // Nobody can log in yet: what listens to the world would be open to the world.
        if !self.address.ip().is_loopback() {
            return Err(Invalid::new(
                "server.address",
                self.address,
                "the dashboard has no log-in yet and listens on this machine only: use 127.0.0.1 and put a proxy \
                 with a log-in in front of it",
            ));
        }
        Ok(())
    }
}
