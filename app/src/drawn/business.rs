//! The week of the business metrics, as numbers.

use collector::BusinessMetric;

use super::{Reader, Sources, begin};
use crate::format::{self, MISSING};
use crate::panels::{title, weekday};
use crate::widgets::Html;

/// A table of the week; nothing before anything was counted.
pub(super) fn section(html: &mut Html, reader: &Reader, Sources { feed, .. }: &Sources) {
    let Some(business) = feed.current().business.filter(collector::Business::is_connected) else { return };
    let words = &reader.words.business;
    begin(html, "week-title", words.week);
    let mut columns = vec![words.metric.to_owned()];
    for (place, day) in business.metrics.iter().take(1).flat_map(|metric| metric.week.iter().rev()).enumerate() {
        let name = if place == 0 { words.so_far } else { weekday(words.weekdays, &day.date) };
        columns.push(format!("{name} {}", format::day_of(&day.date)));
    }
    let row = |metric: &BusinessMetric| {
        let counts = metric.week.iter().rev().map(|day| day.count.map_or_else(|| MISSING.to_owned(), format::count));
        std::iter::once(title(metric, reader.is_japanese())).chain(counts).collect::<Vec<_>>()
    };
    html.element("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"", words.week, "\">");
    html.table("", &columns, &business.metrics.iter().map(row).collect::<Vec<_>>(), "");
    html.mark("</div></section>");
}
