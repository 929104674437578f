//! The host's newest values and recent past.

use collector::Snapshot;
#[cfg(feature = "ssr")]
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use leptos::server_fn::codec::Json;

use crate::error::ApiError;
use crate::json;

/// Points of a graph's line: about one for two pixels.
#[cfg(feature = "ssr")]
const POINTS: u32 = 360;

/// All that a page with a range of this name needs to be drawn, as JSON text:
/// `POST /api/snapshot`.
///
/// As text, because the page reads the live events from text too: one reader for both is a tenth
/// less to load.
///
/// # Errors
///
/// In the browser, when the server cannot be reached or does not answer.
#[cfg(feature = "ssr")]
#[server(name = GetSnapshot, prefix = "/api", endpoint = "snapshot", input = Json)]
pub async fn snapshot(
    /// Name of the range.
    range: String,
) -> Result<String, ApiError> {
    let feed = use_context::<collector::Feed>().ok_or(ApiError::Failed)?;
    let mut snapshot = feed.snapshot();
    let range = crate::range::Range::of_name(&range);
    if range != crate::range::Range::Live {
        let archive = use_context::<collector::Archive>().ok_or(ApiError::Failed)?;
        let host = snapshot.system.as_ref().map(|system| system.host.as_str());
        let system = archive.system_history(range.seconds(), POINTS, host).await;
        let application = archive.application_history(range.seconds(), POINTS, host).await;
        (snapshot.past, snapshot.application_past) = (Some(system), Some(application));
    }
    snapshot.drawn = Box::pin(super::drawn::of_request()).await;
    serde_json::to_string(&snapshot).map_err(|_| ApiError::Failed)
}

/// The same, asked of the server.
///
/// # Errors
///
/// When the server cannot be reached or does not answer.
#[cfg(not(feature = "ssr"))]
pub async fn snapshot(range: String) -> Result<String, ApiError> {
    // Names of ranges need no escaping.
    super::ask("/api/snapshot", format!("{{\"range\":\"{range}\"}}")).await
}

/// Reads what [`snapshot`] answers.
///
/// # Errors
///
/// [`ApiError::Failed`] when it is no snapshot.
pub fn read(text: &str) -> Result<Snapshot, ApiError> {
    json::read(text).ok_or(ApiError::Failed)
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn it_leaves_the_stack_to_the_page_that_waits_for_it() {
        // A resource hands its future on by value a dozen times, and each copy is on the stack.
        let size = std::mem::size_of_val(&snapshot("24h".to_owned()));
        assert!(size < 8_192, "{size}");
    }
}
