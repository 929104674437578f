//! The command line of `recipe-monitoring-dashboard`. Of the library, as the collector's is.

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use collector::config::{Flags, Sources};
use collector::{Reloading, Settings, shutdown, telemetry};

use crate::site::Site;
use crate::startup::{Application, Carried, End};

/// Shows a host's numbers live in the browser, and takes and keeps them unless a separate
/// collector does.
#[derive(Debug, Parser)]
#[command(name = "recipe-monitoring-dashboard", version, max_term_width = 100, after_help = collector::config::HELP)]
struct Arguments {
    /// Address and port to listen on [default: 127.0.0.1:5001]
    #[arg(long, value_name = "ADDRESS:PORT")]
    address: Option<String>,
    /// Print what a shell completes, and exit
    #[arg(long, value_name = "SHELL", hide = true)]
    completions: Option<clap_complete::Shell>,
    /// Exit with status 0 if the page's files are in the program itself, for setup
    #[arg(long, hide = true)]
    has_page: bool,
    #[command(flatten)]
    flags: Flags,
}

/// Does what the process was started for, to its end.
#[tokio::main]
pub async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.has_page {
        return if Site::IS_EMBEDDED { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "recipe-monitoring-dashboard: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    if let Some(shell) = arguments.completions {
        return Ok(complete(shell)?);
    }
    let mut flags = arguments.flags;
    flags.set.extend(arguments.address.map(|address| format!("server.address={address}")));
    let sources = Sources::of_process(flags);
    let mut settings = Settings::load(&sources)?;
    telemetry::start(&settings.log)?;
    let mut stop = Box::pin(shutdown::signal()?);
    let mut reloading = Reloading::listen(sources, &settings)?;
    let mut carried = Carried::begin(&reloading);
    loop {
        let starting = Application::build(&settings, &mut carried);
        let started = tokio::select! {
            started = starting => started,
            // Dropping what is being started stops it: the servers are this process' children.
            () = &mut stop => return Ok(()),
        };
        let application = match reloading.started(&mut settings, started) {
            Ok(Some(application)) => application,
            Ok(None) => continue,
            Err(error) => {
                carried.end().await;
                return Err(error.into());
            }
        };
        if reloading.ready(&format!("serving {}", application.url())) {
            say(&application)?;
        }
        let end = End::of(&mut stop, &mut reloading, &settings);
        let Some((next, left)) = application.run(end).await else { return Ok(()) };
        carried = left;
        reloading.follow(&mut settings, next)?;
    }
}

/// Where it is, for whoever sits at the terminal.
fn say(application: &Application) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    if !stdout.is_terminal() {
        return Ok(());
    }
    let url = application.url();
    writeln!(stdout, "\n  The dashboard is at {url}\n")?;
    if let Some(token) = application.first_token() {
        writeln!(
            stdout,
            "  Nobody can log in yet: make the first admin at {url}first-admin\n  with this token: {token}\n"
        )?;
    }
    Ok(())
}

fn complete(shell: clap_complete::Shell) -> std::io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "recipe-monitoring-dashboard", &mut script);
    std::io::stdout().write_all(&script)
}
