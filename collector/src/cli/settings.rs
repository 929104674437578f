//! `settings`: all of them, with the values in use.

use std::error::Error;

use super::print;
use crate::Settings;

pub(super) fn run(settings: &Settings) -> Result<(), Box<dyn Error>> {
    print(toml::to_string(settings)?.trim_end())?;
    Ok(())
}
