//! When something is wrong.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::rules::DEFAULT_FILE;

/// `[alerts]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alerts {
    /// The file that changes the default rules, adds others and switches some off. The one of the
    /// default name need not be there.
    pub rules: PathBuf,
}

impl Default for Alerts {
    fn default() -> Self {
        Self { rules: PathBuf::from(DEFAULT_FILE) }
    }
}
