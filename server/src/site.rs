//! The page's own files: read from disk, or in a packaged program (feature `embed`) from the program itself. Both answer
//! the same requests in the same way.

#[cfg(feature = "embed")]
mod embedded;
mod folder;

use std::borrow::Cow;
use std::path::PathBuf;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use collector::hex;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

use crate::error::ServerError;

/// Compressed beforehand, the smallest first: coding and what is added to the file's name.
const CODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// Where the files are.
#[derive(Clone, Debug)]
pub(crate) enum Site {
    /// In this folder.
    Folder(PathBuf),
    /// In the program.
    #[cfg(feature = "embed")]
    Embedded,
}

impl Site {
    /// Whether the program has the files in itself.
    pub(crate) const IS_EMBEDDED: bool = cfg!(feature = "embed");

    /// The files that came with the program: in it, else beside it, where the build puts them.
    pub(crate) fn built() -> Self {
        #[cfg(feature = "embed")]
        let site = Self::Embedded;
        #[cfg(not(feature = "embed"))]
        let site = Self::Folder(folder::beside_program().unwrap_or_else(|| "target/site".into()));
        site
    }

    /// Refuses a site that lacks the folder of the style and the app.
    pub(crate) fn check(&self, package: &str) -> Result<(), ServerError> {
        let (there, path) = match self {
            Self::Folder(root) => (root.join(package).is_dir(), root.join(package)),
            #[cfg(feature = "embed")]
            Self::Embedded => (embedded::named(package, "", "").is_some(), PathBuf::from("the program")),
        };
        if there { Ok(()) } else { Err(ServerError::NoAssets { path }) }
    }

    /// Name of the newest file in `folder` whose name, which holds a hash, starts and ends so. `folder` is empty or
    /// ends with a slash.
    pub(crate) fn newest(&self, folder: &str, start: &str, end: &str) -> Option<String> {
        match self {
            Self::Folder(root) => folder::newest(&root.join(folder), start, end),
            #[cfg(feature = "embed")]
            Self::Embedded => embedded::named(folder, start, end),
        }
    }

    /// Copies the newest such file to the name `start` + `end`, unless it has that name. The copy then is the newest.
    pub(crate) fn name_plainly(&self, folder: &str, start: &str, end: &str) {
        let (Self::Folder(root), Some(newest)) = (self, self.newest(folder, start, end)) else { return };
        let (folder, plain) = (root.join(folder), format!("{start}{end}"));
        if newest == plain {
            return;
        }
        // Where it cannot, pages have it by the other name.
        if let Err(error) = std::fs::copy(folder.join(newest), folder.join(&plain)) {
            tracing::warn!(%error, file = plain, "cannot write");
        }
    }

    async fn read(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        match self {
            Self::Folder(root) => tokio::fs::read(root.join(name)).await.ok().map(Cow::Owned),
            #[cfg(feature = "embed")]
            Self::Embedded => embedded::read(name).map(Cow::Borrowed),
        }
    }

    /// The answer, where there is such a file.
    async fn answer(&self, method: &Method, path: &str, asked: &HeaderMap) -> Option<Response> {
        let name = name_of(path).filter(|_| [Method::GET, Method::HEAD].contains(method))?;
        let (coding, content) = self.best(&name, asked).await?;
        // Weak: what is sent without a coding may be compressed on its way.
        let tag = format!("W/\"{}\"", hex(&Sha256::digest(&content)));
        let known = asked.get(IF_NONE_MATCH).is_some_and(|known| names(known, &tag));
        let length = content.len();
        let mut response = Response::new(match content {
            _ if known => Body::empty(),
            Cow::Borrowed(content) => Body::from(Bytes::from_static(content)),
            Cow::Owned(content) => Body::from(content),
        });
        let headers = response.headers_mut();
        headers.insert(ETAG, HeaderValue::from_str(&tag).ok()?);
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Some(response);
        }
        headers.insert(CONTENT_LENGTH, length.into());
        let kind = mime_guess::from_path(&name).first_raw().unwrap_or("application/octet-stream");
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Some(coding) = coding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        Some(response)
    }

    /// The file in the best form that is there and may be sent, with its coding.
    async fn best(&self, name: &str, asked: &HeaderMap) -> Option<(Option<&'static str>, Cow<'static, [u8]>)> {
        for (coding, ending) in CODINGS.into_iter().filter(|(coding, _)| accepts(asked, coding)) {
            if let Some(content) = self.read(&format!("{name}{ending}")).await {
                return Some((Some(coding), content));
            }
        }
        Some((None, self.read(name).await?))
    }
}

