//! The watched application: tiles, graphs and routes.

mod detail;
mod routes;
mod tiles;

use collector::{Application, Instance};
use leptos::prelude::*;

use crate::charts::{Bar, Bars, Series, Unit, line_graph};
use crate::format;
use crate::live::{LiveStore, Subject, of};
use crate::widgets::{Html, Shape, drawn_section, icon, part, when};
use crate::words::{Words, use_words};

pub use detail::application_detail;

/// Routes of each table on the overview.
const ROUTES_SHOWN: usize = 5;
const fn series(
    name: &'static str,
    color: &'static str,
    metric: &'static str,
    value: fn(&collector::GraphPoint) -> Option<f64>,
) -> Series {
    Series { name, color, metric, of: Subject::Application, value }
}

const fn requests(words: &Words) -> Series {
    series(words.application.requests, "series-1", "http_requests_per_second", |point| point.requests_per_second)
}

const fn error_rate(words: &Words) -> Series {
    series(words.application.error_rate, "series-5", "http_error_rate", |point| point.error_rate)
}

const P50: Series = series("P50", "series-3", "response_time_p50", |point| point.p50_ms);
const P95: Series = series("P95", "series-2", "response_time_p95", |point| point.p95_ms);
const P99: Series = series("P99", "series-5", "response_time_p99", |point| point.p99_ms);

const fn connections(words: &Words) -> Series {
    series(words.application.active_connections, "series-4", "active_connections", |point| point.active_connections)
}

/// The application on the overview.
#[must_use]
pub fn application_panel() -> AnyView {
    let words = use_words();
    let store = expect_context::<LiveStore>();
    let content = move || {
        view! {
            {tiles::tiles(words, store)}
            <div class="graphs graphs-two">{graphs(words, store, false)}</div>
            <div class="graphs graphs-two">{routes::routes(words, store, ROUTES_SHOWN)}</div>
        }
        .into_any()
    };
    view! {
        <section class="panel panel-seven" aria-labelledby="application-title">
            <header class="panel-header">
                <h2 id="application-title">{words.application.application}</h2>
                <p class="panel-host">{names(store)}</p>
                <a href="./application" class="panel-more">{words.application.by_route}{icon(Shape::Right)}</a>
            </header>
            {notices(words, store)}
            {when(is_connected(store), Box::new(content))}
        </section>
    }
    .into_any()
}

/// Whether there is something to show.
fn is_connected(store: LiveStore) -> Memo<bool> {
    Memo::new(move |_| of(store.application, Application::is_connected))
}

/// The instances that are there, each once.
fn names(store: LiveStore) -> Signal<String> {
    Signal::derive(move || {
        of(store.application, |application| {
            let seen = application.instances.iter().filter(|instance| instance.last_seen.is_some());
            seen.map(|instance| format!("{} {}", instance.job, instance.instance)).collect::<Vec<_>>().join(" · ")
        })
    })
}

/// That no reading comes, and which instances do not answer; or how to connect one.
fn notices(words: &'static Words, store: LiveStore) -> AnyView {
    let is_connected = is_connected(store);
    let is_missing = Memo::new(move |_| !is_connected.get());
    let old = part(move |html| {
        if let Some(at) = store.stale_application() {
            let moment = store.zone.get().moment(at, store.now.get_untracked());
            html.element("<p class=\"panel-notice\">", &(words.application.old)(&moment), "</p>");
        }
        instances(html, words, store, false);
    });
    view! { {when(is_missing, Box::new(|| drawn_section("connect".to_owned())))} {old} }.into_any()
}

