//! Where the page's own files lie: what `cargo leptos build` made.

use std::path::{Path, PathBuf};

use app::Assets;
use leptos::config::{LeptosOptions, get_configuration};

use crate::error::ServerError;

const NAME: &str = "recipe-monitoring";

/// Finds the files: where cargo-leptos says when it started us, else in `LEPTOS_SITE_ROOT`, else
/// beside the binary, where the build puts them.
pub(crate) fn find() -> Result<(LeptosOptions, Assets), ServerError> {
    let options = if std::env::var_os("LEPTOS_OUTPUT_NAME").is_some() {
        get_configuration(None).map_err(|error| ServerError::Leptos(error.to_string()))?.leptos_options
    } else {
        let root = site_root().to_string_lossy().into_owned();
        LeptosOptions::builder().output_name(NAME).site_root(root).hash_files(beside("hash.txt").is_some()).build()
    };
    let root = Path::new(&*options.site_root);
    let package = root.join(&*options.site_pkg_dir);
    if !package.is_dir() {
        return Err(ServerError::NoAssets { path: package });
    }
    let asset =
        |folder: &str, start: &str, end| newest(&root.join(folder), start, end).map(|name| format!("/{folder}{name}"));
    let package = format!("{}/", options.site_pkg_dir);
    let assets = Assets {
        page: asset("", "page-", ".js"),
        app: asset(&package, &options.output_name, ".js"),
        wasm: asset(&package, &options.output_name, ".wasm"),
        echarts: asset("", "echarts-", ".js"),
    };
    Ok((options, assets))
}

fn site_root() -> PathBuf {
    std::env::var_os("LEPTOS_SITE_ROOT")
        .map(PathBuf::from)
        .or_else(|| beside("../site"))
        .unwrap_or_else(|| PathBuf::from("target/site"))
}

/// What lies beside the binary under this name; cargo-leptos writes the files' hashes there.
fn beside(name: &str) -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.parent()?.join(name);
    path.exists().then_some(path)
}

/// The newest file in `folder` whose name, which holds a hash, starts and ends so.
fn newest(folder: &Path, start: &str, end: &str) -> Option<String> {
    let files = std::fs::read_dir(folder).ok()?.flatten();
    let named = files.filter_map(|file| {
        let name = file.file_name().into_string().ok()?;
        let fits = name.starts_with(start) && name.ends_with(end);
        fits.then_some((file.metadata().ok()?.modified().ok()?, name))
    });
    named.max().map(|(_, name)| name)
}
