//! What the program and its host are.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::{source, vitals};

/// Of the page that a listing may fill.
const LISTED: usize = 500;
/// What the kernel and the system say of themselves.
const FILES: [&str; 7] = [
    "/etc/os-release",
    "/etc/timezone",
    "/proc/version",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/self/limits",
];

/// What runs here, by version.
pub(super) fn versions() -> Value {
    json!({
        "recipe_monitoring": env!("CARGO_PKG_VERSION"),
        "build": vitals::build(),
        "host": source::host_name(""),
        "user_id": rustix::process::geteuid().as_raw(),
    })
}

/// CPU, memory, disks and kernel.
pub(super) fn basics(data_dir: Option<&Path>) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_else(|error| error.to_string());
    let cpus = read("/proc/cpuinfo");
    let names: Vec<_> = cpus.lines().filter(|line| line.starts_with("model name")).collect();
    let cpu = names.first().and_then(|line| line.split(':').nth(1)).unwrap_or_default().trim();
    let mut text = format!("## CPU\n{} x {cpu}\n\n## disks\n", names.len());
    let mounts = read("/proc/mounts");
    let of_devices = mounts.lines().filter(|line| line.starts_with("/dev/")).filter_map(|line| line.split(' ').nth(1));
    for path in of_devices.map(Path::new).chain(data_dir) {
        let _ = match rustix::fs::statvfs(path) {
            Ok(stat) => {
                let mib = |blocks: u64| blocks.saturating_mul(stat.f_frsize) >> 20;
                let (all, free) = (mib(stat.f_blocks), mib(stat.f_bavail));
                writeln!(text, "{}: {free} MiB of {all} free, {} inodes", path.display(), stat.f_favail)
            }
            Err(error) => writeln!(text, "{}: {error}", path.display()),
        };
    }
    for path in FILES {
        let _ = write!(text, "\n## {path}\n{}", read(path));
    }
    text
}

/// Names, sizes and permissions of what lies in the data directory, without what is in it.
pub(super) fn listing(data_dir: &Path) -> String {
    let mut lines = Vec::new();
    list(data_dir, data_dir, 0, &mut lines);
    let more = lines.len().saturating_sub(LISTED);
    lines.truncate(LISTED);
    let more = if more > 0 { format!("and {more} more\n") } else { String::new() };
    format!("{}\n{}{more}", data_dir.display(), lines.concat())
}

fn list(root: &Path, folder: &Path, depth: u32, lines: &mut Vec<String>) {
    use std::os::unix::fs::MetadataExt;
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return lines.push(format!("{}: {error}\n", folder.display())),
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        let name = path.strip_prefix(root).unwrap_or(&path).display();
        lines.push(format!(
            "{:06o} {:>5}:{:<5} {:>12} {} {name}\n",
            meta.mode(),
            meta.uid(),
            meta.gid(),
            meta.len(),
            jiff::Timestamp::from_second(meta.mtime()).unwrap_or_default(),
        ));
        // What PostgreSQL and Redis keep within is their own business.
        let is_servers = depth == 0 && path.file_name().is_some_and(|name| name == "postgres" || name == "redis");
        if meta.is_dir() && depth < 2 && !is_servers {
            list(root, &path, depth + 1, lines);
        }
    }
}
