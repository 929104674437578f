//! One file per address. What all of them need first, the snapshot, is waited for here.

mod alerts;
mod application;
mod business;
mod database;
mod not_found;
mod overview;
mod ready;
mod reference;
mod system;

pub use alerts::alerts_page;
pub use application::application_page;
pub use business::business_page;
pub use database::database_page;
pub use not_found::NotFound;
pub use overview::overview;
pub use ready::SnapshotResource;
pub use reference::api_page;
pub use system::system_page;
