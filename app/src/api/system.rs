//! The host's newest values and recent past.

#[cfg(feature = "ssr")]
use collector::Archive;
use collector::Snapshot;
#[cfg(feature = "ssr")]
use jiff::{SignedDuration, Timestamp};
#[cfg(feature = "ssr")]
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use leptos::server_fn::codec::Json;

use crate::error::ApiError;
use crate::json;
#[cfg(feature = "ssr")]
use crate::range::{Compare, Look, Range};

/// Points of a graph's line: about one for two pixels.
#[cfg(feature = "ssr")]
const POINTS: u32 = 360;

/// All that a page whose address has this search needs to be drawn, as JSON text:
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
    /// What the address has after its `?`.
    search: String,
) -> Result<String, ApiError> {
    let feed = use_context::<collector::Feed>().ok_or(ApiError::Failed)?;
    let mut snapshot = feed.snapshot();
    let archive = use_context::<collector::Archive>().ok_or(ApiError::Failed)?;
    let look = Look::of_search(&search);
    Box::pin(look_back(&mut snapshot, &archive, look)).await;
    snapshot.marks = Box::pin(crate::drawn::marks(&feed, &archive, look.span(snapshot.at))).await;
    snapshot.look = look.search();
    snapshot.drawn = Box::pin(super::drawn::of_request(snapshot.marks.clone())).await;
    serde_json::to_string(&snapshot).map_err(|_| ApiError::Failed)
}

/// Reads the past that is looked at, and the one beside it.
#[cfg(feature = "ssr")]
async fn look_back(snapshot: &mut Snapshot, archive: &Archive, look: Look) {
    let host = snapshot.system.as_ref().map(|system| system.host.as_str());
    let span = look.span(snapshot.at);
    if look.range != Range::Live {
        snapshot.past = Some(archive.system_history(span, POINTS, host).await);
        snapshot.application_past = Some(archive.application_history(span, POINTS, host).await);
    }
    if look.compare != Compare::Nothing {
        let shift = look.compare.seconds();
        let earlier = |at: Timestamp| at.checked_sub(SignedDuration::from_secs(shift)).unwrap_or(at);
        // Graphs that are live go on for a while until they ask again.
        let ahead = SignedDuration::from_secs(if look.range == Range::Live { 60 } else { 0 });
        let span = (earlier(span.0), earlier(span.1) + ahead);
        let (system, application) =
            (archive.system_history(span, POINTS, host).await, archive.application_history(span, POINTS, host).await);
        snapshot.compared = Some(system.later(shift));
        snapshot.application_compared = Some(application.later(shift));
    }
}

/// The same, asked of the server.
///
/// # Errors
///
/// When the server cannot be reached or does not answer.
#[cfg(not(feature = "ssr"))]
pub async fn snapshot(search: String) -> Result<String, ApiError> {
    // What a look has in an address needs no escaping.
    super::ask("api/snapshot", format!("{{\"search\":\"{search}\"}}")).await
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
        let size = std::mem::size_of_val(&snapshot("range=24h&compare=7d".to_owned()));
        assert!(size < 8_192, "{size}");
    }
}
