//! `support`: one file for somebody who helps.

use std::error::Error;
use std::path::PathBuf;

use jiff::Timestamp;

use super::print;
use crate::config::Sources;
use crate::support;

/// Flags of `support`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// File to write [default: recipe-monitoring-support-<time>.tar.gz here]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(sources: &Sources, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let now = Timestamp::now();
    let path = arguments.output.clone().unwrap_or_else(|| sources.directory.join(support::file_name(now)));
    let bundle = support::make(sources, &path, now).await?;
    for part in &bundle.parts {
        print(&format!("  {part}"))?;
    }
    let (path, kib) = (bundle.path.display(), bundle.bytes.div_ceil(1 << 10));
    print(&format!(
        "{path}: {} files, {kib} KiB, without secrets ({} known ones were looked for); look through it before you hand it on",
        bundle.parts.len(),
        bundle.secrets,
    ))?;
    Ok(())
}
