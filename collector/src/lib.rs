//! Readings of a host, an application, its PostgreSQL and its Redis: what they are, and (feature
//! `runtime`) how they are taken, kept and handed on.
//!
//! With default features this crate is types and pure logic: no clock, no file, no socket. It
//! compiles to WASM, so the browser and any Rust client read the same types that the server
//! writes. The feature `runtime` adds everything that touches the world, and is switched here
//! and nowhere else. The feature `http` is for the applications that are watched: a tower layer
//! that counts and times their requests.
//!
//! The way of a reading, in one line:
//!
//! ```text
//! source -> System -> Monitor::record -> { live feed, hot cache, buffer -> store } -> archive -> panel
//!                                     -> alerting -> the same ways
//! ```

pub mod alert;
pub mod annotation;
pub mod database;
mod delta;
mod exposed;
pub mod exposition;
mod health;
mod history;
mod live;
mod marks;
pub mod requests;
pub mod rfc3339;
mod sample;
mod sentence;
mod snapshot;
mod window;

pub use delta::Counters;
pub use exposed::{Exposed, ExposedHistogram, ExposedValue, Exposition};
pub use health::{Backlog, Health, Part, PartFault, PartName, PartState};
pub use history::{GraphPoint, History};
pub use live::{Hello, LiveEvent, Payload};
pub use marks::{Limit, Marks, Span};
pub use sample::{
    APPLICATION_METRICS, Application, Business, BusinessMetric, DATABASE_METRICS, DatabaseMeter, DayCount,
    DurationBucket, Event, HOST_LABEL, Instance, Interface, Kind, Labels, Mount, Point, PostgresqlReading, RawSnapshot,
    RedisReading, Requests, Route, SYSTEM_METRICS, Sample, System, SystemWindow, size_point,
};
pub use sentence::{InJapanese, Sentence};
pub use snapshot::{APPLICATION_SPAN_SECONDS, Current, Snapshot};
pub use window::{Range, RangePoint, Resolution, Series, Stats};

#[cfg(feature = "http")]
pub mod http;

// --- what touches the world ---
#[cfg(feature = "runtime")]
pub mod access;
#[cfg(feature = "runtime")]
mod alerting;
#[cfg(feature = "runtime")]
mod archive;
#[cfg(feature = "runtime")]
mod audit;
#[cfg(feature = "runtime")]
pub mod backup;
#[cfg(feature = "runtime")]
mod buffer;
#[cfg(feature = "runtime")]
mod business;
#[cfg(feature = "runtime")]
mod cache;
#[cfg(feature = "runtime")]
pub mod cli;
#[cfg(feature = "runtime")]
pub mod config;
#[cfg(feature = "runtime")]
mod database_desk;
#[cfg(feature = "runtime")]
pub mod doctor;
#[cfg(feature = "runtime")]
pub mod embedded;
#[cfg(feature = "runtime")]
mod failure;
#[cfg(feature = "runtime")]
mod feed;
#[cfg(feature = "runtime")]
mod hex;
#[cfg(feature = "runtime")]
mod instruments;
#[cfg(feature = "runtime")]
mod intake;
#[cfg(feature = "runtime")]
mod matchers;
#[cfg(feature = "runtime")]
mod monitor;
#[cfg(feature = "runtime")]
mod notify;
#[cfg(feature = "runtime")]
mod outlet;
#[cfg(feature = "runtime")]
mod own_socket;
#[cfg(feature = "runtime")]
mod relay;
#[cfg(feature = "runtime")]
mod reload;
#[cfg(feature = "runtime")]
pub mod request;
#[cfg(feature = "runtime")]
pub mod rules;
#[cfg(feature = "runtime")]
mod run;
#[cfg(feature = "runtime")]
pub mod schedule;
#[cfg(feature = "runtime")]
pub mod service_manager;
#[cfg(feature = "runtime")]
mod shell;
#[cfg(feature = "runtime")]
pub mod shutdown;
#[cfg(feature = "runtime")]
mod source;
#[cfg(feature = "runtime")]
mod store;
#[cfg(feature = "runtime")]
pub mod support;
#[cfg(feature = "runtime")]
pub mod telemetry;
#[cfg(feature = "runtime")]
mod top;
#[cfg(feature = "runtime")]
mod vitals;

#[cfg(feature = "runtime")]
pub use alerting::{AlertDesk, DeskError, Refusal};
#[cfg(feature = "runtime")]
pub use archive::{AnnotateError, Archive, ArchiveError, RangeQuery};
#[cfg(feature = "runtime")]
pub use audit::{AuditEntry, AuditError, AuditLog, AuditPage};
#[cfg(feature = "runtime")]
pub use buffer::{Batch, Buffer, Entry, Record, Unsaved};
#[cfg(feature = "runtime")]
pub use business::{Counting, CountingError, Occasion, Taken};
#[cfg(feature = "runtime")]
pub use cache::{Cache, CacheError};
#[cfg(feature = "runtime")]
pub use config::Settings;
#[cfg(feature = "runtime")]
pub use database_desk::DatabaseDesk;
#[cfg(feature = "runtime")]
pub use feed::{Feed, Frame, LIVE_SPAN, Subscription};
#[cfg(feature = "runtime")]
pub use hex::hex;
#[cfg(feature = "runtime")]
pub use instruments::{Instruments, ProcessUsage, process_usage};
#[cfg(feature = "runtime")]
pub use notify::{SendError, try_receiver};
#[cfg(feature = "runtime")]
pub use relay::{Relay, RelayError};
#[cfg(feature = "runtime")]
pub use reload::{Reloaded, Reloading, Reloads};
#[cfg(feature = "runtime")]
pub use run::{Carried, Role, Running, StartError};
#[cfg(feature = "runtime")]
pub use sample::Increase;
#[cfg(feature = "runtime")]
pub use source::{ScrapeError, Scraper, SystemReader, Watched, events, host_name, instance_name, otlp};
#[cfg(feature = "runtime")]
pub use store::{
    Address, Aggregated, AlertQuery, AnnotationQuery, CheckError, JobRun, Marked, Moment, Object, OwnTable,
    Partitioned, Right, Saved, SchemaError, Store, StoreError, Trial, Turn,
};
#[cfg(feature = "runtime")]
pub use telemetry::LogLine;
#[cfg(feature = "runtime")]
pub use vitals::{Beside, Numbers, PROGRAMS, Spread, Standing, VitalSigns, Vitals, VitalsDesk};
