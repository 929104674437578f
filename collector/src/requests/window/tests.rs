use proptest::prelude::*;

use super::*;
use crate::exposition::{Format, Limits, parse};
use crate::{Exposed, ExposedHistogram, ExposedValue, Labels};

fn second(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_764_000_000 + seconds).unwrap()
}

fn name(instance: &str) -> InstanceName {
    InstanceName { job: "app".into(), instance: instance.into(), pushes: false }
}

fn pushing(instance: &str) -> InstanceName {
    InstanceName { pushes: true, ..name(instance) }
}

/// The text as scraped at this second.
fn scraped(seconds: i64, text: &str) -> Exposition {
    parse(text.as_bytes(), Format::Prometheus, second(seconds), Limits::default()).unwrap().exposition
}

/// So many requests of each status on one route.
fn requests(seconds: i64, counts: &[(u16, u64)]) -> Exposition {
    let line = |(status, count): &(u16, u64)| {
        format!("http_requests_total{{method=\"GET\",route=\"/\",status=\"{status}\"}} {count}\n")
    };
    scraped(seconds, &counts.iter().map(line).collect::<String>())
}

fn observe(window: &mut Window, name: &InstanceName, exposition: &Exposition) {
    window.observe(name, exposition).unwrap();
}

/// A window that saw these, of one instance.
fn seen(expositions: &[Exposition]) -> Window {
    let mut window = Window::default();
    expositions.iter().for_each(|exposition| observe(&mut window, &name("a"), exposition));
    window
}

#[test]
fn rates_are_over_the_seconds_between_scrapes() {
    let mut window = seen(&[requests(0, &[(200, 1_000), (500, 50)])]);
    let reading = window.read(second(1), "web");
    assert_eq!((reading.total.per_second, reading.http_requests_total), (None, None), "one scrape says nothing");
    observe(&mut window, &name("a"), &requests(5, &[(200, 1_030), (500, 60)]));
    observe(&mut window, &name("a"), &requests(10, &[(200, 1_090), (500, 60)]));
    let reading = window.read(second(11), "web");
    assert_eq!(reading.total.per_second, Some(10.0));
    assert_eq!(reading.total.error_rate, Some(10.0));
    assert_eq!((reading.window_seconds, reading.http_requests_total), (10.0, Some(100.0)));
    assert_eq!((reading.at, reading.host.as_str()), (second(11), "web"));
    assert_eq!(reading.routes[0].requests.per_second, Some(10.0));
}

#[test]
fn the_busiest_routes_are_those_with_most_requests_however_fast_they_are() {
    let exposed = |seconds: i64| {
        let line =
            |route: i64| format!("http_requests_total{{method=\"GET\",route=\"/{route}\"}} {}\n", route * seconds);
        scraped(seconds, &(1..=30).map(line).collect::<String>())
    };
    let window = seen(&[exposed(0), exposed(10)]);
    let busiest = window.busiest(second(11), 3);
    let rates: Vec<_> = busiest.iter().map(|route| (route.route.as_str(), route.requests.per_second)).collect();
    assert_eq!(rates, [("/30", Some(30.0)), ("/29", Some(29.0)), ("/28", Some(28.0))]);
}

#[test]
fn without_requests_there_is_a_rate_of_none_and_no_share_of_failures() {
    let mut window = seen(&[requests(0, &[(200, 7)]), requests(5, &[(200, 7)])]);
    let total = window.read(second(6), "web").total;
    assert_eq!(total, Requests { per_second: Some(0.0), ..Requests::default() });
    // An application that does not count requests at all.
    let mut window = seen(&[scraped(0, "up 1\n"), scraped(5, "up 1\n")]);
    let reading = window.read(second(6), "web");
    assert_eq!((reading.total, reading.http_requests_total), (Requests::default(), None));
    assert!(reading.durations.is_empty() && reading.is_connected());
}

#[test]
fn failures_are_those_that_the_settings_say() {
    let mut window = Window::new(Mapping { failed_from: 400, ..Mapping::default() });
    observe(&mut window, &name("a"), &requests(0, &[(200, 0), (404, 0), (500, 0)]));
    observe(&mut window, &name("a"), &requests(5, &[(200, 6), (404, 3), (500, 1)]));
    assert_eq!(window.read(second(6), "web").total.error_rate, Some(40.0));
    // Without a status nobody knows.
    let mut window = seen(&[scraped(0, "http_requests_total 1\n"), scraped(5, "http_requests_total 9\n")]);
    let total = window.read(second(6), "web").total;
    assert_eq!((total.per_second, total.error_rate), (Some(1.6), None));
}

