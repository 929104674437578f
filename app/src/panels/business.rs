//! What the application is for: the counts of today and of the week.

use collector::{Business, BusinessMetric};
use leptos::prelude::*;

use crate::charts::{Bar, Bars};
use crate::format::{self, MISSING};
use crate::live::{LiveStore, of};
use crate::widgets::{Html, Shape, part, write_section};
use crate::words::{Words, use_words};

/// Metrics on the overview; the first are shown.
const METRICS_SHOWN: usize = 6;

/// The business metrics on the overview.
#[must_use]
pub fn business_panel() -> AnyView {
    panel(METRICS_SHOWN)
}

/// The business metrics on their own page: all of them.
#[must_use]
pub fn business_detail() -> AnyView {
    panel(usize::MAX)
}

/// The panel with at most so many metrics.
fn panel(most: usize) -> AnyView {
    let words = use_words();
    let store = expect_context::<LiveStore>();
    let is_connected = is_connected(store);
    part(move |html| {
        let is_page = most == usize::MAX;
        html.mark(match is_page {
            true => "<div class=\"panels\"><section class=\"panel\"",
            false => "<section class=\"panel panel-five panel-business\"",
        });
        html.element(
            " aria-labelledby=\"business-title\"><header class=\"panel-header\"><h2 id=\"business-title\">",
            words.business.business,
            "</h2><p class=\"panel-host\">",
        );
        html.text(&since(words, store)).mark("</p>");
        if !is_page {
            let hidden = of(store.business, |business| business.metrics.len()).saturating_sub(most);
            html.element("<a href=\"", &store.look.get().link("./business"), "\" class=\"panel-more\">");
            match hidden {
                0 => html.text(words.business.all),
                count => html.text(&(words.business.more)(count)),
            };
            html.icon(Shape::Right).mark("</a>");
        }
        html.mark("</header>");
        metrics(html, words, store, most, is_connected.get());
        html.mark("</section>");
        if is_page {
            html.mark("</div>");
        }
    })
}

fn is_connected(store: LiveStore) -> Memo<bool> {
    Memo::new(move |_| of(store.business, Business::is_connected))
}

/// The day that is counted.
fn since(words: &Words, store: LiveStore) -> String {
    let zone = of(store.business, |business| business.time_zone.clone());
    if zone.is_empty() { zone } else { (words.business.today)(&zone) }
}

/// A tile for each metric, or how to count one; and that no reading comes.
fn metrics(html: &mut Html, words: &Words, store: LiveStore, most: usize, is_connected: bool) {
    if let Some(at) = store.stale_business() {
        let moment = store.zone.get().moment(at, store.now.get_untracked());
        html.element("<p class=\"panel-notice\">", &(words.business.old)(&moment), "</p>");
    }
    if !is_connected {
        write_section(html, store, "events");
    }
    html.mark("<ul class=\"counts\">");
    of(store.business, |business| {
        let shown = business.metrics.iter().take(most);
        // Before anything was counted, only those that have something to say.
        for metric in shown.filter(|metric| is_connected || metric.error.is_some()) {
            tile(html, words, store, metric);
        }
    });
    html.mark("</ul>");
}

pub(crate) fn title(metric: &BusinessMetric, is_japanese: bool) -> String {
    let title = if is_japanese { &metric.title_ja } else { &metric.title_en };
    if title.is_empty() { metric.name.clone() } else { title.clone() }
}

fn tile(html: &mut Html, words: &Words, store: LiveStore, metric: &BusinessMetric) {
    let name = title(metric, store.is_japanese());
    let bars = bars(words, metric);
    html.element("<li class=\"count\"><h3 class=\"count-name\" title=\"", &name, "\">").text(&name);
    html.mark("</h3><p class=\"tile-reading\"><b>");
    html.text(&metric.today.map_or_else(|| MISSING.to_owned(), format::count));
    html.element("</b><span class=\"tile-unit\">", &metric.unit, "</span></p>");
    match store.said(&metric.error, &metric.error_ja) {
        Some(error) => html.element("<p class=\"count-more warning\">", &error, "</p>"),
        None => html.element("<p class=\"count-more\">", &compared(words, metric), "</p>"),
    };
    bars.small(html, &format!("{name}, {}: {}", words.business.week, bars.summary(words.business.not_counted)));
    html.mark("</li>");
}

