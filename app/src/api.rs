//! Server functions: what a page asks for once. What it is told without asking is `live`.
//!
//! In the browser they are plain requests: what Leptos puts there for each weighs more than the
//! panel that asks.

pub mod drawn;
pub mod system;

/// Asks a server function, with its parameters as JSON; all of them answer a text.
#[cfg(not(feature = "ssr"))]
async fn ask(path: &'static str, parameters: String) -> Result<String, crate::error::ApiError> {
    crate::browser::ask(path, parameters).await
}
