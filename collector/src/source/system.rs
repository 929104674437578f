//! The host's own numbers, read through sysinfo.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sysinfo::{DiskRefreshKind, Disks, MemoryRefreshKind, Networks};

use super::whole_milliseconds;
use crate::sample::percent;
use crate::{Counters, Interface, Mount, System};

/// File systems that are read-only images: always full, never a problem.
const IMAGES: [&str; 4] = ["squashfs", "erofs", "iso9660", "cramfs"];

/// The host's name: as it was set, or else as the kernel has it.
#[must_use]
pub fn host_name(set: &str) -> String {
    match set {
        "" => {
            sysinfo::System::host_name().ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
        }
        set => set.to_owned(),
    }
}

/// Reads the host. Keeps sysinfo's handles and the counters between two readings.
#[derive(Debug)]
pub struct SystemReader {
    host: String,
    data_disk: PathBuf,
    system: Option<sysinfo::System>,
    disks: Option<Disks>,
    networks: Option<Networks>,
    received: Counters<OsString>,
    sent: Counters<OsString>,
    previous: Instant,
}

impl SystemReader {
    /// A reader for the host, to be named `host`, whose `disk_usage` is that
    /// of the disk that `data_disk` is on. The first reading covers the time since this call.
    #[must_use]
    pub fn new(host: &str, data_disk: &Path) -> Self {
        let mut reader = Self {
            host: host.to_owned(),
            data_disk: data_disk.to_owned(),
            system: readable("cpu and memory", sysinfo::System::new()),
            disks: readable("disks", Disks::new()),
            networks: readable("network interfaces", Networks::new()),
            received: Counters::default(),
            sent: Counters::default(),
            previous: Instant::now(),
        };
        reader.read(Timestamp::now());
        reader
    }

    /// One reading, as of `now`. Takes about a millisecond, or as long as the slowest file system
    /// answers: not for an async task. A part that cannot be read is missing from it.
    pub fn read(&mut self, now: Timestamp) -> System {
        let elapsed = self.previous.elapsed();
        self.previous = Instant::now();
        let mut reading = System::default();
        // First what is counted over the time since the last reading: a file system may take long.
        self.read_cpu_and_memory(&mut reading, elapsed);
        self.read_network(&mut reading);
        let load = sysinfo::System::load_average().ok();
        System {
            at: whole_milliseconds(now),
            host: self.host.clone(),
            interval_seconds: elapsed.as_secs_f64(),
            uptime_seconds: sysinfo::System::uptime().unwrap_or(0),
            load_average_1m: load.as_ref().map(|load| load.one),
            load_average_5m: load.as_ref().map(|load| load.five),
            load_average_15m: load.as_ref().map(|load| load.fifteen),
            disk_usage: disk_usage(&self.data_disk),
            mounts: self.disks.as_mut().map(mounts).unwrap_or_default(),
            ..reading
        }
    }

    fn read_cpu_and_memory(&mut self, reading: &mut System, elapsed: Duration) {
        let Some(system) = &mut self.system else { return };
        system.refresh_cpu_usage();
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        reading.cpu_count = u32::try_from(system.cpus().len()).unwrap_or(u32::MAX);
        // Below this, sysinfo has nothing to compare with and would answer 0.
        if elapsed >= sysinfo::MINIMUM_CPU_UPDATE_INTERVAL && reading.cpu_count > 0 {
            reading.cpu_usage = Some(f64::from(system.global_cpu_usage()).clamp(0.0, 100.0));
        }
        let (total, available) = (system.total_memory(), system.available_memory());
        if total > 0 {
            let used = total.saturating_sub(available);
            reading.memory_usage = percent(used, total);
            reading.memory_used_bytes = Some(used);
            reading.memory_total_bytes = Some(total);
        }
    }

    fn read_network(&mut self, reading: &mut System) {
        let Some(networks) = &mut self.networks else { return };
        networks.refresh(true);
        self.received.retain(|name| networks.contains_key(name));
        self.sent.retain(|name| networks.contains_key(name));
        for (name, data) in networks.iter().filter(|(name, _)| !is_loopback(&name.to_string_lossy())) {
            let received = self.received.increase(name.clone(), data.total_received());
            let sent = self.sent.increase(name.clone(), data.total_transmitted());
            if let (Some(network_rx), Some(network_tx)) = (received, sent) {
                let interface = name.to_string_lossy().into_owned();
                reading.interfaces.push(Interface { interface, network_rx, network_tx });
            }
        }
        reading.interfaces.sort_by(|a, b| a.interface.cmp(&b.interface));
        if !reading.interfaces.is_empty() {
            reading.network_rx = Some(reading.interfaces.iter().map(|interface| interface.network_rx).sum());
            reading.network_tx = Some(reading.interfaces.iter().map(|interface| interface.network_tx).sum());
        }
    }
}

