//! Why a scrape failed, in sentences for whoever runs the application.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use crate::InJapanese;
use crate::exposition::ParseError;
use crate::sentence::seconds;

/// Why a scrape failed.
#[derive(Debug, thiserror::Error)]
pub enum ScrapeError {
    /// The URL is none.
    #[error("its address cannot be read: {source}; write it as http://127.0.0.1:5000/metrics")]
    Address {
        /// Why.
        source: <Url as std::str::FromStr>::Err,
    },
    /// There are no certificates to trust.
    #[error("TLS cannot be set up: {cause}; install the package ca-certificates, or name a ca_file")]
    Client {
        /// Why.
        cause: String,
    },
    /// The file of certificates.
    #[error("the ca_file {} cannot be used: {cause}; it must be readable and have certificates in PEM", .path.display())]
    CaFile {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The file of certificates has none.
    #[error("the ca_file {} has no certificate in PEM: write the certificate of the target's authority there", .path.display())]
    NoCertificate {
        /// Which.
        path: PathBuf,
    },
    /// The file of a token or password.
    #[error("{} cannot be read: {source}; correct its path or its permissions", .path.display())]
    SecretFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nobody listens there.
    #[error("{address} refuses connections: see whether the application runs, and on which port it listens")]
    NotListening {
        /// Host and port.
        address: String,
    },
    /// No way there.
    #[error("{address} cannot be reached: {cause}; correct the address, or see to the network between")]
    Unreachable {
        /// Host and port.
        address: String,
        /// Why.
        cause: String,
    },
    /// Its certificate.
    #[error(
        "its certificate is not trusted, {cause}: name the certificate of its authority in ca_file, or write http:// \
         where it does not speak TLS"
    )]
    Untrusted {
        /// Why.
        cause: String,
    },
    /// What it speaks instead of TLS.
    #[error(
        "TLS with it fails, {cause}: name the certificate of its authority in ca_file, or write http:// where it does \
         not speak TLS"
    )]
    Tls {
        /// Why.
        cause: String,
    },
    /// It takes too long.
    #[error("it did not answer in full within {timeout:?}: see what makes its metrics slow, or raise its timeout")]
    TimedOut {
        /// The setting.
        timeout: Duration,
    },
    /// It wants to know who we are.
    #[error("it answers {code}: give the target a bearer_token, or username and password")]
    NoCredentials {
        /// The status.
        code: u16,
    },
    /// It knows who we are.
    #[error("it answers {code}: the token, or username and password, of the target are not those it takes")]
    Refused {
        /// The status.
        code: u16,
    },
    /// No header can hold its token.
    #[error("its token has a character that cannot be sent: write the token alone, on one line")]
    Unsendable,
    /// There is nothing.
    #[error("it has nothing at {path}: give the path of its metrics in the target's url")]
    NotFound {
        /// Where.
        path: String,
    },
    /// It is elsewhere.
    #[error(
        "it answers {code} and sends us {}: redirects are not followed; give the final address as the target's url",
        .location.as_ref().map_or_else(|| "elsewhere".to_owned(), |location| format!("to {location}"))
    )]
    Redirected {
        /// The status.
        code: u16,
        /// Where to, if it says so.
        location: Option<String>,
    },
    /// Another answer than its metrics.
    #[error("it answers {code} instead of its metrics: see the application's own log")]
    Status {
        /// The status.
        code: u16,
    },
    /// The answer is no exposition.
    #[error(transparent)]
    Malformed(#[from] ParseError),
    /// The answer is too long.
    #[error("it answers more than {} MiB: have it expose less, or raise application.body_limit_mib", .limit >> 20)]
    TooLarge {
        /// In bytes, after decompression.
        limit: usize,
    },
    /// The answer broke off.
    #[error("its answer broke off or cannot be decompressed: {cause}; see the application's own log")]
    Broken {
        /// Why.
        cause: String,
    },
}

