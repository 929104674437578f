//! Whether the programs and the page's files are where the programs look for them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const DASHBOARD: &str = "recipe-monitoring-dashboard";
/// What a page cannot do without.
const PAGE: [&str; 3] = ["js", "wasm", "css"];

/// Why the installation is not whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilesError {
    #[error(
        "{DASHBOARD} is neither in {directory} nor on the PATH; install it beside this program, or build both with: make run"
    )]
    NoDashboard { directory: String },
    #[error(
        "the page's files (.{kind}) are not in {directory}; build them with: make run, or name their folder in LEPTOS_SITE_ROOT"
    )]
    NoPage { directory: String, kind: &'static str },
}

/// Looks for the dashboard's program and its files, as that looks for them itself.
pub(super) fn check() -> Result<(), FilesError> {
    let own = std::env::current_exe().unwrap_or_default();
    let beside = own.parent().unwrap_or(Path::new(".")).to_owned();
    let dashboard =
        find_dashboard(&beside).ok_or_else(|| FilesError::NoDashboard { directory: beside.display().to_string() })?;
    let package = site_root(&dashboard).join("pkg");
    let files: Vec<PathBuf> =
        std::fs::read_dir(&package).into_iter().flatten().flatten().map(|file| file.path()).collect();
    let has = |kind: &str| files.iter().any(|file| file.extension().is_some_and(|extension| extension == kind));
    match PAGE.into_iter().find(|kind| !has(kind)) {
        Some(_) if has_them_in_itself(&dashboard) => Ok(()),
        Some(kind) => Err(FilesError::NoPage { directory: package.display().to_string(), kind }),
        None => Ok(()),
    }
}

fn find_dashboard(beside: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::iter::once(beside.to_owned()).chain(std::env::split_paths(&path));
    let runs =
        |file: &PathBuf| file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    let found = directories.map(|directory| directory.join(DASHBOARD)).find(runs)?;
    // A link on the PATH leads to where the files are.
    Some(found.canonicalize().unwrap_or(found))
}

/// Whether it is a packaged dashboard, which needs no files beside it.
fn has_them_in_itself(dashboard: &Path) -> bool {
    let mut asked = Command::new(dashboard);
    asked.arg("--has-page").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

fn site_root(dashboard: &Path) -> PathBuf {
    let installed = dashboard.parent().map(|directory| directory.join("../site")).filter(|site| site.exists());
    std::env::var_os("LEPTOS_SITE_ROOT").map(PathBuf::from).or(installed).unwrap_or_else(|| "target/site".into())
}
