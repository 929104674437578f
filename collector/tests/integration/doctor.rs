//! `doctor`: every trouble is really made, is found by its id with cause and remedy, and is gone once
//! the remedy was applied.

mod clocks;
mod postgresql;
mod redis;
mod running;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::cli::{Ended, run};
use crate::helpers::{PROGRAM, directory, program, with_mounts};

/// What it said, as JSON.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    json: Value,
}

impl Said {
    pub fn of(mut command: Command) -> Self {
        command.arg("--json");
        let Ended { code, out, err } = run(command);
        let json: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out} {err}"));
        assert_eq!((json["ok"] == true, json["troubles"] == 0), (code == Some(0), code == Some(0)), "{json:#}");
        Self { code, json }
    }

    pub fn check(&self, id: &str) -> &Value {
        self.json["checks"].as_array().unwrap().iter().find(|check| check["id"] == id).unwrap()
    }

    #[track_caller]
    pub fn is(&self, id: &str, result: &str) -> &Self {
        assert_eq!(self.check(id)["result"], result, "{id}: {:#}", self.json);
        self
    }

    /// The first finding of a check, which has this fault and all `parts` in its texts; answers its commands.
    #[track_caller]
    pub fn finds(&self, id: &str, fault: &str, parts: &[&str]) -> Vec<String> {
        let check = self.check(id);
        let finding = &check["findings"][0];
        assert_eq!(finding["fault"], fault, "{check:#}");
        assert_eq!(finding["severity"], check["result"], "{check:#}");
        assert!(!finding["cause"].as_str().unwrap().is_empty() && !finding["remedy"].as_str().unwrap().is_empty());
        let text = finding.to_string();
        for part in parts {
            let part = serde_json::to_string(part).unwrap();
            assert!(text.contains(part.trim_matches('"')), "{check:#} lacks {part}");
        }
        finding["commands"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    }

    pub fn fault(&self, id: &str) -> Option<&str> {
        self.check(id)["findings"][0]["fault"].as_str()
    }
}

/// A `doctor` that looks at nothing but what it is told to: `arguments` name it.
pub fn doctor(directory: &Path, arguments: &[&str]) -> Command {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = program(&["doctor", "--set", "application.enabled=false", "--data-dir"]);
    command.arg(directory.join("data")).args(["--set", &format!("server.address=127.0.0.1:{port}")]).args(arguments);
    command.current_dir(directory);
    command
}

/// The same on a database, without Redis.
pub fn doctor_on(url: &str, directory: &Path, arguments: &[&str]) -> Command {
    let mut command = doctor(directory, &[&["--set", "redis.enabled=false"], arguments].concat());
    command.env("DATABASE_URL", url);
    command
}

/// Runs a line of a remedy, where our own programs are those under test.
pub fn shell(line: &str) {
    let line = line.replace("recipe-monitoring-collector", PROGRAM);
    let mut command = Command::new("sh");
    command.args(["-c", &line]).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{line}: {ended:?}");
}

#[test]
fn wrong_settings_are_the_first_trouble_and_the_rest_is_looked_at_all_the_same() {
    let directory = directory();
    let (env, file) = (directory.path().join(".env"), directory.path().join("recipe-monitoring.toml"));
    fs::write(&env, "DATABASE_URL=postgres://u:hunter2@127.0.0.1:1/d\nRECIPE_MONITORING_REDIS__ENABLED=false\n")
        .unwrap();
    fs::set_permissions(&env, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&file, "[live]\npush = \"fast\"\n[schedule]\nsvae = \"1m\"\n").unwrap();
    let look = || Said::of(doctor(directory.path(), &[]));
    let said = look();
    assert_eq!(said.code, Some(1));
    assert!(!said.json.to_string().contains("hunter2"));
    let faults: Vec<_> = said.check("settings")["findings"].as_array().unwrap().iter().map(|f| &f["fault"]).collect();
    assert_eq!(faults, ["unknown", "invalid"], "{:#}", said.check("settings"));
    said.finds("settings", "unknown", &["schedule.svae", "schedule.save", "recipe-monitoring.toml"]);
    let commands = said.finds("env_file", "readable_by_others", &["mode is 0644"]);
    assert_eq!(commands, [format!("chmod 600 {}", env.display())]);
    // What is there is used: it is what was meant.
    said.finds("postgresql", "down", &["127.0.0.1:1 (database d, user u)"]);

    shell(&commands[0]);
    fs::write(&file, "[live]\npush = \"2s\"\n").unwrap();
    look().is("settings", "ok").is("env_file", "ok");
    fs::write(&file, "[database]\npool_max = 1\n").unwrap();
    let said = look();
    said.finds("settings", "invalid", &["database.pool_max = 1", "database.pool_min"]);
    said.is("postgresql", "not_looked_at").is("tables", "not_looked_at");
}

