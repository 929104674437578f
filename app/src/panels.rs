//! One panel per kind of metric. A panel reads the page's signals and draws; it opens no
//! connection and asks the browser nothing.

mod system;

pub use system::{SystemDetail, SystemPanel};
