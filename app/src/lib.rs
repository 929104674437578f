//! The pages of the dashboard: Leptos components, drawn by the server into whole pages (feature
//! `ssr`) and brought to life in the browser (feature `hydrate`).
//!
//! ```text
//! api (asked once) + live (told) -> LiveStore's signals -> pages -> panels -> widgets, charts
//! ```
//!
//! The server gives the shell [`Assets`], the request's parts and the collector's feed as context.

// A view is one type with all that is in it, as deep as the page.
#![recursion_limit = "256"]

#[cfg(feature = "ssr")]
pub mod access;
pub mod api;
mod browser;
mod charts;
#[cfg(feature = "ssr")]
mod drawn;
pub mod error;
pub mod format;
#[cfg(feature = "ssr")]
mod health;
mod json;
pub mod live;
mod locale;
mod pages;
mod panels;
mod preferences;
mod range;
mod routes;
#[cfg(feature = "ssr")]
mod shell;
mod theme;
mod widgets;
mod words;

#[cfg(feature = "ssr")]
pub use drawn::{ANNOTATIONS_TOLD, ApiDescription};
#[cfg(feature = "ssr")]
pub use health::health;
pub use locale::Locale;
#[cfg(feature = "ssr")]
pub use preferences::{Outside, cookie_value, kept_of, locale_of, theme_of};
pub use routes::App;
#[cfg(feature = "ssr")]
pub use shell::{Assets, shell};
pub use theme::Theme;
