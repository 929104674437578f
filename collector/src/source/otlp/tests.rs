use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::exposed::ExposedValue;

const NOW: i64 = 1_764_000_000;
const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(NOW + second).unwrap()
}

fn ns(second: i64) -> u64 {
    u64::try_from((NOW + second) * 1_000_000_000).unwrap()
}

fn attribute(key: &str, text: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(text.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

type Handed = Arc<Mutex<Vec<(Pusher, Exposition)>>>;

struct Rig {
    receiver: Receiver,
    handed: Handed,
}

impl Rig {
    fn new(series_limit: usize) -> Self {
        let handed = Handed::default();
        let hand = {
            let handed = handed.clone();
            move |pusher: &Pusher, exposition| handed.lock().unwrap().push((pusher.clone(), exposition))
        };
        Self { receiver: Receiver::new(series_limit, &mut Registry::default(), hand), handed }
    }

    /// Pushes one metric of the instance `1`; answers what became of it.
    fn push(&self, second: i64, name: &str, unit: &str, data: metric::Data) -> Accepted {
        let resource = vec![attribute("service.name", "shop"), attribute("service.instance.id", "1")];
        let request = request(resource, "", vec![(name, unit, data)]);
        self.receiver.receive(&request.encode_to_vec(), Format::Protobuf, at(second)).unwrap()
    }

    /// The newest value of a series, whatever its labels.
    fn value(&self, name: &str) -> ExposedValue {
        let handed = self.handed.lock().unwrap();
        let (_, exposition) = handed.last().unwrap();
        exposition.series.iter().find(|series| series.name == name).unwrap().value.clone()
    }

    fn counter(&self, name: &str) -> f64 {
        match self.value(name) {
            ExposedValue::Counter(value) => value,
            other => panic!("{other:?}"),
        }
    }
}

fn request(
    resource: Vec<KeyValue>,
    scope: &str,
    metrics: Vec<(&str, &str, metric::Data)>,
) -> ExportMetricsServiceRequest {
    let metrics = metrics.into_iter().map(|(name, unit, data)| opentelemetry_proto::tonic::metrics::v1::Metric {
        name: name.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Default::default()
    });
    let scope = InstrumentationScope { name: scope.to_owned(), ..InstrumentationScope::default() };
    let scope_metrics =
        vec![ScopeMetrics { scope: Some(scope), metrics: metrics.collect(), ..ScopeMetrics::default() }];
    let resource = Some(Resource { attributes: resource, ..Resource::default() });
    let resource_metrics = vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics }
}

fn number(start: i64, time: i64, value: f64) -> NumberDataPoint {
    NumberDataPoint {
        start_time_unix_nano: ns(start),
        time_unix_nano: ns(time),
        value: Some(number_data_point::Value::AsDouble(value)),
        ..NumberDataPoint::default()
    }
}

fn sum(aggregation_temporality: i32, start: i64, time: i64, value: f64) -> metric::Data {
    let data_points = vec![number(start, time, value)];
    metric::Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic: true })
}

fn histogram(aggregation_temporality: i32, start: i64, time: i64, counts: &[u64]) -> metric::Data {
    let point = HistogramDataPoint {
        start_time_unix_nano: ns(start),
        time_unix_nano: ns(time),
        count: counts.iter().sum(),
        sum: Some(1.5),
        bucket_counts: counts.to_vec(),
        explicit_bounds: vec![0.1, 1.0],
        ..HistogramDataPoint::default()
    };
    metric::Data::Histogram(Histogram { data_points: vec![point], aggregation_temporality })
}

fn refused(reason: Reason) -> Accepted {
    Accepted { refused: [(reason, 1)].into(), ..Accepted::default() }
}

fn counted() -> Accepted {
    Accepted { points: 1, ..Accepted::default() }
}

fn repeated() -> Accepted {
    Accepted { repeated: 1, ..Accepted::default() }
}