/// Answers with a file, or lets the request go on to the page that says that there is none.
pub(crate) async fn serve(State(site): State<Site>, request: Request, next: Next) -> Response {
    match site.answer(request.method(), request.uri().path(), request.headers()).await {
        Some(response) => response,
        None => next.run(request).await,
    }
}

/// The file's name below the site's root; `None` for what leads out of it, or can be no file.
fn name_of(path: &str) -> Option<String> {
    let name = percent_decode_str(path.strip_prefix('/')?).decode_utf8().ok()?.into_owned();
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
    name.split('/').all(plain).then_some(name)
}

/// Whether a coding may be used. A wildcard asks for nothing in particular and gets the plain file.
fn accepts(asked: &HeaderMap, coding: &str) -> bool {
    let lists = asked.get_all(ACCEPT_ENCODING).into_iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case(coding) && weight.is_some_and(|weight| weight > 0.0)
    })
}

/// Whether `If-None-Match` names this tag (RFC 9110, 13.1.2: the weak comparison).
fn names(known: &HeaderValue, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.to_str().is_ok_and(|known| known.trim() == "*" || known.split(',').any(|one| opaque(one) == opaque(tag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_the_root() {
        assert_eq!(name_of("/pkg/a.css").as_deref(), Some("pkg/a.css"));
        assert_eq!(name_of("/a%20b.svg").as_deref(), Some("a b.svg"));
        for outside in [
            "/",
            "//etc/passwd",
            "/../a",
            "/pkg/../a",
            "/%2e%2e/a",
            "/pkg/..%2fa",
            "/pkg%2f..%2f..%2fa",
            "/a%5c..%5cb",
            "/.env",
            "/pkg/",
            "/a%00",
            "/%ff",
            "a",
        ] {
            assert_eq!(name_of(outside), None, "{outside}");
        }
    }

    #[test]
    fn a_coding_is_used_that_was_asked_for_and_not_ruled_out() {
        let asked = |text: &'static str| HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(text))]);
        for text in ["br", "gzip, BR", "gzip;q=1.0, br;q=0.5", "br ; q=0.001"] {
            assert!(accepts(&asked(text), "br"), "{text}");
        }
        for text in ["", "gzip", "br;q=0", "br; q=0.0", "*", "brotli", "br;q=x"] {
            assert!(!accepts(&asked(text), "br"), "{text}");
        }
        assert!(!accepts(&HeaderMap::new(), "br"));
    }

    #[tokio::test]
    async fn a_file_is_sent_once_and_then_confirmed_as_long_as_it_stays_the_same() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(root.path().join(name), text).unwrap();
        write("a.css", "a{}");
        write("a.css.gz", "not really compressed");
        let site = Site::Folder(root.path().to_owned());
        let get = async |headers: &[(http::HeaderName, &str)]| {
            let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
            site.answer(&Method::GET, "/a.css", &headers.collect()).await.unwrap()
        };
        let plain = get(&[]).await;
        assert_eq!(
            (plain.status(), &plain.headers()[CONTENT_TYPE]),
            (StatusCode::OK, &HeaderValue::from_static("text/css"))
        );
        let packed = get(&[(ACCEPT_ENCODING, "br, gzip")]).await;
        assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
        assert_eq!(packed.headers()[CONTENT_LENGTH], "21");
        let tags = [&plain, &packed].map(|response| response.headers()[ETAG].to_str().unwrap().to_owned());
        assert_ne!(tags[0], tags[1]);
        let again = get(&[(IF_NONE_MATCH, &format!("\"other\", {}", tags[0]))]).await;
        assert_eq!((again.status(), &again.headers()[ETAG]), (StatusCode::NOT_MODIFIED, &plain.headers()[ETAG]));
        write("a.css", "b{}");
        assert_eq!(get(&[(IF_NONE_MATCH, &tags[0])]).await.status(), StatusCode::OK);
        assert!(site.answer(&Method::POST, "/a.css", &HeaderMap::new()).await.is_none());
        assert!(site.answer(&Method::GET, "/b.css", &HeaderMap::new()).await.is_none());
    }
}
