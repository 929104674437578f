//! Secrets that the program makes: of session cookies, API tokens and the first log-in. 256 bits of the operating
//! system's randomness each, so that a plain hash of it is as safe as the secret: nobody can try them all.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::AccessError;
use crate::hex;

/// Before an API token, so that scanners for secrets find one that was published.
const TOKEN: &str = "rmt_";
const BYTES: usize = 32;

/// A secret that was just made. It is handed out once; what is kept is its [`Digest`].
pub struct Issued(String);

impl Issued {
    /// Of a session.
    ///
    /// # Errors
    ///
    /// [`AccessError::NoRandomness`]
    pub fn session() -> Result<Self, AccessError> {
        Self::with("")
    }

    /// Of an API token: `rmt_…`.
    ///
    /// # Errors
    ///
    /// [`AccessError::NoRandomness`]
    pub fn token() -> Result<Self, AccessError> {
        Self::with(TOKEN)
    }

    fn with(start: &str) -> Result<Self, AccessError> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|error| AccessError::NoRandomness(error.to_string()))?;
        Ok(Self(format!("{start}{}", hex(&bytes))))
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issued")
    }
}

/// SHA-256 of a secret, in hexadecimal digits. To look one up by it tells nothing of the secret, however long it takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// That of a secret that somebody sent.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(hex(&Sha256::digest(secret.as_bytes())))
    }

    /// Enough of it to name it to its owner.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..16).unwrap_or(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_can_be_found_by_scanners_and_is_kept_as_its_hash_only() {
        let (token, other) = (Issued::token().unwrap(), Issued::token().unwrap());
        assert!(token.expose().starts_with("rmt_") && token.expose().len() == 4 + 2 * BYTES);
        assert_ne!(token.expose(), other.expose());
        assert_eq!(token.digest(), Digest::of(token.expose()));
        let kept = serde_json::to_string(&token.digest()).unwrap();
        assert!(!kept.contains(token.expose()) && !format!("{token:?}").contains("rmt_"), "{kept}");
        // FIPS 180-2, appendix B.1
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of("abc"), Digest(abc.to_owned()));
    }
}