#[test]
fn delta_is_added_up_and_no_interval_counts_twice() {
    let rig = Rig::new(100);
    let push = |start, time, value| rig.push(0, "orders", "", sum(DELTA, start, time, value));
    assert_eq!(push(-100, -90, 1.0), counted());
    assert_eq!(push(-90, -80, 2.0), counted());
    assert_eq!(push(-90, -80, 2.0), repeated());
    // The one before comes late; of what lies in between nothing has come.
    assert_eq!(push(-60, -50, 4.0), counted());
    assert_eq!(push(-70, -60, 8.0), counted());
    assert_eq!(push(-70, -60, 8.0), repeated());
    assert_eq!(push(-75, -65, 100.0), refused(Reason::overlapping));
    assert_eq!(push(-80, -70, 16.0), counted());
    assert_eq!(push(-80, -70, 16.0), repeated());
    assert_eq!(push(-55, -45, 100.0), refused(Reason::overlapping));
    assert_eq!(push(-110, -100, 32.0), counted());
    assert_eq!(push(-110, -100, 32.0), repeated());
    assert_eq!(rig.counter("orders_total"), 63.0);
}

#[test]
fn a_process_that_begins_anew_takes_what_the_one_before_left_with_it() {
    let rig = Rig::new(100);
    let push = |name, start, time, value| rig.push(0, name, "", sum(CUMULATIVE, start, time, value));
    let exposed = || {
        let handed = rig.handed.lock().unwrap();
        let (_, exposition) = handed.last().unwrap();
        let mut names: Vec<_> = exposition.series.iter().map(|series| series.name.clone()).collect();
        names.sort_unstable();
        (exposition.started, names)
    };
    assert_eq!(push("orders", -1000, -90, 10.0), counted());
    assert_eq!(push("carts", -990, -90, 7.0), counted());
    assert_eq!(push("orders", -1000, -80, 15.0), counted());
    assert_eq!(push("orders", -1000, -80, 15.0), repeated());
    assert_eq!(push("orders", -1000, -85, 12.0), repeated());
    assert_eq!(rig.counter("orders_total"), 15.0);
    assert_eq!(exposed(), (Some(at(-1000)), vec!["carts_total".to_owned(), "orders_total".to_owned()]));
    // Higher than before, and yet begun anew.
    assert_eq!(push("orders", -75, -70, 20.0), counted());
    assert_eq!(rig.counter("orders_total"), 20.0);
    assert_eq!(exposed(), (Some(at(-75)), vec!["orders_total".to_owned()]));
    assert_eq!(push("carts", -74, -70, 1.0), counted());
    assert_eq!(exposed(), (Some(at(-75)), vec!["carts_total".to_owned(), "orders_total".to_owned()]));
    // Without a new start.
    assert_eq!(push("orders", -75, -50, 1.0), counted());
    assert_eq!((rig.counter("orders_total"), exposed().1.len()), (1.0, 1));
}

#[test]
fn what_an_instance_pushes_at_first_may_come_in_parts() {
    let rig = Rig::new(100);
    for (second, is_partial) in [(0, true), (60, true), (100, false)] {
        rig.push(second, "orders", "", sum(CUMULATIVE, -1000, second, 1.0));
        assert_eq!(rig.handed.lock().unwrap().last().unwrap().1.is_partial, is_partial, "{second} s");
    }
    // What began since we listen is known from its beginning, and so is delta.
    for (second, data) in [(0, sum(CUMULATIVE, -1, 0, 1.0)), (1, sum(DELTA, -1000, 1, 1.0))] {
        let rig = Rig::new(100);
        rig.receiver.instances.lock().unwrap().listen_since(at(-10));
        rig.push(second, "orders", "", data);
        assert!(!rig.handed.lock().unwrap().last().unwrap().1.is_partial);
    }
}

#[test]
fn what_was_counted_by_other_bounds_is_laid_into_the_newest() {
    let rig = Rig::new(100);
    rig.push(0, "latency", "s", histogram(DELTA, -30, -20, &[2, 4, 6]));
    let point = HistogramDataPoint {
        start_time_unix_nano: ns(-20),
        time_unix_nano: ns(-10),
        count: 3,
        sum: Some(1.5),
        bucket_counts: vec![1, 1, 1],
        explicit_bounds: vec![0.55, 5.0],
        ..HistogramDataPoint::default()
    };
    let other = Histogram { data_points: vec![point], aggregation_temporality: DELTA };
    rig.push(0, "latency", "s", metric::Data::Histogram(other));
    // Half of the four between 0.1 and 1, and the six above 1 directly above it.
    let buckets = vec![(0.55, 5.0), (5.0, 14.0), (f64::INFINITY, 15.0)];
    assert_eq!(
        rig.value("latency_seconds"),
        ExposedValue::Histogram(crate::ExposedHistogram { buckets, sum: Some(3.0) })
    );
}

