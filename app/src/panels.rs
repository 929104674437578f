//! One panel per kind of metric. A panel reads the page's signals and draws; it opens no
//! connection and asks the browser nothing.

mod application;
mod business;
mod system;

pub use application::{ApplicationDetail, ApplicationPanel};
pub use business::{BusinessDetail, BusinessPanel};
pub use system::{SystemDetail, SystemPanel};
