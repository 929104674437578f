//! The host's own numbers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Labels, Point, Sample};

/// Name and meaning of every metric of the host.
pub const SYSTEM_METRICS: [(&str, &str); 8] = [
    ("cpu_usage", "Busy share of all cores together, in percent"),
    ("memory_usage", "Total minus available memory, in percent of the total"),
    ("disk_usage", "Used share of the data disk, or with label mount of a file system, in percent"),
    (
        "network_rx",
        "Bytes received since the previous reading, all interfaces but loopback or with label interface one",
    ),
    ("network_tx", "Bytes sent since the previous reading, all interfaces but loopback or with label interface one"),
    ("load_average_1m", "Load average over one minute"),
    ("load_average_5m", "Load average over five minutes"),
    ("load_average_15m", "Load average over 15 minutes"),
];

/// One reading of the host, or several merged into one (see [`SystemWindow`]).
///
/// A number that could not be read is `None` and never 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct System {
    /// The end of the time this reading covers.
    #[serde(with = "crate::rfc3339")]
    pub at: Timestamp,
    /// Name of the host.
    pub host: String,
    /// Seconds covered: the time since the previous reading.
    pub interval_seconds: f64,
    /// Seconds since the host was started.
    pub uptime_seconds: u64,
    /// Number of logical cores.
    pub cpu_count: u32,
    /// Busy share of all cores together over the interval, % 0-100.
    pub cpu_usage: Option<f64>,
    /// (total - available) / total, % 0-100.
    pub memory_usage: Option<f64>,
    /// Total minus available memory, in bytes.
    pub memory_used_bytes: Option<u64>,
    /// In bytes.
    pub memory_total_bytes: Option<u64>,
    /// Used share of the data disk, % 0-100, as [`Mount::disk_usage`].
    pub disk_usage: Option<f64>,
    /// Bytes received over the interval, all interfaces but loopback.
    pub network_rx: Option<u64>,
    /// Bytes sent over the interval, all interfaces but loopback.
    pub network_tx: Option<u64>,
    /// The kernel's load average over one minute.
    pub load_average_1m: Option<f64>,
    /// The kernel's load average over five minutes.
    pub load_average_5m: Option<f64>,
    /// The kernel's load average over 15 minutes.
    pub load_average_15m: Option<f64>,
    /// Every mounted file system, in the order of the mount points.
    pub mounts: Vec<Mount>,
    /// Every interface but loopback, in the order of their names.
    pub interfaces: Vec<Interface>,
}

/// One mounted file system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mount {
    /// Where it is mounted, e.g. `/var/lib`.
    pub mount: String,
    /// In bytes.
    pub used_bytes: u64,
    /// What an ordinary process may still write, in bytes: less than what is not used where a
    /// part is reserved.
    pub available_bytes: u64,
    /// Size of the file system, in bytes.
    pub total_bytes: u64,
}

impl Mount {
    /// Used share of what ordinary processes can use at all, % 0-100: what `df` prints as `Use%`,
    /// 100 when nothing more can be written.
    #[must_use]
    pub fn disk_usage(&self) -> f64 {
        percent(self.used_bytes, self.used_bytes.saturating_add(self.available_bytes)).unwrap_or(100.0)
    }
}

/// What went through one network interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Interface {
    /// Its name, e.g. `eth0`.
    pub interface: String,
    /// Bytes received over the interval.
    pub network_rx: u64,
    /// Bytes sent over the interval.
    pub network_tx: u64,
}

impl System {
    /// Received bytes per second over the interval.
    #[must_use]
    pub fn rx_per_second(&self) -> Option<f64> {
        self.per_second(self.network_rx?)
    }

    /// Sent bytes per second over the interval.
    #[must_use]
    pub fn tx_per_second(&self) -> Option<f64> {
        self.per_second(self.network_tx?)
    }

    /// `bytes` of this reading as bytes per second; `None` where the interval has no length.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "bytes within one interval stay far below 2^53")]
    pub fn per_second(&self, bytes: u64) -> Option<f64> {
        (self.interval_seconds > 0.0).then(|| bytes as f64 / self.interval_seconds)
    }

    /// The sample that is kept of this reading: every number that was read, under the metric
    /// names of the specification.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "bytes within one interval stay far below 2^53")]
    pub fn sample(&self) -> Sample {
        let whole = [
            ("cpu_usage", self.cpu_usage),
            ("memory_usage", self.memory_usage),
            ("disk_usage", self.disk_usage),
            ("network_rx", self.network_rx.map(|bytes| bytes as f64)),
            ("network_tx", self.network_tx.map(|bytes| bytes as f64)),
            ("load_average_1m", self.load_average_1m),
            ("load_average_5m", self.load_average_5m),
            ("load_average_15m", self.load_average_15m),
        ];
        let label = |name: &str, value: &String| Labels::from([(name.to_owned(), value.clone())]);
        let whole = whole.into_iter().filter_map(|(name, value)| Some((name, Labels::new(), value?)));
        let mounts = self.mounts.iter().map(|mount| ("disk_usage", label("mount", &mount.mount), mount.disk_usage()));
        let interfaces = self.interfaces.iter().flat_map(|interface| {
            let labels = label("interface", &interface.interface);
            [
                ("network_rx", labels.clone(), interface.network_rx as f64),
                ("network_tx", labels, interface.network_tx as f64),
            ]
        });
        let points = whole.chain(mounts).chain(interfaces);
        let points = points.map(|(name, labels, value)| Point { metric_name: name.into(), value, labels }).collect();
        Sample { at: self.at, host: self.host.clone(), points }
    }
}

