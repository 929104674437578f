//! The files on disk, where they may be changed while the program runs.

use std::path::Path;

pub(super) fn newest(folder: &Path, start: &str, end: &str) -> Option<String> {
    let files = std::fs::read_dir(folder).ok()?.flatten();
    let named = files.filter_map(|file| {
        let name = file.file_name().into_string().ok()?;
        let fits = name.starts_with(start) && name.ends_with(end);
        fits.then_some((file.metadata().ok()?.modified().ok()?, name))
    });
    named.max().map(|(_, name)| name)
}

#[cfg(not(feature = "embed"))]
pub(super) fn beside_program() -> Option<std::path::PathBuf> {
    let path = std::env::current_exe().ok()?.parent()?.join("../site");
    path.exists().then_some(path)
}
