//! `notify`: whether the receivers of alerts can be reached.

use std::error::Error;

use clap::Subcommand;
use jiff::Timestamp;

use super::print;
use crate::{Settings, try_receiver};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send a marked test to one receiver of the settings, or to all; exit status 1 if any failed
    Test {
        /// Its name, as in [notify.receivers.<name>]
        receiver: Option<String>,
    },
}

pub(super) async fn run(settings: &Settings, arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let Command::Test { receiver } = arguments.command;
    let notify = &settings.notify;
    let names: Vec<String> = receiver.map_or_else(|| notify.receivers.keys().cloned().collect(), |name| vec![name]);
    if names.is_empty() {
        return Err("there are no receivers: add [notify.receivers.<name>] to the settings, as README shows".into());
    }
    let mut failed = 0;
    for name in &names {
        match try_receiver(notify, name, Timestamp::now()).await {
            Ok(()) => print(&format!("ok      {name}"))?,
            Err(error) => {
                failed += 1;
                print(&format!("FAILED  {name}: {error}"))?;
            }
        }
    }
    match failed {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} receivers did not take the test", names.len()).into()),
    }
}
