//! `doctor`: what is wrong with an installation, why, and what to do about it. With `--json` it is
//! one object:
//!
//! ```text
//! {"ok": false, "warnings": 1, "troubles": 1, "checks": [
//!   {"id": "redis", "name": "Redis connection", "result": "trouble", "seen": "127.0.0.1:6379", "milliseconds": 3,
//!    "findings": [{"severity": "trouble", "fault": "down", "cause": "…", "remedy": "…", "commands": ["…"]}]}]}
//! ```
//!
//! `result` is `ok`, `not_looked_at`, `warning` or `trouble`. `id` and `fault` stay; the other texts may change.

use std::error::Error;
use std::io::IsTerminal;

use super::print;
use super::progress::Progress;
use crate::config::Sources;
use crate::doctor::{self, Checked, Finding, Outcome};

/// Flags of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(sources: &Sources, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    // Where lines are printed nobody needs to be told how far it is.
    let mut progress =
        (std::io::stderr().is_terminal() && arguments.json).then(|| Progress::start("doctor", Some(doctor::COUNT)));
    let (mut page, mut count) = (Page::default(), 0);
    let done = doctor::examine(sources, |checked| {
        count += 1;
        if let Some(progress) = &mut progress {
            progress.at(count);
        }
        if !arguments.json {
            page.add(checked);
        }
    })
    .await;
    drop(progress);
    page.end()?;
    let of = |outcome| done.iter().filter(|checked| checked.result == outcome).count();
    let (troubles, warnings, skipped) = (of(Outcome::Trouble), of(Outcome::Warning), of(Outcome::NotLookedAt));
    if arguments.json {
        let ok = troubles == 0;
        print(
            &serde_json::json!({ "ok": ok, "warnings": warnings, "troubles": troubles, "checks": done }).to_string(),
        )?;
    } else {
        let all = done.len();
        print(&format!("{all} checks: {troubles} in trouble, {warnings} with a warning, {skipped} not looked at"))?;
    }
    match troubles {
        0 => Ok(()),
        troubles => {
            Err(format!("{troubles} of {} checks found trouble; the first is often the reason for others", done.len())
                .into())
        }
    }
}

/// Lines as they are printed. Those that were not looked at for one reason are one line.
struct Page {
    skipped: Vec<&'static str>,
    why: String,
    /// Nobody may read on.
    printed: std::io::Result<()>,
}

impl Default for Page {
    fn default() -> Self {
        Self { skipped: Vec::new(), why: String::new(), printed: Ok(()) }
    }
}

impl Page {
    fn add(&mut self, checked: &Checked) {
        let is_skipped = checked.result == Outcome::NotLookedAt;
        if !is_skipped || checked.seen != self.why {
            self.flush();
        }
        if is_skipped {
            self.skipped.push(checked.name);
            self.why.clone_from(&checked.seen);
            return;
        }
        for line in lines(checked) {
            self.print(&line);
        }
    }

    fn flush(&mut self) {
        if !self.skipped.is_empty() {
            let line = format!("skipped  {}: {}", std::mem::take(&mut self.skipped).join(", "), self.why);
            self.print(&line);
        }
    }

    fn print(&mut self, line: &str) {
        if self.printed.is_ok() {
            self.printed = print(line);
        }
    }

    fn end(mut self) -> std::io::Result<()> {
        self.flush();
        self.printed
    }
}

/// A check on its line, and under it what is wrong and what to do.
fn lines(checked: &Checked) -> Vec<String> {
    let result = match checked.result {
        Outcome::Ok | Outcome::NotLookedAt => "ok",
        Outcome::Warning => "warning",
        Outcome::Trouble => "TROUBLE",
    };
    let Checked { name, milliseconds, seen, .. } = checked;
    let mut lines = vec![format!("{result:<8} {name:<34} {milliseconds:>5} ms  {seen}").trim_end().to_owned()];
    for Finding { cause, remedy, commands, .. } in &checked.findings {
        lines.push(format!("         cause:  {cause}"));
        lines.push(format!("         remedy: {remedy}"));
        lines.extend(commands.iter().map(|command| format!("             {command}")));
    }
    lines
}