#[test]
fn the_window_moves_on() {
    let at = |now| {
        // Six a second for the first 100 seconds, then none.
        let scrapes = (0..=now / 5).map(|step| requests(5 * step, &[(200, (30 * step).min(600).try_into().unwrap())]));
        seen(&scrapes.collect::<Vec<_>>()).read(second(now), "web")
    };
    assert_eq!(at(100).total.per_second, Some(6.0));
    assert_eq!(at(130).total.per_second, Some(3.0));
    assert_eq!((at(130).window_seconds, at(133).window_seconds), (60.0, 60.0));
    assert_eq!(at(195).total.per_second, Some(0.0));
}

#[test]
fn a_new_series_has_counted_from_zero() {
    let mut window = seen(&[scraped(0, "other 1\n"), requests(5, &[(200, 3)]), requests(10, &[(200, 3), (500, 2)])]);
    let reading = window.read(second(11), "web");
    assert_eq!((reading.http_requests_total, reading.total.error_rate), (Some(5.0), Some(40.0)));
}

#[test]
fn what_was_left_out_before_is_not_new() {
    let mut window = seen(&[requests(0, &[(200, 3)])]);
    observe(&mut window, &name("a"), &Exposition { is_partial: true, ..requests(5, &[(200, 4)]) });
    observe(&mut window, &name("a"), &requests(10, &[(200, 5), (500, 9_000)]));
    observe(&mut window, &name("a"), &requests(15, &[(200, 5), (500, 9_001)]));
    assert_eq!(window.read(second(16), "web").http_requests_total, Some(3.0));
}

#[test]
fn a_series_that_was_away_goes_on_where_it_was() {
    let mut window =
        seen(&[requests(0, &[(200, 10), (500, 3)]), requests(5, &[(200, 20)]), requests(10, &[(200, 30), (500, 4)])]);
    assert_eq!(window.read(second(11), "web").http_requests_total, Some(21.0));
}

#[test]
fn a_series_that_is_gone_is_no_restart_of_the_others() {
    let mut window = seen(&[requests(0, &[(200, 1_000_000), (500, 50)]), requests(5, &[(200, 1_000_010)])]);
    assert_eq!(window.read(second(6), "web").http_requests_total, Some(10.0));
    // A start that is worked out anew is the same one.
    let started = |milliseconds, exposition| {
        let at = second(-9) + SignedDuration::from_millis(milliseconds);
        Exposition { started: Some(at), ..exposition }
    };
    let mut window = seen(&[started(0, requests(0, &[(200, 7)])), started(900, requests(5, &[(200, 8)]))]);
    assert_eq!(window.read(second(6), "web").http_requests_total, Some(1.0));
}

#[test]
fn after_a_restart_all_is_counted_from_zero() {
    let before = requests(0, &[(200, 1_000), (500, 3)]);
    // The failures have overtaken their last value, but all requests together are fewer.
    let mut window = seen(&[before.clone(), requests(5, &[(200, 20), (500, 5)])]);
    assert_eq!(window.read(second(6), "web").http_requests_total, Some(25.0));
    // All have overtaken it, but it says another start.
    let started = |seconds, exposition| Exposition { started: Some(second(seconds)), ..exposition };
    let mut window = seen(&[started(-9, before), started(1, requests(5, &[(200, 1_001), (500, 4)]))]);
    assert_eq!(window.read(second(6), "web").http_requests_total, Some(1_005.0));
    // Nothing was asked yet.
    let mut window = seen(&[requests(0, &[(200, 5)]), scraped(5, ""), requests(10, &[(200, 7)])]);
    assert_eq!(window.read(second(11), "web").http_requests_total, Some(7.0));
}

#[test]
fn a_histogram_that_went_down_in_one_bucket_counted_from_zero() {
    let durations = |seconds, low: u64, all: u64| {
        let text = format!(
            "# TYPE http_request_duration_seconds histogram\nhttp_request_duration_seconds_bucket{{le=\"1\"}} {low}\n\
             http_request_duration_seconds_bucket{{le=\"+Inf\"}} {all}\n"
        );
        scraped(seconds, &text)
    };
    let mut window = seen(&[durations(0, 90, 100), durations(5, 3, 120)]);
    let reading = window.read(second(6), "web");
    assert_eq!(reading.http_requests_total, Some(120.0));
    let bucket = |le, count| DurationBucket { le, count };
    assert_eq!(reading.durations, [bucket(Some(1.0), 3.0), bucket(None, 117.0)]);
    assert_eq!(window.counted(), [(1.0, 3.0), (f64::INFINITY, 120.0)]);
}