/// `part` / `whole` in %, `None` where there is no whole.
#[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 53 bits")]
pub(crate) fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64 * 100.0)
}

/// Merges the short readings of the live feed into the longer samples that are kept.
///
/// What is counted is added up, the CPU's share is averaged by time, and everything else is as
/// it was at the end: no number of the kept sample disagrees with the live ones it is made of.
#[derive(Debug)]
pub struct SystemWindow {
    /// Length of a sample in seconds.
    length: f64,
    pending: Option<System>,
}

impl SystemWindow {
    /// Windows that give a sample for every `seconds` covered.
    #[must_use]
    pub fn new(seconds: f64) -> Self {
        Self { length: seconds, pending: None }
    }

    /// Adds a reading; answers the sample when it is complete, which is when the next reading of
    /// the same length would take it further past its length than it is short of it now.
    pub fn add(&mut self, reading: System) -> Option<System> {
        let step = reading.interval_seconds;
        let merged = match self.pending.take() {
            Some(earlier) => merge(&earlier, reading),
            None => reading,
        };
        if merged.interval_seconds + step / 2.0 > self.length {
            return Some(merged);
        }
        self.pending = Some(merged);
        None
    }

    /// What has not become a whole sample yet: taken at shutdown, so that nothing counted is lost.
    pub fn take(&mut self) -> Option<System> {
        self.pending.take()
    }
}

fn merge(earlier: &System, later: System) -> System {
    let seconds = earlier.interval_seconds + later.interval_seconds;
    let cpu_usage = match (earlier.cpu_usage, later.cpu_usage) {
        (Some(a), Some(b)) if seconds > 0.0 => {
            Some((a * earlier.interval_seconds + b * later.interval_seconds) / seconds)
        }
        (a, b) => b.or(a),
    };
    // Interfaces that went away meanwhile keep what they counted.
    let mut interfaces = later.interfaces;
    for old in &earlier.interfaces {
        match interfaces.iter_mut().find(|new| new.interface == old.interface) {
            Some(new) => {
                new.network_rx += old.network_rx;
                new.network_tx += old.network_tx;
            }
            None => interfaces.push(old.clone()),
        }
    }
    interfaces.sort_by(|a, b| a.interface.cmp(&b.interface));
    System {
        interval_seconds: seconds,
        cpu_usage,
        network_rx: sum(earlier.network_rx, later.network_rx),
        network_tx: sum(earlier.network_tx, later.network_tx),
        interfaces,
        ..later
    }
}

fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(seconds: f64, cpu: f64, rx: u64) -> System {
        System {
            interval_seconds: seconds,
            cpu_usage: Some(cpu),
            network_rx: Some(rx),
            interfaces: vec![Interface { interface: "eth0".into(), network_rx: rx, network_tx: 1 }],
            mounts: vec![Mount { mount: "/".into(), used_bytes: 30, available_bytes: 10, total_bytes: 50 }],
            ..System::default()
        }
    }

    #[test]
    fn five_readings_of_two_seconds_are_one_sample_of_ten() {
        let mut window = SystemWindow::new(10.0);
        let samples: Vec<_> = (0..10).filter_map(|i| window.add(reading(2.0, f64::from(i), 100))).collect();
        assert_eq!(samples.len(), 2);
        assert_eq!(samples[0].interval_seconds, 10.0);
        assert_eq!(samples[0].cpu_usage, Some(2.0));
        assert_eq!(samples[0].network_rx, Some(500));
        assert_eq!(samples[0].interfaces[0].network_rx, 500);
        assert_eq!(samples[1].cpu_usage, Some(7.0));
    }

    #[test]
    fn readings_a_little_early_or_late_give_no_extra_and_no_missing_sample() {
        for seconds in [1.98, 2.02] {
            let mut window = SystemWindow::new(10.0);
            let samples = (0..500).filter_map(|_| window.add(reading(seconds, 1.0, 1))).count();
            assert_eq!(samples, 100, "{seconds}");
        }
    }

    #[test]
    fn an_interface_that_went_away_keeps_what_it_counted() {
        let mut window = SystemWindow::new(4.0);
        assert_eq!(window.add(reading(2.0, 1.0, 70)), None);
        let gone = System { interfaces: Vec::new(), ..reading(2.0, 1.0, 0) };
        let sample = window.add(gone).unwrap();
        assert_eq!(sample.interfaces[0].network_rx, 70);
        assert_eq!(sample.network_rx, Some(70));
    }

    #[test]
    fn a_missing_reading_is_absent_and_not_zero() {
        assert_eq!(System::default().sample().points, []);
    }

    #[test]
    fn points_carry_the_names_and_labels_of_the_specification() {
        let points = reading(10.0, 12.5, 7).sample().points;
        let of = |name: &str| points.iter().filter(|point| point.metric_name == name).collect::<Vec<_>>();
        assert_eq!(of("cpu_usage")[0].value, 12.5);
        assert_eq!(of("disk_usage")[0].labels, Labels::from([("mount".to_owned(), "/".to_owned())]));
        assert_eq!(of("disk_usage")[0].value, 75.0);
        assert_eq!(of("network_rx").len(), 2);
        assert_eq!(of("network_rx")[1].labels, Labels::from([("interface".to_owned(), "eth0".to_owned())]));
        assert!(points.iter().all(|point| SYSTEM_METRICS.iter().any(|(name, _)| *name == point.metric_name)));
    }
}
