//! What the panel of the application says.

/// Its words in one language.
#[derive(Debug)]
pub struct ApplicationWords {
    /// Page `/application`, and the panel.
    pub application: &'static str,
    /// Title of the graph and name of the tile.
    pub requests: &'static str,
    /// So many requests in the last hour.
    pub last_hour: fn(count: &str) -> String,
    /// Title of the graph and name of the tile.
    pub error_rate: &'static str,
    /// Title of the graph.
    pub response_time: &'static str,
    /// Title of the histogram.
    pub distribution: &'static str,
    /// What the histogram counts, and over which time.
    pub distribution_of: &'static str,
    /// What the newest numbers are over.
    pub last_minute: &'static str,
    /// Of the histogram: up to a bound.
    pub up_to: fn(bound: &str) -> String,
    /// Of the histogram: longer than a bound.
    pub longer: fn(bound: &str) -> String,
    /// Name of the tile.
    pub connections: &'static str,
    /// Title of the graph.
    pub active_connections: &'static str,
    /// The most of the last hour.
    pub peak: fn(count: &str) -> String,
    /// A reading is over a threshold.
    pub over_threshold: fn(threshold: &str) -> String,
    /// Beside a dash: there were no requests to say it of.
    pub no_requests: &'static str,
    /// Beside a dash: nobody answers.
    pub target_down: &'static str,
    /// The link from the panel to its page.
    pub by_route: &'static str,
    /// Title of a table.
    pub slowest: &'static str,
    /// Title of a table.
    pub failing: &'static str,
    /// Where no route has a failed request.
    pub none_failing: &'static str,
    /// Where no route had a request.
    pub no_routes: &'static str,
    /// So many routes more are not shown.
    pub left_out: fn(count: &str) -> String,
    /// Column of a table.
    pub route: &'static str,
    /// Column of a table.
    pub rate: &'static str,
    /// Title of the list of instances.
    pub instances: &'static str,
    /// State of an instance.
    pub up: &'static str,
    /// State of an instance.
    pub down: &'static str,
    /// State of an instance that never answered.
    pub never: &'static str,
    /// When an instance last answered.
    pub last_seen: fn(moment: &str) -> String,
    /// How an instance's numbers come, and how many series it has.
    pub scraped: fn(series: &str) -> String,
    /// The same where it pushes.
    pub pushes: fn(series: &str) -> String,
    /// No newer reading has come since.
    pub old: fn(moment: &str) -> String,
}