#[test]
fn files_that_settings_name() {
    let directory = directory();
    let (rules, secret) = (directory.path().join("rules.toml"), directory.path().join("secret"));
    fs::write(&rules, "[[rule]]\nalert = \"HighCPU\"\nexpr = \"cpu_usage >\"\n").unwrap();
    let toml = format!(
        "[alerts]\nrules = \"{}\"\n[notify.receivers.team]\nkind = \"slack\"\nurl_file = \"{}\"\n",
        rules.display(),
        secret.display()
    );
    fs::write(directory.path().join("recipe-monitoring.toml"), toml).unwrap();
    let look = || Said::of(doctor(directory.path(), &[]));
    let said = look();
    said.finds("rules", "invalid", &["line 3", "expr", "rules check"]);
    said.finds("receivers", "unreadable_secret", &["notify.receivers.team.url_file", secret.to_str().unwrap()]);
    fs::write(&rules, "[[rule]]\nalert = \"HighCPU\"\nexpr = \"cpu_usage > 90\"\n").unwrap();
    fs::write(&secret, "https://hooks.slack.com/x\n").unwrap();
    look().is("rules", "ok").is("receivers", "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_down_elsewhere_or_speaks_something_else() {
    let directory = directory();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let look = async |path: &str| {
        let target = format!("application.targets=[\"http://{address}{path}\"]");
        let command = doctor(directory.path(), &["--set", "application.enabled=true", "--set", &target]);
        tokio::task::spawn_blocking(|| Said::of(command)).await.unwrap()
    };
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4_096];
            let read = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            let (status, body) = match request.split(' ').nth(1).unwrap() {
                "/metrics" => ("200 OK", "# TYPE up gauge\nup 1\n"),
                "/page" => ("200 OK", "<html>not metrics</html>\n"),
                "/empty" => ("200 OK", ""),
                _ => ("404 Not Found", ""),
            };
            let length = body.len();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    look("/other").await.finds("application", "not_found", &["/other", "target's url"]);
    look("/page").await.finds("application", "not_prometheus", &["/page"]);
    look("/empty").await.finds("application", "no_metrics", &["/empty"]);
    look("/metrics").await.is("application", "ok");
    server.abort();
    let _ = server.await;
    let said = look("/metrics").await;
    said.finds("application", "down", &["refuses connections", "curl -si"]);
    said.is("application", "trouble");
}

#[test]
fn a_port_that_somebody_else_has_is_named_with_the_process() {
    let directory = directory();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let look = |address: &str| Said::of(doctor(directory.path(), &["--set", &format!("server.address={address}")]));
    let said = look(&address);
    let own = format!("(process {})", std::process::id());
    let commands = said.finds("dashboard", "port_taken", &[&address, &own, "another port"]);
    said.is("dashboard", "trouble");
    let other = commands.last().unwrap().rsplit('=').next().unwrap();
    assert_ne!(other, address);
    drop(taken);
    look(&address).finds("dashboard", "not_running", &["recipe-monitoring-dashboard"]);
}

