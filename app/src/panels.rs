//! One panel per kind of metric. A panel reads the page's signals and draws; it opens no
//! connection and asks the browser nothing.

mod alerts;
mod application;
mod business;
mod system;

pub use alerts::{alerts_detail, alerts_panel};
pub use application::{application_detail, application_panel};
pub use business::{business_detail, business_panel};
#[cfg(feature = "ssr")]
pub(crate) use business::{title, weekday};
pub use system::{system_detail, system_panel};