#[test]
fn a_metric_that_takes_the_place_of_another_starts_anew() {
    let histogram = "# TYPE http_request_duration_seconds histogram\n\
                     http_request_duration_seconds_bucket{le=\"+Inf\"} 9000\n";
    let mut window = seen(&[
        scraped(0, histogram),
        scraped(5, &format!("{histogram}http_requests_total 8000\n")),
        scraped(10, &format!("{histogram}http_requests_total 8003\n")),
    ]);
    assert_eq!(window.read(second(11), "web").http_requests_total, Some(3.0));
}

#[test]
fn a_missed_scrape_makes_the_next_step_longer() {
    let mut window = seen(&[requests(0, &[(200, 0)]), requests(5, &[(200, 10)])]);
    for _ in 0..4 {
        window.fail(&name("a"), Sentence::new("it refused the connection", "接続が拒否されました"));
    }
    observe(&mut window, &name("a"), &requests(30, &[(200, 60)]));
    let reading = window.read(second(31), "web");
    assert_eq!((reading.total.per_second, reading.window_seconds), (Some(2.0), 30.0));
    // What a long gap hid is counted, but says nothing of the last minute.
    observe(&mut window, &name("a"), &requests(330, &[(200, 10_060)]));
    let reading = window.read(second(331), "web");
    assert_eq!((reading.total.per_second, reading.http_requests_total), (None, Some(10_060.0)));
}

#[test]
fn an_instance_that_is_down_says_so_and_is_gone_from_the_rates_after_the_window() {
    let mut window = Window::default();
    for seconds in [0, 5, 10] {
        let text = |count: i64| format!("http_requests_total {count}\nactive_connections 3\n");
        observe(&mut window, &name("a"), &scraped(seconds, &text(10 * seconds)));
        observe(&mut window, &name("b"), &scraped(seconds, &text(2 * seconds)));
    }
    let both = window.read(second(10), "web");
    assert_eq!((both.total.per_second, both.active_connections), (Some(12.0), Some(6.0)));
    let refused = Sentence::new("it refused the connection: see whether it runs", "接続が拒否されました");
    window.fail(&name("a"), refused.clone());
    let down = window.read(second(15), "web");
    assert_eq!((down.total.per_second, down.active_connections), (Some(12.0), Some(3.0)));
    assert_eq!(down.instances.iter().map(|instance| instance.up).collect::<Vec<_>>(), [false, true]);
    let Instance { error, error_ja, .. } = down.instances[0].clone();
    assert_eq!((error, error_ja), (Some(refused.en), Some(refused.ja)));
    assert_eq!(down.instances[0].last_seen, Some(second(10)));
    observe(&mut window, &name("b"), &scraped(65, "http_requests_total 130\n"));
    let later = window.read(second(70), "web");
    assert_eq!((later.total.per_second, later.active_connections), (Some(2.0), None));
    assert_eq!(later.http_requests_total, Some(230.0), "what was counted stays");
    window.forget(&name("a"));
    assert_eq!(window.read(second(71), "web").instances.len(), 1);
}

#[test]
fn an_instance_is_in_the_reading_before_it_first_answers() {
    let mut window = Window::default();
    window.expect(&name("a"));
    let reading = window.read(second(0), "web");
    assert!(!reading.is_connected() && !reading.instances[0].up);
    assert_eq!((reading.total, reading.active_connections), (Requests::default(), None));
}

#[test]
fn one_that_pushes_every_minute_has_rates_all_the_time_and_is_down_when_it_stops() {
    let mut window = Window::default();
    observe(&mut window, &pushing("p"), &requests(0, &[(200, 0)]));
    observe(&mut window, &pushing("p"), &requests(60, &[(200, 120)]));
    for (now, rate) in [(61, Some(2.0)), (119, Some(2.0)), (125, Some(2.0)), (151, None)] {
        assert_eq!(window.read(second(now), "web").total.per_second, rate, "at {now}");
    }
    assert!(window.read(second(200), "web").instances[0].up);
    let silent = window.read(second(230), "web").instances.remove(0);
    assert!(!silent.up && silent.pushes);
    let error = "it has not pushed for 170 s: see whether it runs, and where it pushes to";
    assert_eq!(silent.error.as_deref(), Some(error));
    crate::sentence::assert_japanese(&silent.error_ja.unwrap(), &["170"]);
    crate::sentence::assert_japanese(&TooManyInstances.ja(), &["100", "service.instance.id"]);
    assert!(window.read(second(700), "web").instances.is_empty(), "it is gone");
}

