//! `recipe-monitoring-dashboard`: serves the dashboard and, unless a separate collector does,
//! takes the samples it shows.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::main()
}
