//! Names of OTLP metrics and attributes in Prometheus, and the text of attributes' values:
//! <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>.
//!
//! The tables are those of Prometheus' own receiver, so that a series has the same name whether
//! an application pushes to it or to us.

use std::collections::btree_map::Entry;
use std::fmt::Write;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use super::point::{Metric, Shape};
use crate::Labels;

/// Units in UCUM, and as suffixes.
const UNITS: [(&str, &str); 26] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("kBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
];
/// Units after a slash.
const PER_UNITS: [(&str, &str); 7] =
    [("s", "second"), ("m", "minute"), ("h", "hour"), ("d", "day"), ("w", "week"), ("mo", "month"), ("y", "year")];

/// The name of a metric; empty where nothing of it can be in a name.
pub(super) fn metric_name(metric: &Metric<'_>) -> String {
    let (main, per) = metric.unit.split_once('/').unwrap_or((&metric.unit, ""));
    let main = if main.trim() == "1" { String::new() } else { unit(main, &UNITS) };
    let per = match unit(per, &PER_UNITS) {
        per if per.is_empty() => per,
        per => format!("per_{per}"),
    };
    let mut tokens: Vec<&str> = tokens(&metric.name).collect();
    for suffix in [main.as_str(), per.as_str()] {
        if !suffix.is_empty() && !tokens.contains(&suffix) {
            tokens.push(suffix);
        }
    }
    let last = match metric.shape {
        Shape::Sum if metric.monotonic => Some("total"),
        Shape::Gauge if metric.unit == "1" => Some("ratio"),
        _ => None,
    };
    if let Some(last) = last {
        tokens.retain(|token| *token != last);
        tokens.push(last);
    }
    let name = tokens.join("_");
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn tokens(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':')).filter(|token| !token.is_empty())
}

/// The suffix of a unit. What is in braces only says what is counted.
fn unit(unit: &str, known: &[(&str, &str)]) -> String {
    let unit = unit.trim();
    if unit.contains(['{', '}']) {
        return String::new();
    }
    let suffix = known.iter().find(|(ucum, _)| *ucum == unit).map_or(unit, |(_, suffix)| suffix);
    tokens(suffix).collect::<Vec<_>>().join("_")
}

/// Labels of attributes. Where two have the same name, both values are kept, in the order of the
/// attributes' own names.
pub(super) fn labels(mut attributes: Vec<KeyValue>) -> Labels {
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    let mut labels = Labels::new();
    for KeyValue { key, value, .. } in attributes {
        let text = value.and_then(|value| value.value).map(text).unwrap_or_default();
        match labels.entry(label_name(&key)) {
            Entry::Vacant(vacant) => {
                vacant.insert(text);
            }
            Entry::Occupied(mut occupied) => {
                let _ = write!(occupied.get_mut(), ";{text}");
            }
        }
    }
    labels.retain(|_, value| !value.is_empty());
    labels
}

/// The name of an attribute's label.
fn label_name(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    for c in key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }) {
        if c != '_' || !name.ends_with('_') {
            name.push(c);
        }
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("key_{name}");
    }
    if name.starts_with('_') { format!("key{name}") } else { name }
}

/// A value as Prometheus writes it: text as it is, lists and maps as JSON.
pub(super) fn text(value: Value) -> String {
    match value {
        Value::StringValue(text) => text,
        Value::BytesValue(bytes) => base64(&bytes),
        other => json(other).to_string(),
    }
}

fn json(value: Value) -> serde_json::Value {
    let inner = |value: Option<_>| value.and_then(|value: AnyValue| value.value);
    match value {
        Value::StringValue(text) => text.into(),
        Value::BoolValue(is) => is.into(),
        Value::IntValue(number) => number.into(),
        Value::DoubleValue(number) => number.into(),
        Value::ArrayValue(list) => list.values.into_iter().map(|value| inner(Some(value)).map(json)).collect(),
        Value::KvlistValue(map) => {
            map.values.into_iter().map(|KeyValue { key, value, .. }| (key, inner(value).map(json))).collect()
        }
        Value::BytesValue(bytes) => base64(&bytes).into(),
        // An index into a table that metrics do not have.
        Value::StringValueStrindex(_) => serde_json::Value::Null,
    }
}

/// Bytes as text, as JSON has them: RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|index| three.get(index).copied().unwrap_or(0));
        let digits = [a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63];
        for (index, digit) in digits.into_iter().enumerate() {
            text.push(if index <= three.len() { char::from(DIGITS[usize::from(digit)]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::ArrayValue;

    use super::*;
    use crate::source::otlp::point::Temporality;

    #[test]
    fn metrics_are_named_as_prometheus_names_them() {
        use Shape::{Gauge, Histogram, Sum};
        for (name, unit, shape, expected) in [
            ("http.server.request.duration", "s", Histogram, "http_server_request_duration_seconds"),
            ("http.server.duration", "ms", Histogram, "http_server_duration_milliseconds"),
            ("http.server.active_requests", "{request}", Gauge, "http_server_active_requests"),
            ("http.server.active_connections", "1", Gauge, "http_server_active_connections_ratio"),
            ("recipes.created", "1", Sum, "recipes_created_total"),
            ("total.requests", "", Sum, "requests_total"),
            ("requests_total", "", Sum, "requests_total"),
            ("system.io", "By/s", Gauge, "system_io_bytes_per_second"),
            ("system.disk.bytes", "By", Sum, "system_disk_bytes_total"),
            ("speed", "{laps}/m", Gauge, "speed_per_minute"),
            ("cpu.utilization", "%", Gauge, "cpu_utilization_percent"),
            ("__a..b__", "s__x", Gauge, "a_b_s_x"),
            ("2xx", "", Sum, "_2xx_total"),
            ("job:rate", "", Gauge, "job:rate"),
            ("レシピ", "", Gauge, ""),
        ] {
            let metric = Metric {
                name: name.into(),
                unit: unit.into(),
                shape,
                temporality: Temporality::Cumulative,
                monotonic: shape == Sum,
            };
            assert_eq!(metric_name(&metric), expected, "{name} {unit}");
        }
    }

    fn attribute(key: &str, value: Value) -> KeyValue {
        let value = Some(AnyValue { value: Some(value) });
        KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
    }

    #[test]
    fn attributes_become_labels_and_none_is_lost() {
        let text = |text: &str| Value::StringValue(text.to_owned());
        let list = ArrayValue {
            values: vec![attribute("", text("a")).value.unwrap(), attribute("", Value::BoolValue(true)).value.unwrap()],
        };
        let labels = labels(vec![
            attribute("http.route", text("/レシピ/:id")),
            attribute("http_status", text("second")),
            attribute("http.status", Value::IntValue(200)),
            attribute("1st", Value::DoubleValue(0.5)),
            attribute("_private", Value::BoolValue(false)),
            attribute("list", Value::ArrayValue(list)),
            attribute("bytes", Value::BytesValue(b"any".to_vec())),
            attribute("more bytes", Value::BytesValue(b"a".to_vec())),
            attribute("empty", text("")),
        ]);
        let expected = [
            ("bytes", "YW55"),
            ("http_route", "/レシピ/:id"),
            ("http_status", "200;second"),
            ("key_1st", "0.5"),
            ("key_private", "false"),
            ("list", r#"["a",true]"#),
            ("more_bytes", "YQ=="),
        ];
        assert_eq!(labels, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }
}
