//! The dashboard's server: pages, live feed and API. `startup` puts it together, `router` shows
//! every route, `middleware` every layer; what a route does is in `endpoints`.

mod assets;
mod description;
mod endpoints;
mod error;
mod middleware;
mod router;
mod startup;
mod state;

pub use error::ServerError;
pub use startup::Application;
