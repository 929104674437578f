//! The command line of `recipe-monitoring-collector`, a command a file. It is of the library, where the compiler has what
//! the commands call already: in a crate of its own each `async fn` would be compiled once more.

mod annotate;
mod audit;
mod backup;
mod check;
mod collect;
mod completions;
mod doctor;
mod env;
mod migrate;
mod notify;
mod progress;
mod restore;
mod rules;
mod run;
mod save;
mod secret;
mod settings;
mod setup;
mod stores;
mod support;
mod token;
mod upkeep;
mod user;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{Flags, Sources};
use crate::schedule::Job;
use crate::{Settings, telemetry};

/// Takes the samples of a host, keeps them in PostgreSQL and sends them to the dashboard.
#[derive(Debug, Parser)]
#[command(name = "recipe-monitoring-collector", version, max_term_width = 100, after_help = crate::config::HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take samples until told to stop; the dashboard beside it needs --set server.collector=separate
    Run,
    /// Print DATABASE_URL and REDIS_URL of the running installation, for psql and scripts
    Env,
    /// Bring the tables of DATABASE_URL up to date and exit
    Migrate,
    /// Print all settings in use, as a settings file
    Settings,
    /// Set up an installation on your own PostgreSQL and Redis, with questions or by flags
    Setup(setup::Arguments),
    /// Check the whole installation in 15 steps, beside running collectors; exit status 1 if any failed
    Check(check::Arguments),
    /// Make a backup of PostgreSQL and Redis; list them, or see that one can be restored
    Backup(backup::Arguments),
    /// Restore a backup, the newest by: restore latest
    Restore(restore::Arguments),
    /// Find out what is wrong with the installation, why, and what to do; exit status 1 in trouble
    Doctor(doctor::Arguments),
    /// Write one file, without secrets, for somebody who helps from afar; also where nothing runs
    Support(support::Arguments),
    /// Check the file with the alert rules, or run rules over the stored history
    Rules(rules::Arguments),
    /// Print what a shell completes: bash, zsh, fish, elvish or powershell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Send a test to the receivers of alerts
    Notify(notify::Arguments),
    /// Mark a moment on every graph, a deploy for one; list what is marked, or remove it
    Annotate(annotate::Arguments),
    /// Say who may log in to the dashboard: add, list, passwd, role, remove
    User(user::Arguments),
    /// Make an API token for scraping, pushing or the API; list or remove tokens
    Token(token::Arguments),
    /// Print who has changed what, and who tried to log in
    Audit(audit::Arguments),
    /// Read the host once and add a row of each kind to metrics_raw
    Collect,
    /// Save what waits in the spool to PostgreSQL, by the running collector where there is one
    Save,
    /// Aggregate every full hour that lacks it into metrics_hourly
    Aggregate,
    /// Bring the view metrics_last_24h up to date
    Refresh,
    /// Summarise every full day that lacks it into daily_summaries
    Summarize,
    /// Delete what is older than schedule.retention_days
    Cleanup,
    /// Make the partitions of this month and the next ones
    Partitions,
}

/// The commands as `--help` shows them.
const GROUPS: [(&str, &[&str]); 7] = [
    ("Running", &["run", "env", "settings"]),
    ("Installation", &["setup", "migrate", "check", "doctor", "support", "completions"]),
    ("Who may", &["user", "token", "audit"]),
    ("Backups", &["backup", "restore"]),
    ("Alerts", &["rules", "notify"]),
    ("Graphs", &["annotate"]),
    ("Scheduled work by hand", &["collect", "save", "aggregate", "refresh", "summarize", "cleanup", "partitions"]),
];

/// Runs the command that the process was started with, to its end. Ends the process where that is help, or wrong.
#[tokio::main]
pub async fn main() -> ExitCode {
    match run(Arguments::of_process()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say_error(&*error);
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn of_process() -> Self {
        let command = Self::command();
        let help = help(&command);
        let matches = command.help_template(help).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// The page of all commands, in groups, which clap itself does not know.
fn help(command: &clap::Command) -> String {
    let mut page = "{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    for (group, names) in GROUPS {
        page += &format!("\n{group}:\n");
        for name in names {
            let about = command.find_subcommand(name).and_then(clap::Command::get_about).cloned().unwrap_or_default();
            page += &format!("  {name:<11}  {about}\n");
        }
    }
    page + "\nOptions:\n{options}{after-help}"
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    if let Command::Completions { shell } = arguments.command {
        // Also where the settings are not right.
        return Ok(completions::run(shell)?);
    }
    let sources = Sources::of_process(arguments.flags);
    // Wrong settings are the first thing that it looks for.
    if let Command::Doctor(arguments) = &arguments.command {
        return doctor::run(&sources, arguments).await;
    }
    if let Command::Support(arguments) = &arguments.command {
        return support::run(&sources, arguments).await;
    }
    let settings = Settings::load(&sources)?;
    match arguments.command {
        Command::Completions { .. } | Command::Doctor(_) | Command::Support(_) => Ok(()),
        Command::Run => {
            telemetry::start(&settings.log)?;
            run::run(sources, settings).await
        }
        Command::Env => env::run(&settings),
        Command::Migrate => migrate::run(&settings).await,
        Command::Settings => settings::run(&settings),
        Command::Check(arguments) => check::run(&settings, &arguments).await,
        Command::Setup(arguments) => setup::run(&settings, arguments).await,
        Command::Backup(arguments) => backup::run(&settings, arguments).await,
        Command::Restore(arguments) => restore::run(&settings, arguments).await,
        Command::Rules(arguments) => rules::run(&settings, arguments).await,
        Command::Notify(arguments) => notify::run(&settings, arguments).await,
        Command::Annotate(arguments) => annotate::run(&settings, arguments).await,
        Command::User(arguments) => user::run(&settings, arguments).await,
        Command::Token(arguments) => token::run(&settings, arguments).await,
        Command::Audit(arguments) => audit::run(&settings, &arguments).await,
        Command::Collect => collect::run(&settings).await,
        Command::Save => save::run(&settings).await,
        Command::Aggregate => upkeep::run(&settings, Job::Aggregate).await,
        Command::Refresh => upkeep::run(&settings, Job::Refresh).await,
        Command::Summarize => upkeep::run(&settings, Job::Summarize).await,
        Command::Cleanup => upkeep::run(&settings, Job::Cleanup).await,
        Command::Partitions => upkeep::run(&settings, Job::Partitions).await,
    }
}

/// Prints a line for people and scripts.
fn print(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

/// Prints what went wrong.
fn say_error(error: &dyn Error) {
    let _ = writeln!(std::io::stderr(), "recipe-monitoring-collector: {error}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_the_help_once_with_its_line() {
        let command = Arguments::command();
        let mut known: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
        let mut shown: Vec<_> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        known.sort_unstable();
        shown.sort_unstable();
        assert_eq!(shown, known);
        let page = help(&command);
        for line in page.lines().filter(|line| line.starts_with("  ")) {
            assert!(line.len() > 20 && line.len() <= 120, "{line}");
        }
    }
}
