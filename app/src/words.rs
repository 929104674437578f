//! Everything the dashboard says, once per language. A field that a language does not fill does
//! not compile. What is the same everywhere (numbers, units, times) is in `format`.

#[cfg(feature = "ssr")]
mod access;
mod alerts;
#[cfg(feature = "ssr")]
mod annotations;
mod application;
mod business;
#[cfg(feature = "ssr")]
mod database;
#[cfg(feature = "ssr")]
mod drawn;
mod en;
#[cfg(feature = "ssr")]
mod health;
mod ja;

use leptos::prelude::use_context;

#[cfg(feature = "ssr")]
pub use access::AccessWords;
pub use alerts::AlertsWords;
#[cfg(feature = "ssr")]
pub use annotations::AnnotationWords;
pub use application::ApplicationWords;
pub use business::BusinessWords;
#[cfg(feature = "ssr")]
pub use database::DatabaseWords;
#[cfg(feature = "ssr")]
pub use drawn::DrawnWords;
pub use en::EN;
#[cfg(feature = "ssr")]
pub use health::HealthWords;
pub use ja::JA;

use crate::error::ApiError;
use crate::live::LiveStore;
use crate::range::{Compare, Range};

/// The words of one language.
#[derive(Debug)]
pub struct Words {
    // The page
    /// What the page is, for search engines and link previews.
    pub description: &'static str,
    /// The link over the header to the content.
    pub skip: &'static str,
    /// Name of the navigation.
    pub navigation: &'static str,
    /// Page `/`.
    pub overview: &'static str,
    /// Page `/system`, and the panel of the host.
    pub system: &'static str,
    /// The link from a panel to its own page.
    pub all_series: &'static str,
    /// Name of the choice of how far back the graphs look.
    pub ranges: &'static str,
    /// A choice of it.
    pub range: fn(Range) -> &'static str,
    /// The length of the live one.
    pub quarter_hour: &'static str,
    /// The time of this length until now.
    pub last: fn(&str) -> String,
    /// Name of the choice of an earlier time beside it.
    pub comparisons: &'static str,
    /// A choice of it.
    pub compared: fn(Compare) -> &'static str,
    /// Title of the form for a range between two times, its fields and its button.
    pub between: [&'static str; 4],
    /// Why a range between two times cannot be shown.
    pub too_short: &'static str,
    /// Buttons of a graph.
    pub as_table: &'static str,
    /// Column of the times in a table of a graph.
    pub time_column: &'static str,
    /// See `as_table`.
    pub as_csv: &'static str,
    /// Name of the language switch.
    pub language: &'static str,
    /// This language, in itself.
    pub language_name: &'static str,
    /// Name of the theme switch.
    pub theme: &'static str,
    /// The light theme.
    pub light: &'static str,
    /// The dark theme.
    pub dark: &'static str,
    /// The theme of the system's setting.
    pub automatic: &'static str,

    /// The graphs look back and PostgreSQL did not say what it has.
    pub past_incomplete: &'static str,

    // The verdict strip: a headline, and what to know or do besides
    /// Name of the strip.
    pub verdict: &'static str,
    /// Before the headline in the window's title.
    pub critical: &'static str,
    /// Before the headline in the window's title.
    pub warning: &'static str,
    /// Nothing is wrong.
    pub good: &'static str,
    /// The newest sample's age.
    pub newest: fn(age: &str) -> String,
    /// No sample was taken yet.
    pub waiting: &'static str,
    /// How often there will be one.
    pub waiting_more: fn(interval: &str) -> String,
    /// The page has no connection.
    pub lost: fn(since: &str) -> String,
    /// What the page then shows.
    pub lost_more: &'static str,
    /// No sample arrives, and the newest is this old.
    pub silent: fn(age: &str) -> String,
    /// No sample arrives, and none ever did.
    pub silent_always: fn(since: &str) -> String,
    /// What to do about it.
    pub silent_more: &'static str,
    /// Records found no room, the last of them then.
    pub samples_lost: fn(records: u64, at: &str) -> String,
    /// What to do about it.
    pub samples_lost_more: &'static str,
    /// PostgreSQL does not answer.
    pub postgresql_down: fn(since: &str) -> String,
    /// What that means.
    pub postgresql_down_more: &'static str,
    /// So many instances of the application, of so many, do not answer.
    pub application_down: fn(down: usize, all: usize) -> String,
    /// Where to see which.
    pub application_down_more: &'static str,
    /// Redis does not answer.
    pub redis_down: fn(since: &str) -> String,
    /// What that means.
    pub redis_down_more: &'static str,
    /// An age: how long ago.
    pub ago: fn(duration: &str) -> String,
    /// A time in seconds in its two largest units.
    pub duration: fn(seconds: u64) -> String,
    /// How long the host has been up.
    pub uptime: fn(duration: &str) -> String,
    /// The connection's state: events arrive.
    pub live: &'static str,
    /// Connected, and yet nothing new arrives.
    pub stale: &'static str,
    /// Not connected, since a time.
    pub reconnecting: fn(since: &str) -> String,
    /// Not live: the page as it was at a time.
    pub as_of: fn(time: &str) -> String,

    // The parts
    /// Name of the list of parts.
    pub parts: &'static str,
    /// The part that takes the samples.
    pub collector: &'static str,
    /// A part answers.
    pub up: &'static str,
    /// A part should answer and does not.
    pub down: &'static str,
    /// A part is switched off.
    pub off: &'static str,

    // The system panel
    /// CPU.
    pub cpu: &'static str,
    /// Memory.
    pub memory: &'static str,
    /// Load average.
    pub load: &'static str,
    /// Network.
    pub network: &'static str,
    /// Number of cores.
    pub cores: fn(count: u32) -> String,
    /// What the two smaller load averages are over.
    pub load_more: &'static str,
    /// Title of the graph.
    pub cpu_graph: &'static str,
    /// Title of the graph.
    pub memory_graph: &'static str,
    /// Title of the graph.
    pub load_graph: &'static str,
    /// Series of the load graph.
    pub load_one_minute: &'static str,
    /// Bytes received.
    pub received: &'static str,
    /// Bytes sent.
    pub sent: &'static str,
    /// The bars of the file systems.
    pub disks: &'static str,
    /// The fullest are shown, and this many more exist.
    pub more_disks: fn(count: usize) -> String,
    /// Word beside a bar over the warning threshold.
    pub disk_high: &'static str,
    /// Word beside a bar over the critical threshold.
    pub disk_critical: &'static str,
    /// No file system was read.
    pub no_disks: &'static str,
    /// Title on the dash of a missing reading.
    pub not_collected: &'static str,
    /// In a graph without a point.
    pub no_points: &'static str,
    /// Where the whole panel has no sample.
    pub no_sample: &'static str,
    /// Title of the table of interfaces.
    pub interfaces: &'static str,
    /// Title of the list of plain facts about the host.
    pub host: &'static str,
    /// A graph or sparkline in words: name, newest, lowest and highest value of the last 15 minutes.
    pub graph_summary: fn(name: &str, newest: &str, lowest: &str, highest: &str, over: &str) -> String,
    /// The same without a point.
    pub graph_empty: fn(name: &str, over: &str) -> String,

    // The other panels
    /// The panel of the application.
    pub application: ApplicationWords,
    /// The panel of the business metrics.
    pub business: BusinessWords,
    /// The panel of the alerts.
    pub alerts: AlertsWords,
    /// Page `/database`.
    pub database: &'static str,

    // Errors
    /// Title of the page for an unknown address.
    pub not_found: &'static str,
    /// What to do then.
    pub not_found_more: &'static str,
    /// Link to the overview.
    pub to_overview: &'static str,
    /// The page has no values, and why.
    pub error: fn(ApiError) -> &'static str,
    /// What to do then.
    pub error_more: &'static str,
    /// Link that loads the page again.
    pub retry: &'static str,
}

/// The words of this page's language.
#[must_use]
pub fn use_words() -> &'static Words {
    use_context::<LiveStore>().map(|store| store.locale).unwrap_or_default().words()
}
