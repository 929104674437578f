//! The health of our own parts in numbers, counted in process and read at scrape time.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::PartName;
use crate::sample::Refusal;
use crate::store::Store;

/// How often PostgreSQL is asked about the jobs.
const JOBS_INTERVAL: Duration = Duration::from_secs(10);
/// Upper bounds of how late a reading of the host is and how long it takes, in seconds.
const SAMPLE_BUCKETS: [f64; 9] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0];
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
    /// How long a reading of the host took.
    pub sample_seconds: Histogram,
    /// How much later than it was due it began.
    pub sample_lateness: Histogram,
    /// Samples kept.
    pub samples: Counter,
    /// Numbers of samples that were refused or changed, by reason.
    pub refused: Family<RefusedLabels, Counter>,
    /// Records given up because the spool or the memory was full.
    pub records_given_up: Counter,
    /// Records of the spool that could not be read again.
    pub records_damaged: Counter,
    /// Writes to the spool that failed; the records stay in memory.
    pub spool_failures: Counter,
    /// Bytes of the spool.
    pub spool_bytes: Gauge,
    /// Records in the spool that are not yet in PostgreSQL.
    pub unsaved_records: Gauge,
    /// Rows written to PostgreSQL.
    pub rows_saved: Counter,
    /// Duration of the save of one batch.
    pub save_seconds: Histogram,
    /// Runs of jobs in this process, by outcome.
    pub job_runs: Family<JobLabels, Counter>,
    /// Live events that no store took further.
    pub events_not_carried: Counter,
    /// Scrapes of the application, by outcome.
    pub scrapes: Family<OutcomeLabels, Counter>,
    /// Series of scrapes that were left out, by reason.
    pub series_left_out: Family<ReasonLabels, Counter>,
}

/// Labels of [`Inner::scrapes`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabels {
    outcome: &'static str,
}

/// Labels of [`Inner::series_left_out`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabels {
    reason: &'static str,
}

/// Labels of [`Inner::refused`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusedLabels {
    reason: Refusal,
}

/// Labels of [`Inner::job_runs`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct JobLabels {
    job: &'static str,
    outcome: &'static str,
}

impl Instruments {
    /// Makes the handles and enters them in `registry`.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let inner = Inner {
            readings: Counter::default(),
            sample_seconds: Histogram::new(SAMPLE_BUCKETS),
            sample_lateness: Histogram::new(SAMPLE_BUCKETS),
            samples: Counter::default(),
            refused: Family::default(),
            records_given_up: Counter::default(),
            records_damaged: Counter::default(),
            spool_failures: Counter::default(),
            spool_bytes: Gauge::default(),
            unsaved_records: Gauge::default(),
            rows_saved: Counter::default(),
            save_seconds: Histogram::new(SAVE_BUCKETS),
            job_runs: Family::default(),
            events_not_carried: Counter::default(),
            scrapes: Family::default(),
            series_left_out: Family::default(),
        };
        let r = registry.sub_registry_with_prefix("recipe_monitoring");
        r.register("readings", "Readings of the host taken for the live feed", inner.readings.clone());
        r.register("sample_duration_seconds", "Duration of a reading of the host", inner.sample_seconds.clone());
        let help = "How much later than it was due a reading of the host began";
        r.register("sample_lateness_seconds", help, inner.sample_lateness.clone());
        r.register("samples", "Samples taken to be kept", inner.samples.clone());
        r.register("points_refused", "Numbers of samples that were refused or cut, by reason", inner.refused.clone());
        r.register(
            "records_given_up",
            "Records lost because the spool or the memory before it was full",
            inner.records_given_up.clone(),
        );
        r.register(
            "records_damaged",
            "Records lost because the spool could not be read again",
            inner.records_damaged.clone(),
        );
        r.register(
            "spool_failures",
            "Writes to the spool that failed and are tried again",
            inner.spool_failures.clone(),
        );
        r.register("spool_bytes", "Size of the spool on disk", inner.spool_bytes.clone());
        r.register("unsaved_records", "Records in the spool, not yet in PostgreSQL", inner.unsaved_records.clone());
        r.register("rows_saved", "Rows written to PostgreSQL", inner.rows_saved.clone());
        r.register("save_duration_seconds", "Duration of the save of one batch", inner.save_seconds.clone());
        r.register("job_runs", "Runs of scheduled jobs in this process, by outcome", inner.job_runs.clone());
        r.register(
            "events_not_carried",
            "Live events that neither Redis nor PostgreSQL took to other processes",
            inner.events_not_carried.clone(),
        );
        r.register("scrapes", "Scrapes of the application, by outcome", inner.scrapes.clone());
        r.register(
            "scrape_series_left_out",
            "Series of scrapes that were over a limit or malformed and left out, by reason",
            inner.series_left_out.clone(),
        );
        for reason in Refusal::ALL {
            // So that each is there from the beginning, as 0.
            drop(inner.refused.get_or_create(&RefusedLabels { reason }));
        }
        Self(Arc::new(inner))
    }

    /// Counts records that are lost, and says so.
    pub(crate) fn give_up(&self, records: u64, why: &str) {
        if records > 0 {
            self.records_given_up.inc_by(records);
            tracing::error!(records, why, "the oldest unsaved records were given up");
        }
    }

    /// Counts numbers that were refused or changed.
    pub(crate) fn refuse(&self, reason: Refusal, numbers: u64) {
        self.refused.get_or_create(&RefusedLabels { reason }).inc_by(numbers);
    }

    /// Counts a scrape of the application.
    pub(crate) fn scraped(&self, succeeded: bool) {
        let outcome = if succeeded { "success" } else { "failure" };
        self.scrapes.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// Counts series of a scrape that were left out.
    pub(crate) fn leave_out(&self, reason: &'static str, series: u64) {
        self.series_left_out.get_or_create(&ReasonLabels { reason }).inc_by(series);
    }

    /// Counts the run of a job.
    pub(crate) fn job_ran(&self, job: &'static str, succeeded: bool) {
        let outcome = if succeeded { "success" } else { "failure" };
        self.job_runs.get_or_create(&JobLabels { job, outcome }).inc();
    }
}

