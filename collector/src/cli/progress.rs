//! How far long work has come: a bar on a terminal, a plain line at the start and now and then
//! elsewhere.

use std::convert::Infallible;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between two plain lines.
const PAUSE: Duration = Duration::from_secs(10);
/// Between two movements of the bar.
const TICK: Duration = Duration::from_millis(100);

/// One piece of work, of `total` parts where that is known.
pub(super) struct Progress {
    what: &'static str,
    total: Option<u64>,
    bar: Option<ProgressBar>,
    started: Instant,
    said: Instant,
}

impl Progress {
    /// Begins to show work on `what`.
    pub(super) fn start(what: &'static str, total: Option<u64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            let template = match total {
                Some(_) => "{msg} {wide_bar} {pos}/{len} {eta}",
                None => "{spinner} {msg} {elapsed}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(what);
            bar.enable_steady_tick(TICK);
            bar
        });
        if bar.is_none() {
            say(what, &total.map_or_else(|| "begun".to_owned(), |total| format!("0 of {total}")));
        }
        let now = Instant::now();
        Self { what, total, bar, started: now, said: now }
    }

    /// So many parts are done.
    pub(super) fn at(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        } else if self.said.elapsed() >= PAUSE {
            self.said = Instant::now();
            let of = self.total.map(|total| format!(" of {total}")).unwrap_or_default();
            say(self.what, &format!("{done}{of}"));
        }
    }

    /// It goes on, for ever, and nobody knows how far it has come.
    pub(super) async fn goes_on(mut self) -> Infallible {
        loop {
            tokio::time::sleep(PAUSE).await;
            let seconds = self.started.elapsed().as_secs();
            if self.bar.is_none() {
                say(self.what, &format!("going on for {seconds} s"));
            }
            self.said = Instant::now();
        }
    }
}

/// A line to whom it may concern: nobody may listen, and the work goes on all the same.
fn say(what: &str, how_far: &str) {
    let _ = writeln!(std::io::stderr(), "{what}: {how_far}");
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
