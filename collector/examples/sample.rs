//! What one reading of the host costs: `sample N` takes N and prints the CPU seconds of each.
//!
//! For `bench/`. A reading is taken and written as JSON, as for the live feed.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use collector::{SystemReader, host_name, process_usage};
use jiff::Timestamp;

/// Readings closer together than sysinfo's 200 ms would leave out the CPUs.
const PAUSE: Duration = Duration::from_millis(250);

fn main() -> Result<(), Box<dyn Error>> {
    let number: u32 = std::env::args().nth(1).ok_or("say how many readings to take")?.parse()?;
    let mut reader = SystemReader::new(&host_name(""), Path::new("/"));
    let cpu_seconds = || process_usage().cpu_seconds.ok_or("this system does not say how much CPU time is used");
    let before = cpu_seconds()?;
    for _ in 0..number {
        sleep(PAUSE);
        std::hint::black_box(serde_json::to_vec(&reader.read(Timestamp::now()))?);
    }
    let used = cpu_seconds()? - before;
    writeln!(std::io::stdout(), "{:.9}", used / f64::from(number))?;
    Ok(())
}
