//! The dashboard's server: pages, live feed and API. `startup` puts it together, `router` shows
//! every route, `middleware` every layer; what a route does is in `endpoints`.

mod assets;
mod description;
mod endpoints;
mod error;
mod middleware;
mod router;
mod site;
mod startup;
mod state;

pub use error::ServerError;
pub use startup::Application;

/// Whether the page's files are in the program itself.
pub const HAS_PAGE: bool = site::Site::IS_EMBEDDED;
