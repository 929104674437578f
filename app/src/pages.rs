//! One file per address. What all of them need first, the snapshot, is waited for here.

mod not_found;
mod overview;
mod ready;
mod system;

pub use not_found::NotFound;
pub use overview::Overview;
pub use ready::SnapshotResource;
pub use system::SystemPage;
