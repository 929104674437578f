//! `recipe-monitoring-collector`: takes the samples in a process of its own, and the
//! administrator's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    collector::cli::main()
}
