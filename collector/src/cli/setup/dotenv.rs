//! The `.env` file: what it says, and the same with other values, written whole or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::config::{ConfigError, check_private};

/// It holds passwords.
const MODE: u32 = 0o600;

/// Why a `.env` file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DotenvError {
    #[error("{path} cannot be read or written: {source}; correct the path or its permissions")]
    File { path: String, source: io::Error },
    #[error(transparent)]
    TooOpen(#[from] ConfigError),
    #[error("{path} is not valid: {reason}; correct or remove it")]
    Syntax { path: String, reason: String },
    #[error("{path} is written in a way that cannot be changed safely; set these in it by hand: {keys}")]
    Unchangeable { path: String, keys: String },
    #[error(
        "the value for {key} holds a quote or a line break, which a .env file cannot; encode it as %27, %0A or %0D"
    )]
    Unquotable { key: &'static str },
}

/// What a `.env` file is to say: `None` for a key that is not to be there.
pub(super) type Wanted = Vec<(&'static str, Option<String>)>;

/// A `.env` file as it is.
#[derive(Debug)]
pub(super) struct Dotenv {
    path: PathBuf,
    text: String,
    values: BTreeMap<String, String>,
    exists: bool,
}

impl Dotenv {
    /// Reads the file, which may be missing, and which nobody else may read.
    pub(super) fn read(path: &Path) -> Result<Self, DotenvError> {
        // What a link leads to is changed, not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (text, exists) = match fs::read_to_string(&path) {
            Ok(text) => {
                check_private(&path)?;
                (text, true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (String::new(), false),
            Err(source) => return Err(DotenvError::File { path: path.display().to_string(), source }),
        };
        let values = parse(&text).map_err(|reason| DotenvError::Syntax { path: path.display().to_string(), reason })?;
        Ok(Self { path, text, values, exists })
    }

    /// What it says of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// For messages.
    pub(super) fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// Whether there is one.
    pub(super) fn exists(&self) -> bool {
        self.exists
    }

    /// The keys of which it says something else.
    pub(super) fn differing(&self, wanted: &Wanted) -> Vec<&'static str> {
        wanted.iter().filter(|(key, value)| self.get(key) != value.as_deref()).map(|(key, _)| *key).collect()
    }

    /// The keys that would stay as they are.
    pub(super) fn staying(&self, wanted: &Wanted) -> Vec<&str> {
        let changing = self.differing(wanted);
        self.values.keys().map(String::as_str).filter(|key| !changing.contains(key)).collect()
    }

    /// Makes it say what is wanted; all else in it stays, and so does its owner.
    pub(super) fn write(&self, wanted: &Wanted) -> Result<(), DotenvError> {
        let failed = |source| DotenvError::File { path: self.path(), source };
        if self.exists && self.differing(wanted).is_empty() {
            return Ok(());
        }
        let text = changed(&self.text, wanted)?;
        let mut expected = self.values.clone();
        for (key, value) in wanted {
            expected.remove(*key);
            expected.extend(value.clone().map(|value| ((*key).to_owned(), value)));
        }
        if parse(&text).ok() != Some(expected) {
            let keys = self.differing(wanted).join(", ");
            return Err(DotenvError::Unchangeable { path: self.path(), keys });
        }
        write_whole(&self.path, &text, self.exists).map_err(failed)
    }
}

fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    // The error of the library quotes the line, which may hold a password.
    let entries: Result<_, _> = dotenvy::from_read_iter(text.as_bytes()).collect();
    entries.map_err(|_| "a line is not of the form KEY=value".to_owned())
}

/// The text with each wanted line in the place of the old one, or at the end.
fn changed(text: &str, wanted: &Wanted) -> Result<String, DotenvError> {
    let mut lines = Vec::new();
    let mut written = Vec::new();
    let line_of = |key: &'static str, value: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/@%?=&+,[]".contains(&byte);
        match value {
            _ if value.bytes().all(plain) => Ok(format!("{key}={value}")),
            _ if value.contains(['\'', '\n', '\r']) => Err(DotenvError::Unquotable { key }),
            _ => Ok(format!("{key}='{value}'")),
        }
    };
    for line in text.lines() {
        let name = line.trim_start().trim_start_matches("export ").split('=').next().unwrap_or_default().trim();
        match wanted.iter().find(|(key, _)| *key == name) {
            None => lines.push(line.to_owned()),
            Some((key, Some(value))) if !written.contains(key) => {
                lines.push(line_of(key, value)?);
                written.push(*key);
            }
            Some(_) => {}
        }
    }
    for (key, value) in wanted {
        if let (Some(value), false) = (value, written.contains(key)) {
            lines.push(line_of(key, value)?);
        }
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

fn write_whole(path: &Path, text: &str, exists: bool) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let _ = fs::remove_file(&new);
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&new)?;
        file.write_all(text.as_bytes())?;
        if exists {
            let old = fs::metadata(path)?;
            let made = file.metadata()?;
            if (old.uid(), old.gid()) != (made.uid(), made.gid()) {
                std::os::unix::fs::chown(&new, Some(old.uid()), Some(old.gid()))?;
            }
        }
        file.sync_all()?;
        fs::rename(&new, path)?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn put(path: &Path, text: &str, mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn wanted(url: &str) -> Wanted {
        vec![("DATABASE_URL", Some(url.to_owned())), ("REDIS_URL", None), ("LOG_DIR", Some("/var/log/my logs".into()))]
    }

    #[test]
    fn our_keys_change_and_all_else_stays_also_the_owners_words() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        put(&path, "# mine\nRUST_LOG=debug\nexport DATABASE_URL=\"old\"\nREDIS_URL=x\nOTHER='a b'", 0o600);
        let before = Dotenv::read(&path).unwrap();
        assert_eq!(before.differing(&wanted("new?a=b")), ["DATABASE_URL", "REDIS_URL", "LOG_DIR"]);
        assert_eq!(before.staying(&wanted("new?a=b")), ["OTHER", "RUST_LOG"]);
        before.write(&wanted("new?a=b")).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "# mine\nRUST_LOG=debug\nDATABASE_URL=new?a=b\nOTHER='a b'\nLOG_DIR='/var/log/my logs'\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        let after = Dotenv::read(&path).unwrap();
        assert!(after.differing(&wanted("new?a=b")).is_empty());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn one_that_says_the_same_is_kept_and_one_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        let text = "LOG_DIR=\"/var/log/my logs\"\n\nDATABASE_URL='a'";
        put(&path, text, 0o644);
        let error = Dotenv::read(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("chmod 600 {}", path.canonicalize().unwrap().display())), "{error}");
        put(&path, text, MODE);
        Dotenv::read(&path).unwrap().write(&wanted("a")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
    }

    #[test]
    fn what_cannot_be_written_changes_nothing_and_no_message_holds_a_value() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        put(&path, "OTHER=\"first\nDATABASE_URL=within\"\n", 0o600);
        let before = Dotenv::read(&path).unwrap();
        for url in ["secret'", "secret"] {
            let error = before.write(&wanted(url)).unwrap_err().to_string();
            assert!(!error.contains("secret") && error.contains("DATABASE_URL"), "{error}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "OTHER=\"first\nDATABASE_URL=within\"\n");
        fs::write(&path, "hunter2 hunter2\n").unwrap();
        let error = Dotenv::read(&path).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
