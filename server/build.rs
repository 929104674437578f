//! With the feature `embed`: writes the table of the page's files, which become part of the program.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_EMBED").is_none() {
        return Ok(());
    }
    let variable = |name| env::var_os(name).map(PathBuf::from).unwrap_or_default();
    // Where scripts/build.sh puts them. Without them the program is built and refuses to start.
    let site = variable("CARGO_MANIFEST_DIR").join("../target/site");
    println!("cargo::rerun-if-changed={}", site.display());
    let mut files = Vec::new();
    if site.is_dir() {
        find(&site, &mut files)?;
    }
    files.sort();
    let mut table = "[\n".to_owned();
    for path in &files {
        let name = path.strip_prefix(&site).unwrap_or(path).to_string_lossy();
        let _ = writeln!(table, "    ({name:?}, include_bytes!({path:?})),");
    }
    fs::write(variable("OUT_DIR").join("files.rs"), table + "]\n")
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