/// The last success of every job on every host, as PostgreSQL knows it: of all collectors.
#[derive(Debug)]
pub(crate) struct JobInstruments {
    last_success: Family<HostJobLabels, Gauge<f64, AtomicU64>>,
    duration: Family<HostJobLabels, Gauge<f64, AtomicU64>>,
    default_partition_rows: Gauge,
}

/// Labels of [`JobInstruments`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct HostJobLabels {
    job: String,
    host: String,
}

impl JobInstruments {
    /// Makes the handles and enters them in `registry`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let instruments = Self {
            last_success: Family::default(),
            duration: Family::default(),
            default_partition_rows: Gauge::default(),
        };
        let r = registry.sub_registry_with_prefix("recipe_monitoring");
        r.register(
            "job_last_success_timestamp_seconds",
            "When a scheduled job was last done",
            instruments.last_success.clone(),
        );
        r.register(
            "job_last_duration_seconds",
            "How long the last success of a scheduled job took",
            instruments.duration.clone(),
        );
        r.register(
            "default_partition_rows",
            "Rows outside of the monthly partitions, until they are moved by the job 'partitions'; counted up to 1000",
            instruments.default_partition_rows.clone(),
        );
        instruments
    }
}

/// Keeps the job instruments up to date, for ever.
pub(crate) async fn watch_jobs(store: Store, instruments: JobInstruments) {
    loop {
        if let Ok(runs) = store.job_runs().await {
            for run in runs {
                let labels = HostJobLabels { job: run.job, host: run.host };
                let finished = run.finished_at.as_duration().as_secs_f64();
                instruments.last_success.get_or_create(&labels).set(finished);
                instruments.duration.get_or_create(&labels).set(run.seconds);
            }
        }
        if let Ok(rows) = store.default_partition_rows().await {
            instruments.default_partition_rows.set(rows);
        }
        tokio::time::sleep(JOBS_INTERVAL).await;
    }
}

/// How long our stores take to answer, in numbers. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct PartInstruments {
    latency: Family<PartLabels, Gauge<f64, AtomicU64>>,
}

/// Labels of [`PartInstruments`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartLabels {
    part: &'static str,
}

impl PartInstruments {
    /// Makes the handles and enters them in `registry`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let instruments = Self::default();
        let help = "How long a part of the monitoring took for its newest answer; absent while it gives none";
        let registry = registry.sub_registry_with_prefix("recipe_monitoring");
        registry.register("part_latency_seconds", help, instruments.latency.clone());
        instruments
    }

    /// Notes how long an answer took; `None` where there was none.
    pub(crate) fn answered(&self, part: PartName, took: Option<Duration>) {
        let labels = PartLabels { part: part.name() };
        match took {
            Some(took) => drop(self.latency.get_or_create(&labels).set(took.as_secs_f64())),
            None => drop(self.latency.remove(&labels)),
        }
    }
}

/// Enters what this process uses, under the names that every Prometheus client library has.
pub(crate) fn register_process(registry: &mut Registry, started_at: Timestamp) {
    registry.register_collector(Box::new(Process { started_at }));
}

#[derive(Debug)]
struct Process {
    started_at: Timestamp,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let usage = process_usage();
        if let Some(bytes) = usage.resident_bytes {
            let help = "Resident memory size in bytes";
            let metric = encoder.encode_descriptor("process_resident_memory_bytes", help, None, MetricType::Gauge)?;
            ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX)).encode(metric)?;
        }
        if let Some(seconds) = usage.cpu_seconds {
            let help = "Total user and system CPU time spent in seconds";
            let metric = encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
            ConstCounter::new(seconds).encode(metric)?;
        }
        let help = "Start time of the process since unix epoch in seconds";
        let metric = encoder.encode_descriptor("process_start_time_seconds", help, None, MetricType::Gauge)?;
        ConstGauge::new(self.started_at.as_duration().as_secs_f64()).encode(metric)
    }
}

/// What this process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessUsage {
    /// Bytes of memory it holds; `None` where the system does not say.
    pub resident_bytes: Option<u64>,
    /// CPU time since its start, user and system together; `None` where the system does not say.
    pub cpu_seconds: Option<f64>,
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
    let ticks = |field: usize| -> Option<u64> { fields.split(' ').nth(field)?.parse().ok() };
    let ticks = ticks(11).zip(ticks(12)).map(|(user, system)| user + system);
    ProcessUsage {
        resident_bytes: pages.map(|pages| pages * page),
        cpu_seconds: ticks.map(|ticks| ticks as f64 / rustix::param::clock_ticks_per_second() as f64),
    }
}
