//! The dashboard's server: pages, live feed and API. `startup` puts it together, `router` shows
//! every route, `middleware` every layer; what a route does is in `endpoints`.

mod access;
mod assets;
mod base;
pub mod cli;
mod connections;
mod description;
mod door;
mod endpoints;
mod error;
mod middleware;
mod origin;
mod peer;
mod policy;
mod router;
mod site;
mod startup;
mod state;
mod tls;

pub use router::routes;
