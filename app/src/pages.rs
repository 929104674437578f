//! One file per address. What all of them need first, the snapshot, is waited for here.

mod application;
mod business;
mod not_found;
mod overview;
mod ready;
mod system;

pub use application::ApplicationPage;
pub use business::BusinessPage;
pub use not_found::NotFound;
pub use overview::Overview;
pub use ready::SnapshotResource;
pub use system::SystemPage;