impl ScrapeError {
    /// What the error of a request to `url` means.
    pub(super) fn of(error: reqwest::Error, url: &Url, timeout: Duration) -> Self {
        let address = || {
            let host = url.host_str().unwrap_or_default();
            url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
        };
        if error.is_timeout() {
            return Self::TimedOut { timeout };
        }
        let causes: Vec<_> = causes(&error).collect();
        let io_errors = || causes.iter().filter_map(|cause| cause.downcast_ref::<io::Error>());
        if let Some(tls) = io_errors().find_map(tls_within) {
            let cause = tls.to_string();
            return match tls {
                rustls::Error::InvalidCertificate(_) => Self::Untrusted { cause },
                _ => Self::Tls { cause },
            };
        }
        let cause = last_cause(&error);
        if io_errors().any(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            Self::NotListening { address: address() }
        } else if error.is_connect() {
            Self::Unreachable { address: address(), cause }
        } else if error.is_builder() {
            Self::Unsendable
        } else {
            Self::Broken { cause }
        }
    }
}

impl InJapanese for ScrapeError {
    fn ja(&self) -> String {
        match self {
            Self::Address { source } => {
                format!("アドレスを読み取れません: 「{source}」。http://127.0.0.1:5000/metrics のように書いてください")
            }
            Self::Client { cause } => format!(
                "TLS を準備できません: 「{cause}」。パッケージ ca-certificates を導入するか、ca_file を指定してください"
            ),
            Self::CaFile { path, cause } => format!(
                "ca_file {} を使えません: 「{cause}」。読み取り可能で、PEM 形式の証明書を含むファイルにしてください",
                path.display()
            ),
            Self::NoCertificate { path } => format!(
                "ca_file {} に PEM 形式の証明書がありません。対象の認証局の証明書を入れてください",
                path.display()
            ),
            Self::SecretFile { path, source } => {
                format!("{} を読み取れません: 「{source}」。パスまたは権限を直してください", path.display())
            }
            Self::NotListening { address } => format!(
                "{address} が接続を拒否しています。アプリケーションが動作しているか、どのポートで待ち受けているかを\
                 確認してください"
            ),
            Self::Unreachable { address, cause } => format!(
                "{address} に到達できません: 「{cause}」。アドレスを直すか、途中のネットワークを確認してください"
            ),
            Self::Untrusted { cause } => format!("証明書を信頼できません: 「{cause}」。{TLS_REMEDY_JA}"),
            Self::Tls { cause } => format!("TLS で接続できません: 「{cause}」。{TLS_REMEDY_JA}"),
            Self::TimedOut { timeout } => format!(
                "{}以内に応答が完了しませんでした。メトリクスが遅い原因を調べるか、timeout を長くしてください",
                seconds(*timeout)
            ),
            Self::NoCredentials { code } => {
                format!("{code} が返されました。対象に bearer_token、または username と password を設定してください")
            }
            Self::Refused { code } => format!(
                "{code} が返されました。対象のトークン、または username と password が受け付けられません。設定を直してください"
            ),
            Self::Unsendable => "トークンに送信できない文字があります。トークンだけを 1 行で書いてください".to_owned(),
            Self::NotFound { path } => {
                format!("{path} には何もありません。対象の url にメトリクスのパスを指定してください")
            }
            Self::Redirected { code, location } => format!(
                "{code} が返され、{} へ転送されます。転送には従いません。対象の url に最終的なアドレスを指定してください",
                location.as_deref().unwrap_or("別の場所")
            ),
            Self::Status { code } => {
                format!("メトリクスの代わりに {code} が返されました。アプリケーションのログを確認してください")
            }
            Self::Malformed(error) => error.ja(),
            Self::TooLarge { limit } => format!(
                "応答が {} MiB を超えています。出力を減らすか、application.body_limit_mib を大きくしてください",
                limit >> 20
            ),
            Self::Broken { cause } => {
                format!("応答が途中で切れたか、展開できません: 「{cause}」。アプリケーションのログを確認してください")
            }
        }
    }
}

const TLS_REMEDY_JA: &str =
    "認証局の証明書を ca_file に指定するか、TLS を使わない対象であれば http:// で書いてください";

/// What is at the bottom of an error.
pub(crate) fn last_cause(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| Error::source(*cause))
}

/// What is within an error of input and output is none of its sources, and it may be deep in there.
fn tls_within(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref().or_else(|| tls_within(inner.downcast_ref()?))
}
