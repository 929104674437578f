//! Passwords: argon2id, with the parameters that OWASP's Password Storage Cheat Sheet asks for at the least.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::AccessError;

/// KiB, passes and lanes of one hash.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
/// Hashed at a time, so that many who log in at once take 40 MB and not all there is.
const AT_ONCE: usize = 2;

/// Characters of a password.
const SHORTEST: usize = 10;
const LONGEST: usize = 200;

/// Whoever hashes passwords. Clones share its limit.
#[derive(Clone, Debug)]
pub struct Passwords {
    room: Arc<Semaphore>,
    /// Of no password: to compare with where there is no such user, which takes as long.
    nobody: Arc<str>,
}

impl Passwords {
    /// Needs an ordinary machine's randomness.
    ///
    /// # Errors
    ///
    /// [`AccessError::NoRandomness`]
    pub fn new() -> Result<Self, AccessError> {
        let nobody = hash(salt()?.as_ref())?;
        Ok(Self { room: Arc::new(Semaphore::new(AT_ONCE)), nobody: nobody.into() })
    }

    /// Refuses a password that is too easy to guess, or is one of this user's name.
    ///
    /// # Errors
    ///
    /// [`AccessError::Invalid`]
    pub fn check(user: &str, password: &str) -> Result<(), AccessError> {
        let letters = password.chars().count();
        if letters < SHORTEST {
            return Err(AccessError::password(
                format!("use at least {SHORTEST} characters"),
                format!("{SHORTEST} 文字以上にしてください"),
            ));
        }
        if letters > LONGEST {
            return Err(AccessError::password(
                format!("use at most {LONGEST} characters"),
                format!("{LONGEST} 文字以内にしてください"),
            ));
        }
        let first = password.chars().next();
        if password.eq_ignore_ascii_case(user) || password.chars().all(|letter| Some(letter) == first) {
            return Err(AccessError::password(
                "use one that is not the user's name or one letter over and over",
                "ユーザー名と同じもの、同じ文字の繰り返しは使えません",
            ));
        }
        Ok(())
    }

    /// The hash of a password that was checked, as a PHC string.
    ///
    /// # Errors
    ///
    /// [`AccessError::NoRandomness`] and [`AccessError::Hash`]
    pub async fn hash(&self, password: String) -> Result<String, AccessError> {
        self.blocking(move || hash(&password)).await?
    }

    /// Whether it is the password of this hash. Without one, it takes as long and is not.
    ///
    /// # Errors
    ///
    /// [`AccessError::Hash`]
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, AccessError> {
        let is_known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        let is_right = self.blocking(move || {
            // What is too long was never taken, and would only cost time.
            let password = if password.len() > 4 * LONGEST { "" } else { password.as_str() };
            let kept = PasswordHash::new(&hash).map_err(|error| AccessError::Hash(error.to_string()))?;
            // The parameters are the hash's own: older ones go on to work.
            Ok(Argon2::default().verify_password(password.as_bytes(), &kept).is_ok())
        });
        Ok(is_right.await?? && is_known)
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AccessError> {
        let failed = |error: &dyn std::fmt::Display| AccessError::Hash(error.to_string());
        let room = Arc::clone(&self.room).acquire_owned().await.map_err(|error| failed(&error))?;
        let work = move || {
            // Also where nobody waits for it any more, it takes its memory until it is done.
            let _room = room;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))
    }
}

fn salt() -> Result<SaltString, AccessError> {
    let mut bytes = [0; SALT_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| AccessError::NoRandomness(error.to_string()))?;
    SaltString::encode_b64(&bytes).map_err(|error| AccessError::Hash(error.to_string()))
}

fn hash(password: &str) -> Result<String, AccessError> {
    let failed = |error: &dyn std::fmt::Display| AccessError::Hash(error.to_string());
    let parameters = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| failed(&error))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    let salt = salt()?;
    let hash = argon2.hash_password(password.as_bytes(), &salt).map_err(|error| failed(&error))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_a_user_who_is_not_there_has_none() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(passwords.hash("correct horse".to_owned()).await.unwrap(), hash, "each has a salt of its own");
        for (password, kept, is_right) in [
            ("correct horse", Some(hash.clone()), true),
            ("correct horsf", Some(hash.clone()), false),
            ("", Some(hash.clone()), false),
            ("correct horse", None, false),
        ] {
            assert_eq!(passwords.verify(password.to_owned(), kept).await.unwrap(), is_right, "{password}");
        }
        assert!(passwords.verify("x".to_owned(), Some("plain".to_owned())).await.is_err());
    }

    #[test]
    fn a_password_that_is_easily_guessed_is_refused_and_not_repeated() {
        for weak in ["", "short", "aaaaaaaaaaaa", "AdministratoR", &"長".repeat(201)] {
            let error = Passwords::check("administrator", weak).unwrap_err().to_string();
            assert!(error.starts_with("password") && (weak.is_empty() || !error.contains(weak)), "{error}");
        }
        Passwords::check("administrator", "正しい馬のバッテリー").unwrap();
    }
}
