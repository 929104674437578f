//! A password that somebody chooses: typed twice and never echoed, or from standard input, where a script has it.

use std::error::Error;
use std::io::{IsTerminal, Read};

/// More than any password, and no memory.
const MOST_BYTES: u64 = 64 << 10;

pub(super) fn new_password(question: &str) -> Result<String, Box<dyn Error>> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let password = rpassword::prompt_password(format!("{question}: "))?;
        return match rpassword::prompt_password("Once more: ")? == password {
            true => Ok(password),
            false => Err("the two are not the same: nothing has changed; try again".into()),
        };
    }
    let mut text = String::new();
    stdin.lock().take(MOST_BYTES).read_to_string(&mut text)?;
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    match password.contains('\n') {
        true => Err("standard input has several lines: give the password alone, on one line".into()),
        false => Ok(password.to_owned()),
    }
}
