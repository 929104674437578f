//! A setting that is never shown again.

use std::cell::RefCell;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is shown in its place.
const SET: &str = "(set)";

thread_local! {
    /// The secrets that were written since somebody began to ask for them.
    static WRITTEN: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// A secret setting; empty means not set. Debug output and `settings` show only that there is one.
#[derive(Clone, Debug, Default)]
pub struct Secret(SecretString);

impl Secret {
    /// The secret itself, `None` where it is not set.
    #[must_use]
    pub fn expose(&self) -> Option<&str> {
        Some(self.0.expose_secret()).filter(|secret| !secret.is_empty())
    }
}

impl Secret {
    /// Every secret in what `write` serialises, so that it can be looked for elsewhere; none can be forgotten.
    pub(crate) fn exposed_while<T>(write: impl FnOnce() -> T) -> (T, Vec<String>) {
        WRITTEN.set(Some(Vec::new()));
        let written = write();
        (written, WRITTEN.take().unwrap_or_default())
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret.into())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WRITTEN.with_borrow_mut(|written| {
            written.as_mut().map(|written| written.extend(self.expose().map(str::to_owned)))
        });
        serializer.serialize_str(if self.expose().is_some() { SET } else { "" })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let secret = String::deserialize(deserializer)?;
        if secret == SET {
            return Err(serde::de::Error::custom(
                "(set) stands for a secret in what `settings` prints: write the secret",
            ));
        }
        Ok(Self::from(secret))
    }
}
