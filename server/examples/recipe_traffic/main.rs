//! Visitors for the example recipe API: a day's rhythm in minutes, the five actions as a site has
//! them, slow routes and bursts of errors.
//!
//! ```sh
//! cargo run -p server --example recipe_traffic -- --requests-per-second 20 --for 10m --day 5m
//! ```
//!
//! It asks nothing but this machine, and no more than it is told.

mod chance;
mod rhythm;
mod visits;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use reqwest::Url;
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior};

use chance::Chance;
use visits::Visitors;

/// Requests under way at once; a site that is slower than that gets fewer.
const MOST_AT_ONCE: usize = 64;

/// Visitors for the example recipe API.
#[derive(Debug, Parser)]
#[command(name = "recipe_traffic")]
struct Arguments {
    /// The API, on this machine
    #[arg(long, default_value = "http://127.0.0.1:5000/", value_parser = own_machine)]
    url: Url,
    /// Requests a second at the busiest hour
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    requests_per_second: u32,
    /// End after this time, such as 90s, 10m or 2h
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration)]
    r#for: Duration,
    /// How long a day takes
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    day: Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "recipe_traffic: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let mut stop = Box::pin(collector::shutdown::signal()?);
    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut chance = Chance::new(seed);
    let visitors = Arc::new(Visitors::new(arguments.url, seed)?);
    visitors.settle(&mut chance).await?;
    writeln!(std::io::stderr(), "recipe_traffic: visiting for {} s", arguments.r#for.as_secs())?;

    let places = Arc::new(Semaphore::new(MOST_AT_ONCE));
    let start = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_secs(1) / arguments.requests_per_second);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while start.elapsed() < arguments.r#for {
        tokio::select! {
            _ = tick.tick() => {}
            () = &mut stop => break,
        }
        let moment = rhythm::at(start.elapsed(), arguments.day);
        // Every tick is one request at the busiest hour, and a chance of one at any other.
        if !chance.happens(moment.load) {
            continue;
        }
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            let visit = visitors.choose(&moment, &mut chance);
            let visitors = Arc::clone(&visitors);
            tokio::spawn(async move {
                visitors.make(visit).await;
                drop(place);
            });
        }
    }
    Ok(())
}

fn own_machine(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{error}; use the form http://127.0.0.1:5000/"))?;
    let is_own = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match url.scheme() {
        "http" if is_own => Ok(url),
        _ => Err("only http to this machine is visited: use 127.0.0.1, localhost or [::1]".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => 0,
    };
    let duration = number.parse().ok().and_then(|number: u64| number.checked_mul(seconds)).map(Duration::from_secs);
    duration.filter(|duration| !duration.is_zero()).ok_or_else(|| "use a time such as 90s, 10m or 2h".to_owned())
}