/// Today beside yesterday up to the same time, in words.
fn compared(words: &Words, metric: &BusinessMetric) -> String {
    let words = &words.business;
    let Some(today) = metric.today else { return words.not_counted.to_owned() };
    let Some(yesterday) = metric.yesterday else { return words.no_yesterday.to_owned() };
    let difference = today - yesterday;
    if difference.round() == 0.0 {
        return words.unchanged.to_owned();
    }
    let mut text = format::count(difference);
    if yesterday > 0.0 {
        let share = format::signed(difference / yesterday * 100.0);
        text.push_str(&format!(" ({share} %)"));
    }
    if difference > 0.0 { (words.increased)(&text) } else { (words.decreased)(&text) }
}

/// The week as bars: the last is today, and still grows.
fn bars(words: &Words, metric: &BusinessMetric) -> Bars {
    let words = &words.business;
    let last = metric.week.len().saturating_sub(1);
    let bar = |(place, day): (usize, &collector::DayCount)| {
        let weekday = weekday(words.weekdays, &day.date);
        let name =
            if place == last { words.so_far.to_owned() } else { format!("{weekday} {}", format::day_of(&day.date)) };
        let mark = if place == last { words.today_short } else { weekday };
        Bar { mark: mark.to_owned(), name, value: day.count }
    };
    Bars { bars: metric.week.iter().enumerate().map(bar).collect(), unfinished: true, bounds: false }
}

pub(crate) fn weekday(names: [&'static str; 7], date: &str) -> &'static str {
    format::weekday(date).and_then(|day| names.get(day).copied()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use collector::DayCount;

    use super::*;
    use crate::words::{EN, JA};

    fn metric(today: Option<f64>, yesterday: Option<f64>) -> BusinessMetric {
        BusinessMetric {
            name: "orders_daily".into(),
            title_ja: "注文".into(),
            today,
            yesterday,
            ..BusinessMetric::default()
        }
    }

    #[test]
    fn today_is_compared_in_words_and_never_with_what_is_not_known() {
        for (today, yesterday, english, japanese) in [
            (Some(38.0), Some(32.0), "6 (+19 %) more than yesterday by now", "昨日の同時刻より 6 (+19 %) 増"),
            (Some(20.0), Some(32.0), "12 (−38 %) fewer than yesterday by now", "昨日の同時刻より 12 (−38 %) 減"),
            (Some(3.0), Some(0.0), "3 more than yesterday by now", "昨日の同時刻より 3 増"),
            (Some(0.0), Some(0.0), "as many as yesterday by now", "昨日の同時刻と同じ"),
            (Some(3.0), None, "yesterday was not collected", "昨日は未収集"),
            (None, Some(3.0), "not collected", "未収集"),
        ] {
            let metric = metric(today, yesterday);
            assert_eq!((compared(&EN, &metric).as_str(), compared(&JA, &metric).as_str()), (english, japanese));
        }
    }

    #[test]
    fn a_metric_has_its_name_where_a_language_has_no_title() {
        assert_eq!([true, false].map(|japanese| title(&metric(None, None), japanese)), ["注文", "orders_daily"]);
    }

    #[test]
    fn the_week_has_the_weekdays_and_says_that_today_is_not_over() {
        let day = |date: &str, count| DayCount { date: date.into(), count };
        let week = vec![day("2026-11-23", Some(5.0)), day("2026-11-24", None), day("2026-11-25", Some(0.0))];
        let bars = bars(&JA, &BusinessMetric { week, ..metric(None, None) });
        assert_eq!(bars.bars.iter().map(|bar| bar.mark.as_str()).collect::<Vec<_>>(), ["月", "火", "今日"]);
        assert_eq!(bars.summary("未収集"), "月 11-23 5, 火 11-24 未収集, 今日これまで 0");
    }
}