#[test]
fn two_processes_of_one_name_are_told_so_and_only_one_counts() {
    let rig = Rig::new(100);
    let push = |start, time, value| rig.push(0, "orders", "", sum(CUMULATIVE, start, time, value));
    assert_eq!(push(-1000, -90, 100.0), counted());
    let answer = push(-999, -89, 5.0);
    assert_eq!(answer, refused(Reason::overlapping));
    assert!(answer.message().contains("service.instance.id"), "{}", answer.message());
    assert_eq!(push(-1000, -80, 101.0), counted());
    assert_eq!(rig.counter("orders_total"), 101.0);
}

#[test]
fn a_gauge_is_its_newest_value_and_ends_when_it_is_said() {
    let rig = Rig::new(100);
    let gauge = |time, value| metric::Data::Gauge(Gauge { data_points: vec![number(time, time, value)] });
    rig.push(0, "temperature", "Cel", gauge(-10, 21.0));
    assert_eq!(rig.push(0, "temperature", "Cel", gauge(-20, 30.0)), repeated());
    assert_eq!(rig.value("temperature_celsius"), ExposedValue::Gauge(21.0));
    let mut ended = number(-5, -5, 0.0);
    (ended.flags, ended.value) = (1, None);
    rig.push(0, "temperature", "Cel", metric::Data::Gauge(Gauge { data_points: vec![ended] }));
    assert_eq!(rig.handed.lock().unwrap().last().unwrap().1.series, []);
}

#[test]
fn a_sum_that_may_go_down_is_a_gauge() {
    let rig = Rig::new(100);
    let sum = |temporality, time, value| {
        let data_points = vec![number(time - 10, time, value)];
        metric::Data::Sum(Sum { data_points, aggregation_temporality: temporality, is_monotonic: false })
    };
    rig.push(0, "http.server.active_requests", "{request}", sum(CUMULATIVE, -20, 5.0));
    rig.push(0, "http.server.active_requests", "{request}", sum(CUMULATIVE, -10, 3.0));
    assert_eq!(rig.value("http_server_active_requests"), ExposedValue::Gauge(3.0));
    rig.push(0, "queue", "", sum(DELTA, -20, 5.0));
    rig.push(0, "queue", "", sum(DELTA, -10, -2.0));
    assert_eq!(rig.value("queue"), ExposedValue::Gauge(3.0));
}

#[test]
fn histograms_are_cumulative_in_time_and_in_size() {
    let rig = Rig::new(100);
    let value = |buckets: [f64; 3], sum| {
        let buckets = [0.1, 1.0, f64::INFINITY].into_iter().zip(buckets).collect();
        ExposedValue::Histogram(crate::ExposedHistogram { buckets, sum: Some(sum) })
    };
    rig.push(0, "latency", "s", histogram(DELTA, -30, -20, &[1, 2, 3]));
    rig.push(0, "latency", "s", histogram(DELTA, -20, -10, &[1, 0, 1]));
    assert_eq!(rig.value("latency_seconds"), value([2.0, 4.0, 8.0], 3.0));
    rig.push(0, "size", "By", histogram(CUMULATIVE, -100, -20, &[4, 4, 4]));
    rig.push(0, "size", "By", histogram(CUMULATIVE, -15, -10, &[9, 0, 0]));
    assert_eq!(rig.value("size_bytes"), value([9.0, 9.0, 9.0], 1.5));
}

#[test]
fn exponential_histograms_are_added_over_scales() {
    let rig = Rig::new(100);
    let push = |start, time, scale, offset, counts: &[u64]| {
        let positive = Some(Buckets { offset, bucket_counts: counts.to_vec() });
        let point = ExponentialHistogramDataPoint {
            start_time_unix_nano: ns(start),
            time_unix_nano: ns(time),
            count: counts.iter().sum::<u64>() + 1,
            zero_count: 1,
            scale,
            positive,
            ..ExponentialHistogramDataPoint::default()
        };
        let data = ExponentialHistogram { data_points: vec![point], aggregation_temporality: DELTA };
        rig.push(0, "latency", "s", metric::Data::ExponentialHistogram(data))
    };
    assert_eq!(push(-30, -20, 1, 0, &[1, 2, 3]), counted());
    assert_eq!(push(-20, -10, 0, 1, &[5]), counted());
    let ExposedValue::Histogram(exposed) = rig.value("latency_seconds") else { panic!("a histogram") };
    let of = |bound: f64| exposed.buckets.iter().find(|bucket| bucket.0 == bound).map(|bucket| bucket.1);
    let counts = [0.5, 1.0, 2.0, 4.0, f64::INFINITY].map(of);
    assert_eq!(counts, [2.0, 2.0, 5.0, 13.0, 13.0].map(Some));
    assert_eq!(of(2.0_f64.sqrt()), None, "the coarser scale has no such bound");
}

