//! Samples on their way into PostgreSQL, for `bench/`.
//!
//! ```text
//! history fill SPOOL ROWS    keeps ROWS rows' worth of samples in a spool: prints memory as it fills
//! history save SPOOL URL     saves what is in the spool: prints rows, seconds and memory
//! history read SPOOL         reads one metric of all that waits, twice: prints seconds and memory
//! ```

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use collector::config::Database;
use collector::schedule::Saving;
use collector::{Buffer, Instruments, Interface, Mount, Record, Sample, Store, System, Unsaved, process_usage};
use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;

/// More than is ever filled.
const LIMIT: u64 = 64 << 30;
/// The numbers of one sample below: 8 of the host, and of 2 file systems and 2 interfaces.
const ROWS_OF_A_SAMPLE: u64 = 14;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fill", spool, rows] => fill(Path::new(spool), rows.parse()?).await,
        ["save", spool, url] => save(Path::new(spool), url).await,
        ["read", spool] => read(Path::new(spool)).await,
        _ => Err("use: history fill SPOOL ROWS, history save SPOOL URL, or history read SPOOL".into()),
    }
}

async fn fill(spool: &Path, rows: u64) -> Result<(), Box<dyn Error>> {
    let buffer = Buffer::open(spool, LIMIT, 10_000, Instruments::register(&mut Registry::default()))?;
    let samples = rows.div_ceil(ROWS_OF_A_SAMPLE);
    let start = Timestamp::now() - SignedDuration::from_secs(10 * i64::try_from(samples)?);
    for n in 0..samples {
        let last = buffer.push(Record::Sample(sample(start, n)?.sample()));
        // As fast as the disk takes them, and no faster.
        if n % 500 == 499 {
            buffer.kept(last).await;
        }
        if n % samples.div_ceil(10) == samples / 20 {
            print(&format!("resident {}", process_usage().resident_bytes.unwrap_or(0)))?;
        }
    }
    buffer.close().await;
    Ok(())
}

async fn save(spool: &Path, url: &str) -> Result<(), Box<dyn Error>> {
    let store = Store::connect(url, &Database { pool_min: 0, ..Database::default() }).await?;
    let instruments = Instruments::register(&mut Registry::default());
    let buffer = Buffer::open(spool, LIMIT, 10_000, instruments.clone())?;
    let started = Instant::now();
    Saving::new(store, buffer.clone(), "bench", instruments.clone()).perform().await?;
    let seconds = started.elapsed().as_secs_f64();
    let resident = process_usage().resident_bytes.unwrap_or(0);
    print(&format!("saved {} rows in {seconds} s resident {resident}", instruments.rows_saved.get()))
}

async fn read(spool: &Path) -> Result<(), Box<dyn Error>> {
    let unsaved = Unsaved::of_others(spool);
    let now = Timestamp::now();
    // First everything, then the last 15 minutes, when it is known which segments have them.
    for from in [Timestamp::UNIX_EPOCH, now - SignedDuration::from_mins(15)] {
        let started = Instant::now();
        let count = |found: &mut u64, _, _, sample: &Sample| *found += sample.points.len() as u64;
        let points = unsaved.samples((from, now), vec!["cpu_usage".to_owned()], 0, count).await?;
        let (seconds, usage) = (started.elapsed().as_secs_f64(), process_usage());
        print(&format!("read {points} points in {seconds} s resident {}", usage.resident_bytes.unwrap_or(0)))?;
    }
    Ok(())
}

/// A sample like those of a small server.
fn sample(start: Timestamp, n: u64) -> Result<System, Box<dyn Error>> {
    let wave = f64::from(u32::try_from(n % 8_640)?) / 8_640.0;
    let bytes = 40_000 + n * 7_919 % 1_000_000;
    let mount = |name: &str, used| Mount {
        mount: name.to_owned(),
        used_bytes: used,
        available_bytes: 500_000_000_000 - used,
        total_bytes: 500_000_000_000,
    };
    let interface = |name: &str| Interface { interface: name.to_owned(), network_rx: bytes, network_tx: bytes / 3 };
    Ok(System {
        at: start + SignedDuration::from_secs(10 * i64::try_from(n)?),
        host: "bench".to_owned(),
        interval_seconds: 10.0,
        cpu_usage: Some(30.0 + 20.0 * (wave * std::f64::consts::TAU).sin()),
        memory_usage: Some(60.0 + wave),
        disk_usage: Some(40.0 + wave),
        network_rx: Some(bytes),
        network_tx: Some(bytes / 3),
        load_average_1m: Some(0.5 + wave),
        load_average_5m: Some(0.5),
        load_average_15m: Some(0.4),
        mounts: vec![mount("/", 200_000_000_000 + n), mount("/var/lib", 90_000_000_000 + n)],
        interfaces: vec![interface("eth0"), interface("wg0")],
        ..System::default()
    })
}

fn print(line: &str) -> Result<(), Box<dyn Error>> {
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}
