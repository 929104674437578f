//! `/alerts`: what is wrong, and what was.

use leptos::prelude::*;

use super::ready::ready;
use crate::panels::alerts_detail;
use crate::words::use_words;

/// The page of the alerts.
#[must_use]
pub fn alerts_page() -> AnyView {
    ready("/alerts", use_words().alerts.alerts, alerts_detail)
}
