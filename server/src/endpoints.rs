//! What the routes do, a file each.

pub(crate) mod account;
pub(crate) mod alerting;
pub(crate) mod annotations;
pub(crate) mod audit;
mod cookie;
pub(crate) mod dashboard;
pub(crate) mod health;
pub(crate) mod ingest;
pub(crate) mod live;
pub(crate) mod login;
pub(crate) mod metrics;
pub(crate) mod pages;
pub(crate) mod preferences;
pub(crate) mod users;
pub(crate) mod v1;
pub(crate) mod vitals;
mod who;

pub(crate) use ingest::Ingest;
pub(crate) use live::Hub;
pub(crate) use metrics::register as register_metrics;
pub(crate) use v1::ApiError;