#[test]
fn each_instance_is_exposed_with_all_of_its_series() {
    let rig = Rig::new(100);
    for instance in ["1", "2"] {
        let resource = vec![
            attribute("service.name", "shop"),
            attribute("service.namespace", "eu"),
            attribute("service.instance.id", instance),
        ];
        for (second, name) in [(0, "orders"), (1, "carts")] {
            let request = request(resource.clone(), "express", vec![(name, "", sum(CUMULATIVE, -100, second, 1.0))]);
            rig.receiver.receive(&request.encode_to_vec(), Format::Protobuf, at(second)).unwrap();
        }
    }
    let handed = rig.handed.lock().unwrap();
    let (pusher, exposition) = handed.last().unwrap();
    assert_eq!(*pusher, Pusher { job: "eu/shop".to_owned(), instance: "2".to_owned() });
    assert_eq!((exposition.at, exposition.started), (at(1), Some(at(-100))));
    let mut names: Vec<_> = exposition.series.iter().map(|series| series.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["carts_total", "orders_total"]);
    let scope = Labels::from([("otel_scope_name".to_owned(), "express".to_owned())]);
    assert!(exposition.series.iter().all(|series| series.labels == scope));
}

#[test]
fn processes_without_an_instance_id_are_told_apart_by_host_and_process() {
    let rig = Rig::new(100);
    let mut resource = vec![attribute("host.name", "web-1"), attribute("process.pid", "")];
    resource[1].value = Some(AnyValue { value: Some(Value::IntValue(4711)) });
    let request = request(resource, "", vec![("orders", "", sum(CUMULATIVE, -100, 0, 1.0))]);
    rig.receiver.receive(&request.encode_to_vec(), Format::Protobuf, at(0)).unwrap();
    let pusher = rig.handed.lock().unwrap()[0].0.clone();
    assert_eq!(pusher, Pusher { job: "unknown_service".to_owned(), instance: "web-1:4711".to_owned() });
}

#[test]
fn what_is_over_the_limits_is_counted_and_what_is_there_goes_on() {
    let rig = Rig::new(100);
    rig.push(0, "orders", "", sum(CUMULATIVE, -100, -1, 1.0));
    let paths = (0..1_000).map(|path| NumberDataPoint {
        attributes: vec![attribute("path", &format!("/{path}"))],
        ..number(-100, 0, 1.0)
    });
    let data = Sum { data_points: paths.collect(), aggregation_temporality: CUMULATIVE, is_monotonic: true };
    let answer = rig.push(0, "hits", "", metric::Data::Sum(data));
    assert_eq!(answer, Accepted { points: 99, refused: [(Reason::series_limit, 901)].into(), ..Accepted::default() });
    assert_eq!(rig.push(0, "orders", "", sum(CUMULATIVE, -100, 0, 2.0)), counted());
    assert_eq!(rig.counter("orders_total"), 2.0);

    let push = |instance: i32, second| {
        let resource = vec![attribute("service.instance.id", &instance.to_string())];
        let request = request(resource, "", vec![("orders", "", sum(CUMULATIVE, -100, second, 1.0))]);
        rig.receiver.receive(&request.encode_to_vec(), Format::Protobuf, at(second)).unwrap()
    };
    for instance in 1..100 {
        assert_eq!(push(instance, 0), counted());
    }
    assert_eq!(push(100, 0), refused(Reason::instance_limit));
    // One that still pushes stays, the others make room.
    let later = 15 * 60 + 1;
    push(7, later - 60);
    assert_eq!(push(100, later), counted());
    assert_eq!(rig.receiver.instances.lock().unwrap().counts(), (2, 2));
}

