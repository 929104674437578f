//! What of the page's own files the document names: what `cargo leptos build` made.

use std::path::PathBuf;

use app::Assets;
use leptos::config::{LeptosOptions, get_configuration};

use crate::error::ServerError;
use crate::site::Site;

const NAME: &str = "recipe-monitoring";
const PACKAGE: &str = "pkg";

/// Finds the files, where cargo-leptos or `LEPTOS_SITE_ROOT` say or as they were built, and the names of those that the
/// document asks for.
pub(crate) fn find() -> Result<(LeptosOptions, Assets, Site), ServerError> {
    let by_cargo_leptos = std::env::var_os("LEPTOS_OUTPUT_NAME").map(|_| get_configuration(None)).transpose();
    let by_cargo_leptos = by_cargo_leptos.map_err(|error| ServerError::Leptos(error.to_string()))?;
    let by_cargo_leptos = by_cargo_leptos.map(|file| file.leptos_options);
    let named = by_cargo_leptos.as_ref().map(|options| PathBuf::from(&*options.site_root));
    let named = named.or_else(|| std::env::var_os("LEPTOS_SITE_ROOT").map(PathBuf::from));
    let site = named.map_or_else(Site::built, Site::Folder);
    let package = format!("{}/", by_cargo_leptos.as_ref().map_or(PACKAGE, |options| &options.site_pkg_dir));
    site.check(&package)?;
    if is_watched() {
        site.name_plainly(&package, NAME, ".css");
    }
    let asset =
        |folder: &str, start: &str, end| site.newest(folder, start, end).map(|name| format!("./{folder}{name}"));
    let assets = Assets {
        style: asset(&package, NAME, ".css"),
        page: asset("", "page-", ".js"),
        app: asset(&package, NAME, ".js"),
        wasm: asset(&package, NAME, ".wasm"),
        echarts: asset("", "echarts-", ".js"),
        health: asset("", "health-", ".js"),
    };
    let options = by_cargo_leptos.unwrap_or_else(|| LeptosOptions::builder().output_name(NAME).build());
    Ok((options, assets, site))
}

/// Whether `cargo leptos watch` runs the program. It builds what has changed under names without a hash, and tells pages by
/// a port of its own to load themselves anew, or the style by that name.
pub(crate) fn is_watched() -> bool {
    std::env::var_os("LEPTOS_WATCH").is_some()
}
