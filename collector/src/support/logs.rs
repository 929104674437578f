//! The newest lines of logs: of the private servers, of the programs under PM2 and under systemd.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// Of the end of a file.
const NEWEST: u64 = 256 << 10;
/// Lines of the journal.
const LINES: &str = "2000";
const UNITS: [&str; 2] = ["recipe-monitoring-collector", "recipe-monitoring-dashboard"];
/// How long the journal may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A log, or why it is not there.
pub(super) struct Log {
    pub(super) name: String,
    pub(super) text: Result<String, String>,
}

/// All that are found.
pub(super) async fn all(environment: &BTreeMap<String, String>, data_dir: Option<&Path>) -> Vec<Log> {
    let mut logs = Vec::new();
    if let Some(data_dir) = data_dir {
        logs.extend(of_folder(&data_dir.join("log"), ""));
    }
    for folder in pm2_folders(environment) {
        logs.extend(of_folder(&folder, "recipe-monitoring-"));
    }
    logs.push(Log { name: "journal.txt".to_owned(), text: journal().await });
    logs
}

/// Where PM2 writes, and where `setup` told it to.
fn pm2_folders(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let pm2 = variable("PM2_HOME").or_else(|| Some(variable("HOME")?.join(".pm2")));
    let mut folders: Vec<_> = variable("LOG_DIR").into_iter().chain(pm2.map(|pm2| pm2.join("logs"))).collect();
    folders.dedup();
    folders
}

/// Those in a folder whose names start so.
fn of_folder(folder: &Path, start: &str) -> Vec<Log> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    let log = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.to_owned();
        let is_it = name.starts_with(start) && name.ends_with(".log");
        is_it.then(|| Log { name, text: end_of(&path).map_err(|error| error.to_string()) })
    };
    paths.into_iter().filter_map(log).collect()
}

/// The whole lines at the end of a file.
fn end_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let begin = file.metadata()?.len().saturating_sub(NEWEST);
    file.seek(SeekFrom::Start(begin))?;
    let mut end = Vec::new();
    file.take(NEWEST).read_to_end(&mut end)?;
    let text = String::from_utf8_lossy(&end).into_owned();
    // The first one is not whole.
    Ok(if begin == 0 { text } else { text.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or_default() })
}

async fn journal() -> Result<String, String> {
    let mut command = Command::new("journalctl");
    command.args(["--no-pager", "--quiet", "--output=short-iso", "--lines", LINES]);
    for unit in UNITS {
        command.args(["--unit", unit]);
    }
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    match timeout(PATIENCE, output).await {
        Ok(Ok(output)) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(Ok(output)) => Err(format!("journalctl: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Ok(Err(error)) => Err(format!("journalctl: {error}")),
        Err(_) => Err(format!("journalctl: no answer within {PATIENCE:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_log_is_whole_lines() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("recipe-monitoring-dashboard-error.log");
        let lines: String = (0..40_000).map(|line| format!("line {line}\n")).collect();
        fs::write(&path, &lines).unwrap();
        fs::write(directory.path().join("other.log"), "not ours\n").unwrap();
        let mut logs = of_folder(directory.path(), "recipe-monitoring-");
        assert_eq!(logs.len(), 1);
        let text = logs.remove(0).text.unwrap();
        assert!(text.starts_with("line ") && lines.ends_with(&text) && text.len() as u64 <= NEWEST);
        assert!(of_folder(&directory.path().join("missing"), "").is_empty());
    }
}