#[test]
fn long_labels_are_cut_and_too_much_memory_is_refused() {
    let rig = Rig::new(100_000);
    let points = (0..20_000).map(|path| NumberDataPoint {
        attributes: vec![attribute("path", &format!("/{path}/{}", "x".repeat(2_000)))],
        ..number(-100, 0, 1.0)
    });
    let mut refusals = Accepted::default();
    for points in points.collect::<Vec<_>>().chunks(1_000) {
        let data = Sum { data_points: points.to_vec(), aggregation_temporality: CUMULATIVE, is_monotonic: true };
        let answer = rig.push(0, "hits", "", metric::Data::Sum(data));
        refusals.points += answer.points;
        for (reason, number) in answer.refused {
            *refusals.refused.entry(reason).or_default() += number;
        }
    }
    assert_eq!(refusals.refused[&Reason::label_cut], 20_000);
    assert_eq!(refusals.refused[&Reason::memory], 20_000 - refusals.points);
    assert!((2_000..8_000).contains(&refusals.points), "{}", refusals.points);
    let handed = rig.handed.lock().unwrap();
    let longest = handed.last().unwrap().1.series.iter().map(|series| series.labels["path"].len()).max();
    assert_eq!(longest, Some(1_000));
}

#[test]
fn a_gauge_that_is_no_longer_pushed_goes_while_its_instance_stays() {
    let rig = Rig::new(100);
    rig.push(0, "temperature", "", metric::Data::Gauge(Gauge { data_points: vec![number(0, 0, 21.0)] }));
    for minute in 0..7 {
        rig.push(60 * minute, "orders", "", sum(DELTA, 60 * minute - 60, 60 * minute, 1.0));
    }
    assert_eq!(rig.handed.lock().unwrap().last().unwrap().1.series.len(), 1);
    assert_eq!(rig.counter("orders_total"), 7.0);
}

#[test]
fn both_formats_say_the_same() {
    let resource = || vec![attribute("service.name", "shop"), attribute("service.instance.id", "1")];
    let metrics = || {
        vec![
            ("orders", "", sum(DELTA, -20, -10, 2.0)),
            ("latency", "s", histogram(CUMULATIVE, -20, -10, &[1, 2, 3])),
            ("temperature", "Cel", metric::Data::Gauge(Gauge { data_points: vec![number(-20, -10, -1.5)] })),
        ]
    };
    let request = request(resource(), "express", metrics());
    let mut expositions =
        [(request.encode_to_vec(), Format::Protobuf), (serde_json::to_vec(&request).unwrap(), Format::Json)].map(
            |(body, format)| {
                let rig = Rig::new(100);
                let accepted = rig.receiver.receive(&body, format, at(0)).unwrap();
                assert_eq!(accepted.points, 3);
                let mut handed = std::mem::take(&mut *rig.handed.lock().unwrap());
                handed[0].1.series.sort_by(|a, b| a.name.cmp(&b.name));
                handed
            },
        );
    let [protobuf, json] = &mut expositions;
    assert_eq!(protobuf, json);
}

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/otlp/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn receive(name: &str) -> (Result<Accepted, OtlpError>, Vec<(Pusher, Exposition)>) {
    let rig = Rig::new(100);
    let format = if name.ends_with(".json") { Format::Json } else { Format::Protobuf };
    let result = rig.receiver.receive(&fixture(name), format, at(0));
    let handed = std::mem::take(&mut *rig.handed.lock().unwrap());
    (result, handed)
}

#[test]
fn what_cannot_be_read_is_refused_whole_and_says_why() {
    for (name, expected) in [
        ("cut-short.bin", "cut short"),
        ("claims-256-mib.bin", "cut short"),
        ("number-without-end.bin", "does not end"),
        ("group.bin", "type"),
        ("name-not-utf8.bin", "not UTF-8"),
        ("resource-is-no-message.bin", "protobuf"),
        ("cut-short.json", "EOF"),
        ("empty.json", "EOF"),
        ("not-utf8.json", "utf-8"),
        ("brackets-100-deep.json", "64 deep"),
        ("resource-metrics-is-a-number.json", "a list"),
        ("name-is-a-number.json", "expected"),
        ("points-is-an-object.json", "a list"),
    ] {
        let (result, handed) = receive(name);
        let error = result.unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
        assert_eq!(handed, [], "{name}");
    }
}

