//! `completions`: what shells complete after the program's name.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use super::Arguments;

/// Prints the script, whole or not at all: a closed pipe is an error here and not a panic within clap.
pub(super) fn run(shell: Shell) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "recipe-monitoring-collector", &mut script);
    io::stdout().write_all(&script)
}
