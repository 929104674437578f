//! The newest backup: its age and size, and why the last try failed.

use collector::backup::{BackupResult, BackupState};
use jiff::SignedDuration;

use super::super::{begin, state_word};
use super::Viewer;
use crate::format;
use crate::widgets::{Html, Shape};

/// One that is older is not what a day's backup should be; as in the rule BackupOld.
const OLD: SignedDuration = SignedDuration::from_hours(30);

/// Its section.
pub(super) fn section(html: &mut Html, viewer: &Viewer<'_>, state: &BackupState) {
    let (own, reader) = (viewer.own, viewer.reader);
    begin(html, "backup-title", own.backup);
    html.mark("<p class=\"redis-state\">");
    match &state.newest {
        Some(newest) => {
            let is_old = state.is_daily && reader.now.duration_since(newest.at) > OLD;
            let (class, shape) =
                if is_old { ("state-warning", Shape::Exclamation) } else { ("state-good", Shape::Check) };
            state_word(html, class, shape, &(reader.words.ago)(&reader.age(newest.at)));
            let known = [
                newest.bytes.map(format::size),
                Some((own.backup_took)(&format::short(newest.seconds))),
                (newest.result == Some(BackupResult::Partial)).then(|| own.backup_partial.to_owned()),
                Some((own.backup_on)(&newest.host)),
            ];
            for part in known.into_iter().flatten() {
                html.element("<span>", &part, "</span>");
            }
        }
        None => drop(html.element("<span>", own.backup_none[usize::from(state.is_daily)], "</span>")),
    }
    html.mark("</p>");
    if let Some(failed) = &state.failed {
        let ago = (reader.words.ago)(&reader.age(failed.at));
        html.mark("<div class=\"panel-notice\"><p>");
        state_word(html, "state-bad", Shape::Cross, &(own.backup_failed)(&ago));
        html.element("</p><pre class=\"remedy\"><code>", &failed.error, "</code></pre></div>");
    }
    html.mark("</section>");
}
