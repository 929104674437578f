//! What setup asks: each value comes from its flag, or on a terminal from an answer, or with
//! `--yes` from its default.

use std::error::Error;
use std::io::{BufRead, IsTerminal, Write};

/// How answers are had.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answers {
    terminal: bool,
    yes: bool,
}

impl Answers {
    /// Answers from whoever started the program; `yes` takes every default.
    pub(super) fn new(yes: bool) -> Self {
        Self { terminal: std::io::stdin().is_terminal() && !yes, yes }
    }

    /// Whether somebody can be asked.
    pub(super) fn can_ask(self) -> bool {
        self.terminal
    }

    /// Whether defaults and replacements are agreed to.
    pub(super) fn agreed(self) -> bool {
        self.yes
    }

    /// The value of a flag, or an answer to `question`.
    pub(super) fn value(
        self,
        flag: &'static str,
        given: Option<String>,
        question: &str,
        default: &str,
    ) -> Result<String, Box<dyn Error>> {
        match given {
            Some(value) => Ok(value),
            None if self.yes => Ok(default.to_owned()),
            None if self.terminal => {
                let answer = ask(&format!("{question} [{default}]: "))?;
                Ok(if answer.is_empty() { default.to_owned() } else { answer })
            }
            None => Err(missing(&[flag]).into()),
        }
    }

    /// A secret: typed unseen.
    pub(super) fn secret(self, flag: &'static str, question: &str) -> Result<String, Box<dyn Error>> {
        if !self.terminal {
            return Err(missing(&[flag]).into());
        }
        Ok(rpassword::prompt_password(format!("{question}: "))?)
    }

    /// Yes or no, where no is the default.
    pub(super) fn confirm(self, question: &str) -> std::io::Result<bool> {
        if self.yes {
            return Ok(true);
        }
        let answer = if self.terminal { ask(&format!("{question} [y/N]: "))? } else { String::new() };
        Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
    }
}

/// Why setup cannot go on without these flags.
pub(super) fn missing(flags: &[&str]) -> String {
    format!("nobody can be asked here, for standard input is no terminal: give {}", flags.join(", "))
}

fn ask(question: &str) -> std::io::Result<String> {
    let mut stdout = std::io::stdout();
    write!(stdout, "{question}")?;
    stdout.flush()?;
    let mut answer = String::new();
    if std::io::stdin().lock().read_line(&mut answer)? == 0 {
        return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "no answer"));
    }
    Ok(answer.trim().to_owned())
}
