//! Where the dashboard listens and who takes the samples it shows.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

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