#[test]
fn a_point_that_cannot_be_read_is_left_out_and_counted() {
    use Reason::{in_future, labels, malformed, name, not_finite, summary, temporality, too_old};
    for (file, reason) in [
        ("point-cut-short.bin", malformed),
        ("point-without-value.bin", malformed),
        ("point-of-40-kib.bin", malformed),
        ("time-missing.bin", malformed),
        ("start-after-time.bin", malformed),
        ("counter-below-zero.bin", malformed),
        ("scale-of-21.bin", malformed),
        ("offset-beyond-numbers.bin", malformed),
        ("exponential-count-differs.bin", malformed),
        ("counts-overflow.bin", malformed),
        ("temporality-unknown.bin", temporality),
        ("attribute-without-name.bin", labels),
        ("40-attributes.bin", labels),
        ("point-is-a-text.json", malformed),
        ("count-below-zero.json", malformed),
        ("count-not-whole.json", malformed),
        ("count-differs.json", malformed),
        ("bounds-not-ascending.json", malformed),
        ("buckets-missing.json", malformed),
        ("bound-not-a-number.json", malformed),
        ("sum-infinite.json", not_finite),
        ("value-not-a-number.json", not_finite),
        ("value-a-word.json", malformed),
        ("time-beyond-64-bits.json", malformed),
        ("six-minutes-ahead.json", in_future),
        ("two-hours-old.json", too_old),
        ("summary.json", summary),
        ("temporality-missing.json", temporality),
        ("name-of-no-letter.json", name),
        ("name-of-101-letters.json", name),
    ] {
        let (result, handed) = receive(file);
        assert_eq!(result, Ok(refused(reason)), "{file}");
        assert_eq!(handed, [], "{file}");
    }
    for file in ["good.bin", "good.json"] {
        assert_eq!(receive(file).0, Ok(counted()), "{file}");
    }
}

