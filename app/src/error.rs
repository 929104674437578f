//! Why a server function gave no answer. The cause is logged on the server; the page says one
//! sentence and a way out, in the viewer's language.

#[cfg(feature = "ssr")]
use leptos::prelude::{FromServerFnError, ServerFnErrorErr};
#[cfg(feature = "ssr")]
use leptos::server_fn::codec::JsonEncoding;
use serde::{Deserialize, Serialize};

/// The failure of a server function, as the browser may know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiError {
    /// The request did not reach the server.
    #[error("the server cannot be reached")]
    Unreachable,
    /// The server, or something between, answered with something else than asked for.
    #[error("the server could not answer")]
    Failed,
    /// The request is none that the server knows.
    #[error("the server does not know what was asked")]
    Refused,
}

#[cfg(feature = "ssr")]
impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            // Seen from the server: the body did not come, or is not what the function takes.
            ServerFnErrorErr::Request(_)
            | ServerFnErrorErr::Deserialization(_)
            | ServerFnErrorErr::Args(_)
            | ServerFnErrorErr::MissingArg(_)
            | ServerFnErrorErr::UnsupportedRequestMethod(_) => Self::Refused,
            _ => Self::Failed,
        }
    }
}
