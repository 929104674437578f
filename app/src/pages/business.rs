//! `/business`: every business metric.

use leptos::prelude::*;

use super::ready::ready;
use crate::panels::business_detail;
use crate::words::use_words;

/// The page of the business metrics.
#[must_use]
pub fn business_page() -> AnyView {
    ready("/business", use_words().business.business, business_detail)
}