/// A line for each instance that does not answer, or for each: its state in words, when it last
/// answered, and what is wrong.
fn instances(html: &mut Html, words: &Words, store: LiveStore, all: bool) {
    let words = &words.application;
    of(store.application, |application| {
        let is_connected = application.is_connected();
        // One that never answered matters where none has.
        let is_missed = |instance: &&Instance| !instance.up && (instance.last_seen.is_some() || !is_connected);
        let shown: Vec<_> = application.instances.iter().filter(|instance| all || is_missed(instance)).collect();
        if shown.is_empty() {
            return;
        }
        html.mark("<ul class=\"instances\">");
        for instance in shown {
            let (class, shape, state) = match (instance.up, instance.last_seen) {
                (true, _) => ("part-up", Shape::Check, words.up),
                (false, Some(_)) => ("part-down", Shape::Cross, words.down),
                (false, None) => ("", Shape::Dots, words.never),
            };
            html.mark("<li class=\"instance ").mark(class).mark("\">").icon(shape);
            html.mark("<b class=\"instance-name\">")
                .text(&instance.job)
                .text(" ")
                .text(&instance.instance)
                .mark("</b> ");
            html.element("<span class=\"instance-state\">", state, "</span> ");
            if let Some(at) = instance.last_seen {
                let moment = store.zone.get().moment(at, store.now.get_untracked());
                html.element("<span class=\"instance-more\">", &(words.last_seen)(&moment), "</span> ");
                let series = format::count(f64::from(u32::try_from(instance.series).unwrap_or(u32::MAX)));
                let how = if instance.pushes { words.pushes } else { words.scraped };
                html.element("<span class=\"instance-more\">", &how(&series), "</span> ");
            }
            if let Some(error) = store.said(&instance.error, &instance.error_ja) {
                html.element("<span class=\"instance-error\">", &error, "</span>");
            }
            html.mark("</li>");
        }
        html.mark("</ul>");
    });
}

/// The graphs; `all` of them on the page of its own.
fn graphs(words: &'static Words, store: LiveStore, all: bool) -> AnyView {
    let application = &words.application;
    let histogram = move |html: &mut Html| {
        let (more, none) = (application.distribution_of, application.no_routes);
        distribution(words, store).graph(html, application.distribution, more, words.not_collected, none);
    };
    let connections = all.then(|| {
        let (title, series) = (application.active_connections, vec![connections(words)]);
        line_graph("graph-connections", title, Unit::Count, series)
    });
    view! {
        {line_graph("graph-requests", application.requests, Unit::PerSecond, vec![requests(words)])}
        {line_graph("graph-errors", application.error_rate, Unit::Share, vec![error_rate(words)])}
        {connections}
        {line_graph("graph-response-time", application.response_time, Unit::Milliseconds, vec![P50, P95, P99])}
        {part(histogram)}
    }
    .into_any()
}

/// The requests of the last minute by their duration.
fn distribution(words: &Words, store: LiveStore) -> Bars {
    of(store.application, |application| {
        let buckets = &application.durations;
        let bounds: Vec<_> = buckets.iter().map(|bucket| bucket.le.map(bound)).collect();
        // As many marks as there is room for.
        let every = buckets.len().div_ceil(5).max(1);
        let bars = buckets.iter().enumerate().map(|(place, bucket)| {
            let text = bounds[place].clone();
            let below = place.checked_sub(1).and_then(|before| bounds[before].clone()).unwrap_or_default();
            let is_marked = place % every == every / 2;
            Bar {
                mark: text.clone().filter(|_| is_marked).unwrap_or_default(),
                name: text.map_or_else(|| (words.application.longer)(&below), |text| (words.application.up_to)(&text)),
                value: Some(bucket.count),
            }
        });
        Bars { bars: bars.collect(), unfinished: false, bounds: true }
    })
}

/// A bound in seconds, as `5 ms` or `2.5 s`.
fn bound(seconds: f64) -> String {
    if seconds < 1.0 {
        let milliseconds = seconds * 1_000.0;
        let is_whole = (milliseconds - milliseconds.round()).abs() < 0.05;
        return format!("{} ms", if is_whole { format::count(milliseconds) } else { format::percent(milliseconds) });
    }
    let is_whole = (seconds - seconds.round()).abs() < 0.05;
    format!("{} s", if is_whole { format::count(seconds) } else { format::percent(seconds) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_in_the_unit_that_people_say() {
        for (seconds, text) in
            [(0.005, "5 ms"), (0.0025, "2.5 ms"), (0.25, "250 ms"), (1.0, "1 s"), (2.5, "2.5 s"), (10.0, "10 s")]
        {
            assert_eq!(bound(seconds), text);
        }
    }
}