#[test]
fn json_is_read_as_encoders_of_protobuf_write_it() {
    let (result, handed) = receive("lenient.json");
    assert_eq!(result, Ok(Accepted { points: 3, ..Accepted::default() }));
    let (pusher, exposition) = &handed[0];
    assert_eq!(*pusher, Pusher { job: "eu/shop".to_owned(), instance: "7".to_owned() });
    let series = |name: &str| exposition.series.iter().find(|series| series.name == name).unwrap();
    assert_eq!(series("orders_total").value, ExposedValue::Counter(3.0));
    let labels = [("b", "YW55"), ("n", "2"), ("state", "paid")];
    assert_eq!(series("orders_total").labels, labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(series("temperature_celsius").value, ExposedValue::Gauge(-1.0));
    let buckets = vec![(1.0, 1.0), (2.5, 2.0), (f64::INFINITY, 3.0)];
    let expected = ExposedValue::Histogram(crate::ExposedHistogram { buckets, sum: Some(4.0) });
    assert_eq!(series("size_bytes").value, expected);
}

/// What the SDKs of Python and Node send, two pushes of each: orders of 2 and 5 were paid, one each
/// is open, and a request was in flight more the second time.
#[test]
fn what_sdks_send_is_read_in_every_format_and_temporality() {
    for (sdk, format, extension, instance) in [
        ("python-cumulative", Format::Protobuf, "bin", "python-1"),
        ("python-delta", Format::Protobuf, "bin", "python-1"),
        ("node-proto-cumulative", Format::Protobuf, "bin", "web-1:4711"),
        ("node-proto-delta", Format::Protobuf, "bin", "web-1:4711"),
        ("node-json-cumulative", Format::Json, "json", "web-1:4711"),
        ("node-json-delta", Format::Json, "json", "web-1:4711"),
    ] {
        let rig = Rig::new(100);
        for push in [1, 2] {
            let body = fixture(&format!("{sdk}-{push}.{extension}"));
            let accepted = rig.receiver.receive(&body, format, Timestamp::from_second(1_795_599_800).unwrap());
            assert_eq!(accepted, Ok(Accepted { points: 6, ..Accepted::default() }), "{sdk} {push}");
        }
        let handed = rig.handed.lock().unwrap();
        let (pusher, exposition) = handed.last().unwrap();
        assert_eq!(*pusher, Pusher { job: "eu/shop".to_owned(), instance: instance.to_owned() });
        assert_eq!(handed[0].1.started, exposition.started);
        let value = |name: &str, label: (&str, &str)| {
            let has = |series: &&crate::Exposed| {
                series.name == name && series.labels.get(label.0).map(String::as_str) == Some(label.1)
            };
            exposition.series.iter().find(has).unwrap().value.clone()
        };
        let scope = ("otel_scope_name", "shop.orders");
        assert_eq!(value("orders_total", ("state", "paid")), ExposedValue::Counter(7.0), "{sdk}");
        assert_eq!(value("orders_total", ("tags", r#"["a","b"]"#)), ExposedValue::Counter(2.0), "{sdk}");
        assert_eq!(value("orders_total", ("vip", "true")), ExposedValue::Counter(2.0), "{sdk}");
        assert_eq!(value("http_server_active_requests", scope), ExposedValue::Gauge(2.0), "{sdk}");
        assert_eq!(value("room_temperature_celsius", scope), ExposedValue::Gauge(21.5), "{sdk}");
        let duration = value("http_server_request_duration_seconds", ("http_route", "/orders/:id"));
        let ExposedValue::Histogram(duration) = duration else { panic!("{sdk}: {duration:?}") };
        // 0.1 is not above the bound of 0.1.
        assert_eq!(duration.buckets, [(0.1, 1.0), (1.0, 2.0), (f64::INFINITY, 2.0)], "{sdk}");
        let size = value("upload_size_bytes", scope);
        let ExposedValue::Histogram(size) = size else { panic!("{sdk}: {size:?}") };
        // 1, 2, 3 and 1000 times 2 and times 5: each is between two bounds that are 10 % apart.
        assert_eq!((size.count(), size.sum), (8.0, Some(7_042.0)), "{sdk}");
        for (observed, up_to) in [(2.0, 1.0), (4.0, 2.0), (5.0, 3.0), (6.0, 4.0), (10.0, 5.0), (2_000.0, 7.0)] {
            let bucket = size.buckets.iter().find(|(bound, _)| *bound >= observed).unwrap();
            assert!(bucket.1 == up_to && bucket.0 < observed * 1.1, "{sdk}: {observed} {bucket:?}");
        }
    }
}

/// A good request with some bytes of it changed: what is random alone never gets far.
fn damaged(body: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut body = body.to_vec();
    for (place, byte) in changes {
        let place = place % body.len();
        body[place] = *byte;
    }
    body
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_bytes_make_it_panic(
        random in proptest::collection::vec(any::<u8>(), 0..300),
        changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..6),
        cut in any::<usize>(),
    ) {
        let request = request(
            vec![attribute("service.name", "shop")],
            "express",
            vec![
                ("orders", "", sum(DELTA, -20, -10, 2.0)),
                ("latency", "s", histogram(CUMULATIVE, -20, -10, &[1, 2, 3])),
            ],
        );
        let rig = Rig::new(100);
        let protobuf = [request.encode_to_vec(), fixture("scale-of-21.bin"), fixture("counts-overflow.bin")];
        let json = [serde_json::to_vec(&request).unwrap(), fixture("lenient.json"), fixture("count-differs.json")];
        for (format, bodies) in [(Format::Protobuf, protobuf), (Format::Json, json)] {
            let _ = rig.receiver.receive(&random, format, at(0));
            for body in bodies {
                let body = damaged(&body, &changes);
                let _ = rig.receiver.receive(&body, format, at(0));
                let _ = rig.receiver.receive(&body[..cut % body.len()], format, at(0));
            }
        }
        for (_, exposition) in rig.handed.lock().unwrap().iter() {
            for series in &exposition.series {
                if let ExposedValue::Histogram(histogram) = &series.value {
                    prop_assert!(histogram.buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{:?}", histogram);
                }
            }
        }
    }

    #[test]
    fn deltas_in_any_order_and_any_number_add_up(order in Just((0..8_i64).collect::<Vec<_>>()).prop_shuffle(), again in proptest::collection::vec(0..8_i64, 0..8)) {
        let rig = Rig::new(100);
        for index in order.iter().chain(&again) {
            let start = -100 + 10 * index;
            rig.push(0, "orders", "", sum(DELTA, start, start + 10, f64::from(1 << u8::try_from(*index).unwrap())));
        }
        prop_assert_eq!(rig.counter("orders_total"), 255.0);
    }
}
