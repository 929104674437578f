//! The `.env` file, as it is read at the start. It holds passwords, so it is treated as OpenSSH does a
//! key: one that others may read is refused.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::error::ConfigError;
use crate::shell;

/// What group and others may do.
const OTHERS: u32 = 0o077;
/// What others may do who are not of the file's group either.
const EVERYBODY: u32 = 0o007;

/// Sees that nobody else may read the file: of one's own file nobody at all; of one that somebody else
/// lets us read, as root does by a group, not everybody.
///
/// # Errors
///
/// [`ConfigError::TooOpen`], or that the file is not to be had.
pub fn check_private(path: &Path) -> Result<(), ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.display().to_string(), source };
    let meta = std::fs::metadata(path).map_err(unreadable)?;
    let is_own = meta.uid() == rustix::process::geteuid().as_raw();
    let open = meta.mode() & if is_own { OTHERS } else { EVERYBODY };
    if open == 0 {
        return Ok(());
    }
    let change = if is_own { "600" } else { "o=" };
    Err(ConfigError::TooOpen {
        path: path.display().to_string(),
        mode: meta.mode() & 0o7777,
        command: format!("chmod {change} {}", shell::word(path)),
    })
}

/// What the file in `directory` says; nothing where there is none.
pub(super) fn read(directory: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let path = directory.join(".env");
    let mut values = BTreeMap::new();
    if !path.exists() {
        return Ok(values);
    }
    let syntax =
        |error: dotenvy::Error| ConfigError::Syntax { path: path.display().to_string(), reason: without_value(&error) };
    for entry in dotenvy::from_path_iter(&path).map_err(syntax)? {
        let (name, value) = entry.map_err(syntax)?;
        values.insert(name, value);
    }
    Ok(values)
}

/// The same of one that only we may read.
pub(super) fn read_private(directory: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let path = directory.join(".env");
    if path.exists() {
        check_private(&path)?;
    }
    read(directory)
}

/// Why a line cannot be read, by its name: its value may be a secret.
fn without_value(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(line, _) => {
            let name = line.split('=').next().unwrap_or_default();
            format!("the line of {name} cannot be read; write NAME=value, with quotes around a value that has spaces")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_that_others_may_read_is_refused_with_the_command_that_closes_it() {
        let directory = tempfile::Builder::new().prefix("with space").tempdir().unwrap();
        let path = directory.path().join(".env");
        fs::write(&path, "DATABASE_URL=postgres://a:hunter2@h/d\n").unwrap();
        for mode in [0o644, 0o640, 0o604, 0o620, 0o666] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = read_private(directory.path()).unwrap_err().to_string();
            assert!(error.contains(&format!("mode {mode:04o}")) && !error.contains("hunter2"), "{error}");
            let command = error.rsplit(": ").next().unwrap();
            assert!(std::process::Command::new("sh").args(["-c", command]).status().unwrap().success());
            assert_eq!(read_private(directory.path()).unwrap().len(), 1);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert!(read_private(directory.path()).is_ok());
        fs::remove_file(&path).unwrap();
        assert!(read_private(directory.path()).unwrap().is_empty());
    }

    /// As where root owns it and lets the program's group read it.
    #[test]
    fn one_of_somebody_else_may_be_for_a_group_and_not_for_everybody() {
        if !rustix::process::geteuid().is_root() {
            // Nobody else can give a file away.
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        fs::write(&path, "RUST_LOG=debug\n").unwrap();
        std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
        for (mode, is_fine) in [(0o640, true), (0o600, true), (0o644, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(read_private(directory.path()).is_ok(), is_fine, "{mode:o}");
        }
    }
}