#[test]
fn instances_that_push_are_limited() {
    let mut window = Window::default();
    for n in 0..MOST_PUSHING {
        observe(&mut window, &pushing(&n.to_string()), &requests(0, &[(200, 0)]));
    }
    assert_eq!(window.observe(&pushing("more"), &requests(0, &[])), Err(TooManyInstances));
    observe(&mut window, &pushing("7"), &requests(5, &[(200, 5)]));
    observe(&mut window, &name("scraped"), &requests(5, &[(200, 5)]));
}

#[test]
fn routes_are_limited_and_make_room_when_they_are_no_longer_asked() {
    let paths = |seconds, from: u32, to: u32| {
        let line = |n: u32| format!("http_requests_total{{method=\"GET\",path=\"/{n}\",status=\"200\"}} 1\n");
        scraped(seconds, &(from..to).map(line).collect::<String>())
    };
    let mut window = seen(&[scraped(0, "other 1\n"), paths(5, 0, 1_500)]);
    let reading = window.read(second(6), "web");
    assert_eq!(reading.routes.len(), Application::MOST_ROUTES);
    assert_eq!(reading.routes_left_out, 1_001 - Application::MOST_ROUTES as u64);
    assert_eq!(reading.http_requests_total, Some(1_500.0));
    observe(&mut window, &name("a"), &paths(100, 0, 1_510));
    observe(&mut window, &name("a"), &paths(105, 0, 1_515));
    let routes = window.read(second(106), "web").routes;
    assert_eq!(routes.iter().map(|route| route.route.as_str()).collect::<Vec<_>>()[..2], ["/1510", "/1511"]);
}

#[test]
fn a_clock_that_was_set_back_stops_nothing() {
    let mut window = seen(&[requests(1_000, &[(200, 0)]), requests(1_005, &[(200, 5)])]);
    for step in 0..3_u32 {
        observe(&mut window, &name("a"), &requests(i64::from(step) * 5, &[(200, u64::from(6 + step * 10))]));
    }
    let reading = window.read(second(11), "web");
    assert_eq!((reading.total.per_second, reading.http_requests_total), (Some(2.0), Some(26.0)));
}

#[test]
fn percentiles_are_of_what_came_within_the_window() {
    let buckets = |seconds, counts: [u64; 3]| {
        let [low, high, all] = counts;
        let name = "http_server_duration_milliseconds";
        let text = format!(
            "# TYPE {name} histogram\n{name}_bucket{{http_route=\"/a\",le=\"100\"}} {low}\n\
             {name}_bucket{{http_route=\"/a\",le=\"200\"}} {high}\n{name}_bucket{{http_route=\"/a\",le=\"+Inf\"}} {all}\n"
        );
        scraped(seconds, &text)
    };
    let mut window = seen(&[buckets(0, [0, 0, 500]), buckets(5, [50, 90, 600])]);
    let reading = window.read(second(6), "web");
    assert_eq!((reading.total.p50_ms, reading.total.p95_ms), (Some(100.0), Some(200.0)));
    assert_eq!(reading.routes[0].requests, reading.total);
    assert_eq!(reading.routes[0].method, "");
}

/// What one series counted between scrapes that are five seconds apart.
fn counters(values: &[f64], started: Option<i64>) -> Vec<Exposition> {
    let exposition = |(step, value): (usize, &f64)| {
        let exposed = |value| Exposed { name: "http_requests_total".into(), labels: Labels::new(), value };
        Exposition {
            at: second(5 * i64::try_from(step).unwrap()),
            started: started.map(second),
            is_partial: false,
            series: vec![exposed(ExposedValue::Counter(*value))],
        }
    };
    values.iter().enumerate().map(exposition).collect()
}

fn histogram(at: i64, counts: &[f64]) -> Exposition {
    let bounds = [0.1, 0.5, 1.0, f64::INFINITY];
    let mut sum = 0.0;
    let buckets = bounds.iter().zip(counts).map(|(bound, count)| {
        sum += count;
        (*bound, sum)
    });
    let value = ExposedValue::Histogram(ExposedHistogram { buckets: buckets.collect(), sum: None });
    let labels = [("status".to_owned(), "200".to_owned())].into();
    let series = vec![Exposed { name: "http_request_duration_seconds".into(), labels, value }];
    Exposition { at: second(at), series, ..Exposition::default() }
}

