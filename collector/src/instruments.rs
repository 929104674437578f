//! The health of our own parts in numbers, counted in process and read at scrape time.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds of the save duration, in seconds.
const SAVE_BUCKETS: [f64; 8] = [0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0];

/// What the collector counts about itself. Clones count into the same numbers.
#[derive(Clone, Debug)]
pub struct Instruments(Arc<Inner>);

impl std::ops::Deref for Instruments {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// The handles.
#[derive(Debug)]
pub struct Inner {
    /// Readings of the host taken for the live feed.
    pub readings: Counter,
    /// Samples kept.
    pub samples: Counter,
    /// Samples given up because the buffer was full.
    pub samples_given_up: Counter,
    /// Rows written to `system_metrics`.
    pub rows_saved: Counter,
    /// Saves that failed; the samples stay and are tried again.
    pub saves_failed: Counter,
    /// Samples not yet in PostgreSQL.
    pub buffered: Gauge,
    /// Duration of a save.
    pub save_seconds: Histogram,
    /// Live events that no store took further.
    pub events_not_carried: Counter,
}

impl Instruments {
    /// Makes the handles and enters them in `registry`.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let inner = Inner {
            readings: Counter::default(),
            samples: Counter::default(),
            samples_given_up: Counter::default(),
            rows_saved: Counter::default(),
            saves_failed: Counter::default(),
            buffered: Gauge::default(),
            save_seconds: Histogram::new(SAVE_BUCKETS),
            events_not_carried: Counter::default(),
        };
        let registry = registry.sub_registry_with_prefix("recipe_monitoring");
        registry.register("readings", "Readings of the host taken for the live feed", inner.readings.clone());
        registry.register("samples", "Samples of the host taken to be kept", inner.samples.clone());
        registry.register(
            "samples_given_up",
            "Samples lost because the buffer was full",
            inner.samples_given_up.clone(),
        );
        registry.register("rows_saved", "Rows written to PostgreSQL", inner.rows_saved.clone());
        registry.register("saves_failed", "Saves that failed and are tried again", inner.saves_failed.clone());
        registry.register("buffered_samples", "Samples not yet in PostgreSQL", inner.buffered.clone());
        registry.register("save_duration_seconds", "Duration of a save to PostgreSQL", inner.save_seconds.clone());
        registry.register(
            "events_not_carried",
            "Live events that neither Redis nor PostgreSQL took to other processes",
            inner.events_not_carried.clone(),
        );
        Self(Arc::new(inner))
    }
}

/// What this process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessUsage {
    /// Bytes of memory it holds; `None` where the system does not say.
    pub resident_bytes: Option<u64>,
    /// CPU time since its start, user and system together.
    pub cpu_seconds: f64,
}

/// Reads what this process uses.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "CPU time in ticks stays far below 2^53")]
pub fn process_usage() -> ProcessUsage {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Option<u64> = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    // The fields after the name, which is in parentheses and may hold anything: proc(5).
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = |field: usize| fields.split(' ').nth(field).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or(0);
    let (user, system) = (ticks(11), ticks(12));
    ProcessUsage {
        resident_bytes: pages.map(|pages| pages * page),
        cpu_seconds: (user + system) as f64 / rustix::param::clock_ticks_per_second() as f64,
    }
}