fn readable<T>(what: &str, handle: Result<T, sysinfo::Error>) -> Option<T> {
    handle.inspect_err(|error| tracing::warn!(%error, "{what} of this host cannot be read")).ok()
}

fn is_loopback(name: &str) -> bool {
    name.strip_prefix("lo").is_some_and(|rest| rest.chars().all(|digit| digit.is_ascii_digit()))
}

/// Usage of the disk that `path` is on, %.
fn disk_usage(path: &Path) -> Option<f64> {
    usage(path).map(|usage| usage.disk_usage())
}

/// How full the file system of `path` is; `None` where it does not say or has no size.
fn usage(path: &Path) -> Option<Mount> {
    let stat = rustix::fs::statvfs(path).ok().filter(|stat| stat.f_blocks > 0)?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Some(Mount {
        mount: path.to_string_lossy().into_owned(),
        used_bytes: bytes(stat.f_blocks.saturating_sub(stat.f_bfree)),
        available_bytes: bytes(stat.f_bavail),
        total_bytes: bytes(stat.f_blocks),
    })
}

/// Every file system once, under its shortest mount point: bind mounts are the same disk again.
fn mounts(disks: &mut Disks) -> Vec<Mount> {
    disks.refresh_specifics(true, DiskRefreshKind::nothing());
    let mut disks: Vec<_> = disks.iter().filter(|disk| is_disk(disk)).collect();
    disks.sort_by_key(|disk| (disk.mount_point().as_os_str().len(), disk.mount_point().to_owned()));
    let mut seen = Vec::new();
    disks.retain(|disk| {
        let device = disk.id();
        let is_new = device.is_none() || !seen.contains(&device);
        seen.push(device);
        is_new
    });
    disks.sort_by(|a, b| a.mount_point().cmp(b.mount_point()));
    disks.iter().filter_map(|disk| usage(disk.mount_point())).collect()
}

/// Not an image, and not a container's overlay, which only repeats the disk it lies on.
fn is_disk(disk: &sysinfo::Disk) -> bool {
    let kind = disk.file_system();
    let is_overlay = kind == "overlay" && disk.mount_point() != Path::new("/");
    !is_overlay && !IMAGES.iter().any(|image| kind == *image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_host_has_every_number() {
        let mut reader = SystemReader::new(&host_name(""), Path::new("/"));
        std::thread::sleep(sysinfo::MINIMUM_CPU_UPDATE_INTERVAL);
        let reading = reader.read(Timestamp::now());
        assert!(!reading.host.is_empty());
        assert!(reading.interval_seconds > 0.1 && reading.uptime_seconds > 0 && reading.cpu_count > 0);
        for percentage in [reading.cpu_usage, reading.memory_usage, reading.disk_usage] {
            assert!((0.0..=100.0).contains(&percentage.unwrap()), "{reading:?}");
        }
        assert!(reading.memory_used_bytes.unwrap() < reading.memory_total_bytes.unwrap());
        assert!(reading.load_average_1m.unwrap() >= 0.0);
        assert!(reading.interfaces.iter().all(|interface| !is_loopback(&interface.interface)));
        assert!(reading.mounts.iter().all(|mount| mount.used_bytes + mount.available_bytes <= mount.total_bytes));
        assert!(reading.mounts.iter().any(|mount| mount.mount == "/"), "{:?}", reading.mounts);
    }

    #[test]
    fn loopback_is_known_by_its_name_only() {
        for (name, loopback) in [("lo", true), ("lo0", true), ("lora0", false), ("eth0", false)] {
            assert_eq!(is_loopback(name), loopback, "{name}");
        }
    }

    #[test]
    fn a_data_disk_that_is_not_there_has_no_usage() {
        assert_eq!(disk_usage(Path::new("/nonexistent/path")), None);
    }
}
