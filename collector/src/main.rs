//! `recipe-monitoring-collector`: takes the samples in a process of its own, and the
//! administrator's command line.

mod cli;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(cli::Arguments::of_process()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::say_error(&*error);
            ExitCode::FAILURE
        }
    }
}
