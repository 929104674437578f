//! Commands that people copy into a shell.

use std::path::Path;

/// A path as one word of a command, in quotes where it needs them.
pub(crate) fn word(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// A text as one word of a command, in quotes where it needs them.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/:@%+=,".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_word_that_was_meant() {
        for text in ["/srv/.env", "a b", "it's", "$(rm -r /)", "", "日本"] {
            let output = std::process::Command::new("sh").arg("-c").arg(format!("printf %s {}", quoted(text))).output();
            assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), text);
        }
        assert_eq!(quoted("/srv/.env"), "/srv/.env");
    }
}