#[test]
fn a_data_directory_that_is_not_there_or_somebody_elses() {
    let directory = directory();
    let place = directory.path().join("data");
    let look = || Said::of(doctor(directory.path(), &[]));
    let said = look();
    said.finds("data_directory", "missing", &[place.to_str().unwrap(), "recipe-monitoring-dashboard --data-dir"]);
    said.is("collector", "not_looked_at").is("postgresql", "not_looked_at");
    assert!(!place.exists());
    fs::create_dir(&place).unwrap();
    let said = look();
    said.is("data_directory", "ok");
    said.finds("collector", "not_running", &["recipe-monitoring-dashboard --data-dir"]);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
    fs::remove_dir(&place).unwrap();
    fs::write(&place, "").unwrap();
    look().finds("data_directory", "no_directory", &["--data-dir"]);

    if !rustix::process::geteuid().is_root() {
        // Only root can be somebody else.
        return;
    }
    fs::remove_file(&place).unwrap();
    fs::create_dir_all(place.join("spool")).unwrap();
    let copy = directory.path().join("recipe-monitoring-collector");
    fs::copy(PROGRAM, &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    let look = || {
        let mut command = Command::new(&copy);
        command.args(["doctor", "--data-dir"]).arg(&place).args(["--set", "application.enabled=false"]);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir("/").uid(65_534).gid(65_534);
        Said::of(command)
    };
    look().finds("data_directory", "other_user", &["sudo -u '#0'", "user 65534"]);
    std::os::unix::fs::chown(&place, Some(65_534), Some(65_534)).unwrap();
    let said = look();
    let commands = said.finds("data_directory", "not_writable", &[place.join("spool").to_str().unwrap()]);
    // As root one need not be asked for a password.
    commands.iter().for_each(|command| shell(command.trim_start_matches("sudo ")));
    look().is("data_directory", "ok");
}

#[test]
fn a_disk_without_room() {
    let directory = directory();
    let mount_point = directory.path().join("data");
    fs::create_dir(&mount_point).unwrap();
    let look = |mount: &str| {
        let script = format!(
            "mount -t tmpfs -o mode=0755,{mount} tmpfs \"$0\" \
             && {{ dd if=/dev/zero of=\"$0/log\" bs=1k count=4000 2>/dev/null; exec \"$@\"; }}"
        );
        let mut command = with_mounts(&script, &mount_point)?;
        command.arg(PROGRAM).args(doctor(directory.path(), &[]).get_args()).current_dir("/");
        Some(Said::of(command))
    };
    let Some(said) = look("size=4m") else { return };
    said.is("disk", "trouble");
    let commands = said.finds("disk", "disk_full", &["only 0 MiB of 4 MiB are free", "schedule.retention_days"]);
    assert_eq!(commands[0], format!("df -h {}", mount_point.display()));
    // More room is what it asks for.
    look("size=300m").unwrap().is("disk", "ok");
    look("size=300m,nr_inodes=500").unwrap().finds("disk", "no_inodes", &["df -i "]);
    look("size=300m,ro").unwrap().finds("data_directory", "read_only", &["remount,rw"]);
}

#[test]
fn for_people_it_is_a_line_for_each_check_with_cause_and_remedy_below() {
    let directory = directory();
    let ended = run(doctor(directory.path(), &[]));
    assert_eq!(ended.code, Some(1));
    let lines: Vec<_> = ended.out.lines().collect();
    assert!(lines[0].starts_with("ok       settings ") && lines[0].ends_with(" ms  all valid"), "{}", ended.out);
    let trouble = lines.iter().position(|line| line.starts_with("TROUBLE  data directory ")).unwrap();
    assert!(lines[trouble + 1].starts_with("         cause:  ") && lines[trouble + 2].starts_with("         remedy: "));
    assert!(lines[trouble + 3].starts_with("             recipe-monitoring-dashboard --data-dir "), "{}", ended.out);
    // Those that follow from it are one line.
    let skipped = "skipped  disk of the data directory, collector, samples that wait on disk: needs data directory";
    assert!(lines[trouble + 4].starts_with(skipped), "{}", ended.out);
    assert!(lines.last().unwrap().starts_with("29 checks: 1 in trouble, "), "{}", ended.out);
    assert!(ended.err.contains("1 of 29 checks found trouble"), "{}", ended.err);
}

/// Every file below with its content's length and time.
pub fn files(directory: &Path) -> Vec<(PathBuf, u64, std::time::SystemTime)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let meta = entry.metadata().unwrap();
        if meta.is_dir() {
            all.extend(files(&entry.path()));
        } else {
            all.push((entry.path(), meta.len(), meta.modified().unwrap()));
        }
    }
    all.sort();
    all
}
