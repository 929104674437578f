//! `recipe-monitoring-dashboard`: serves the dashboard and, unless a separate collector does,
//! takes the samples it shows.

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use collector::config::{Flags, Sources};
use collector::{Settings, shutdown, telemetry};
use server::Application;

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

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.has_page {
        return if server::HAS_PAGE { ExitCode::SUCCESS } else { ExitCode::FAILURE };
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
    let settings = Settings::load(&Sources::of_process(flags))?;
    telemetry::start(&settings.log)?;
    let mut stop = Box::pin(shutdown::signal()?);
    let starting = Application::build(&settings);
    let application = tokio::select! {
        application = starting => application?,
        // Dropping what is being started stops it: the servers are this process' children.
        () = &mut stop => return Ok(()),
    };
    let mut stdout = std::io::stdout();
    if stdout.is_terminal() {
        writeln!(stdout, "\n  The dashboard is at {}\n", application.url())?;
        if let Some(token) = application.first_token() {
            writeln!(
                stdout,
                "  Nobody can log in yet: make the first admin at {}first-admin\n  with this token: {token}\n",
                application.url()
            )?;
        }
    }
    application.run(stop).await;
    Ok(())
}

fn complete(shell: clap_complete::Shell) -> std::io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "recipe-monitoring-dashboard", &mut script);
    std::io::stdout().write_all(&script)
}
