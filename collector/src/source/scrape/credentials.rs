//! Who we are to a target. Files are read at every scrape: whoever renews a token need not tell us.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use reqwest::RequestBuilder;

use super::ScrapeError;
use crate::config::{Secret, Target};

/// A token is shorter.
const SECRET_BYTES: u64 = 64 << 10;

/// The request with the target's credentials. A bearer token goes before a user's name.
pub(super) async fn authorized(request: RequestBuilder, target: &Target) -> Result<RequestBuilder, ScrapeError> {
    if let Some(token) = secret(&target.bearer_token, &target.bearer_token_file).await? {
        Ok(request.bearer_auth(token))
    } else if target.username.is_empty() {
        Ok(request)
    } else {
        Ok(request.basic_auth(&target.username, secret(&target.password, &target.password_file).await?))
    }
}

async fn secret(setting: &Secret, path: &Path) -> Result<Option<String>, ScrapeError> {
    let failed = |source| ScrapeError::SecretFile { path: path.to_owned(), source };
    secret_or_file(setting, path, SECRET_BYTES).await.map_err(failed)
}

/// A secret from the settings, or else from its file, read anew; `None` where neither is set.
pub(crate) async fn secret_or_file(setting: &Secret, path: &Path, limit: u64) -> io::Result<Option<String>> {
    match setting.expose() {
        Some(secret) => Ok(Some(secret.to_owned())),
        // Whoever writes such a file ends its line.
        None => Ok(file_if_set(path, limit).await?.map(|text| text.trim_end().to_owned())),
    }
}

/// The text of a file of at most so many bytes; `None` where its path is empty.
pub(crate) async fn file_if_set(path: &Path, limit: u64) -> io::Result<Option<String>> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let to_read = path.to_owned();
    let read = tokio::task::spawn_blocking(move || file(&to_read, limit)).await.map_err(io::Error::other);
    read.flatten().map(Some)
}

/// The text of a file, if it has no more than so many bytes.
pub(super) fn file(path: &Path, limit: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(limit + 1).read_to_string(&mut text)?;
    match text.len() as u64 > limit {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(text),
    }
}
