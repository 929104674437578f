//! What of the host is read.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[system]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SystemSource {
    /// The host's name in labels and on the page. Empty: the one the kernel knows.
    pub host: String,
    /// A path on the data disk, whose usage is `disk_usage` without a label. Empty: the disk that
    /// the data directory is on.
    pub data_disk: PathBuf,
}
