//! How far long work has come: a bar on a terminal, a plain line now and then elsewhere.

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
        Self { what, total, bar, said: Instant::now() }
    }

    /// So many parts are done.
    pub(super) fn at(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        } else if self.said.elapsed() >= PAUSE {
            self.said = Instant::now();
            let of = self.total.map(|total| format!(" of {total}")).unwrap_or_default();
            // Nobody may listen, and the work goes on all the same.
            let _ = writeln!(std::io::stderr(), "{}: {done}{of}", self.what);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