#[test]
fn bounds_that_grow_with_what_is_measured_count_nothing_twice() {
    let exposed = |at, bounds: &[f64], counts: &[f64]| {
        let buckets = bounds.iter().copied().zip(counts.iter().copied()).collect();
        let value = ExposedValue::Histogram(ExposedHistogram { buckets, sum: None });
        let labels = [("status".to_owned(), "200".to_owned())].into();
        let series = vec![Exposed { name: "http_request_duration_seconds".into(), labels, value }];
        Exposition { at: second(at), started: Some(second(-100)), is_partial: false, series }
    };
    let inf = f64::INFINITY;
    let mut window = seen(&[
        exposed(0, &[1.0, 2.0, inf], &[500.0, 600.0, 600.0]),
        exposed(5, &[1.0, 4.0, inf], &[502.0, 609.0, 610.0]),
        exposed(10, &[0.5, 1.0, 4.0, inf], &[260.0, 504.0, 611.0, 612.0]),
    ]);
    let reading = window.read(second(11), "web");
    assert_eq!(reading.http_requests_total, Some(12.0));
    assert_eq!(window.counted().last(), Some(&(inf, 12.0)));
}

proptest! {
    #[test]
    fn nothing_is_ever_negative_whatever_is_exposed(values in prop::collection::vec(-1e3..1e6, 1..30)) {
        let mut window = Window::default();
        let mut before = 0.0;
        for exposition in counters(&values, None) {
            observe(&mut window, &name("a"), &exposition);
            let reading = window.read(exposition.at, "web");
            let all = reading.http_requests_total.unwrap_or(0.0);
            prop_assert!(reading.total.per_second.unwrap_or(0.0) >= 0.0);
            prop_assert!(all >= before);
            before = all;
        }
    }

    #[test]
    fn a_restart_loses_at_most_what_came_between_the_last_scrape_and_it(
        steps in prop::collection::vec((0_u32..100, prop::option::weighted(0.2, 0_u32..100)), 1..40),
        says_start: bool,
    ) {
        let mut window = Window::default();
        observe(&mut window, &name("a"), &counters(&[0.0], says_start.then_some(0)).remove(0));
        let (mut value, mut counted, mut lost, mut at, mut start) = (0_u32, 0_u32, 0_u32, 0, 0);
        for (more, unseen_before_restart) in steps {
            at += 5;
            let last = value;
            if let Some(unseen) = unseen_before_restart {
                // Without a start in the exposition, only a lower value shows the restart.
                if says_start || more < last {
                    (value, lost, start) = (0, lost + unseen, at);
                    counted += unseen;
                }
            }
            value += more;
            counted += more;
            let mut exposition = counters(&[f64::from(value)], says_start.then_some(start)).remove(0);
            exposition.at = second(at);
            observe(&mut window, &name("a"), &exposition);
        }
        let seen = window.read(second(at), "web").http_requests_total;
        prop_assert_eq!(seen, Some(f64::from(counted - lost)));
    }

    #[test]
    fn splitting_the_requests_over_two_instances_changes_nothing(
        steps in prop::collection::vec(prop::collection::vec((0_u32..50, 0_u32..50), 4), 2..20),
    ) {
        let (mut one, mut two) = (Window::default(), Window::default());
        let mut sums = [[0.0; 4]; 3];
        for (step, counts) in steps.iter().enumerate() {
            for (bucket, (left, right)) in counts.iter().enumerate() {
                sums[0][bucket] += f64::from(left + right);
                sums[1][bucket] += f64::from(*left);
                sums[2][bucket] += f64::from(*right);
            }
            let at = 5 * i64::try_from(step).unwrap();
            observe(&mut one, &name("whole"), &histogram(at, &sums[0]));
            observe(&mut two, &name("left"), &histogram(at, &sums[1]));
            observe(&mut two, &name("right"), &histogram(at, &sums[2]));
            let (one, two) = (one.read(second(at), "web"), two.read(second(at), "web"));
            let rates = one.total.per_second.zip(two.total.per_second);
            prop_assert!(rates.is_none_or(|(one, two)| (one - two).abs() < 1e-9));
            let without_rate = |total| Requests { per_second: None, ..total };
            prop_assert_eq!(without_rate(one.total), without_rate(two.total));
            prop_assert_eq!((one.durations, one.http_requests_total), (two.durations, two.http_requests_total));
        }
        prop_assert_eq!(one.counted(), two.counted());
    }
}
