//! `recipe-monitoring-collector`: takes the samples in a process of its own, and the
//! administrator's command line.

mod cli;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(cli::Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::say_error(&*error);
            ExitCode::FAILURE
        }
    }
}
