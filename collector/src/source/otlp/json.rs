//! Reads a request in JSON: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.
//!
//! Not through the messages' own serde, which refuses what encoders of protobuf's JSON write:
//! enums by name, `null` for what is not set, `"NaN"`, and values of attributes of a kind to come;
//! and which makes a tree of the whole request. Here as in `protobuf`, only one data point is
//! decoded at a time, and what is around it is read where it lies.

use std::borrow::Cow;
use std::fmt;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::exponential::{Buckets, Exponential};
use super::point::{Amount, Metric, Point, Reason, Shape, Temporality};
use super::{Leaf, OtlpError, Visit};

/// Bytes of one data point or of one resource.
const LEAF_BYTES: usize = 64 << 10;
/// How deep brackets may lie in each other; a request has 12, and 2 more for each list in a list.
const DEPTH: usize = 64;

fn malformed(error: &serde_json::Error) -> OtlpError {
    OtlpError::Malformed { format: "JSON", reason: error.to_string() }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, OtlpError> {
    serde_json::from_str(text).map_err(|error| malformed(&error))
}

/// Calls `each` for every element of a list, of which none is kept.
fn elements<'a>(
    list: Option<&'a RawValue>,
    each: impl FnMut(&'a str) -> Result<(), OtlpError>,
) -> Result<(), OtlpError> {
    struct Elements<F>(F);

    impl<'de, F: FnMut(&'de str) -> Result<(), OtlpError>> Visitor<'de> for Elements<F> {
        type Value = Result<(), OtlpError>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Ok(()))
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut result = Ok(());
            while let Some(element) = list.next_element::<&RawValue>()? {
                if result.is_ok() {
                    result = self.0(element.get());
                }
            }
            Ok(result)
        }
    }

    let Some(list) = list else { return Ok(()) };
    let mut list = serde_json::Deserializer::from_str(list.get());
    list.deserialize_any(Elements(each)).map_err(|error| malformed(&error))?
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow, default)]
    resource_metrics: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceMetrics<'a> {
    #[serde(borrow, default)]
    resource: Option<&'a RawValue>,
    #[serde(borrow, default)]
    scope_metrics: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource {
    attributes: Option<Vec<Attribute>>,
}

#[derive(Deserialize)]
struct ScopeMetrics<'a> {
    #[serde(borrow, default)]
    scope: Option<Scope<'a>>,
    #[serde(borrow, default)]
    metrics: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Scope<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetricFields<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    unit: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    gauge: Option<Data<'a>>,
    #[serde(borrow, default)]
    sum: Option<Data<'a>>,
    #[serde(borrow, default)]
    histogram: Option<Data<'a>>,
    #[serde(borrow, default)]
    exponential_histogram: Option<Data<'a>>,
    #[serde(borrow, default)]
    summary: Option<Data<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(borrow, default)]
    data_points: Option<&'a RawValue>,
    #[serde(default)]
    aggregation_temporality: Option<TemporalityField>,
    #[serde(default)]
    is_monotonic: Option<bool>,
}

/// Shows `visit` all that is in the request.
pub(super) fn walk<'a>(body: &'a [u8], visit: &mut impl Visit<'a>) -> Result<(), OtlpError> {
    let body = std::str::from_utf8(body)
        .map_err(|error| OtlpError::Malformed { format: "JSON", reason: error.to_string() })?;
    if is_too_deep(body) {
        let reason = format!("brackets lie more than {DEPTH} deep in each other");
        return Err(OtlpError::Malformed { format: "JSON", reason });
    }
    elements(parse::<Request<'_>>(body)?.resource_metrics, |element| {
        let ResourceMetrics { resource, scope_metrics } = parse(element)?;
        let resource = resource.map_or("{}", RawValue::get);
        if resource.len() > LEAF_BYTES {
            return Err(OtlpError::Resource);
        }
        let Resource { attributes } = parse::<Option<Resource>>(resource)?.unwrap_or_default();
        visit.resource(key_values(attributes));
        elements(scope_metrics, |element| {
            let ScopeMetrics { scope, metrics } = parse(element)?;
            visit.scope(&scope.and_then(|scope| scope.name).unwrap_or_default());
            elements(metrics, |element| metric(element, visit))
        })
    })
}

/// Looked at beforehand, for what skips a value keeps a byte of each bracket that is open.
fn is_too_deep(body: &str) -> bool {
    let mut depth = 0_usize;
    let (mut in_text, mut escaped) = (false, false);
    for byte in body.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH {
            return true;
        }
    }
    false
}

fn metric<'a>(element: &'a str, visit: &mut impl Visit<'a>) -> Result<(), OtlpError> {
    let fields: MetricFields<'a> = parse(element)?;
    let (shape, data) = match fields {
        MetricFields { gauge: Some(data), .. } => (Shape::Gauge, data),
        MetricFields { sum: Some(data), .. } => (Shape::Sum, data),
        MetricFields { histogram: Some(data), .. } => (Shape::Histogram, data),
        MetricFields { exponential_histogram: Some(data), .. } => (Shape::Exponential, data),
        MetricFields { summary: Some(data), .. } => (Shape::Summary, data),
        _ => return Ok(()),
    };
    visit.metric(Metric {
        name: fields.name.unwrap_or_default(),
        unit: fields.unit.unwrap_or_default(),
        shape,
        temporality: data.aggregation_temporality.map_or(Temporality::Unspecified, |TemporalityField(it)| it),
        monotonic: data.is_monotonic.unwrap_or(false),
    });
    elements(data.data_points, |point| {
        visit.point(Leaf::Json(point));
        Ok(())
    })
}

/// The fields of all types of data points.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PointFields {
    attributes: Option<Vec<Attribute>>,
    start_time_unix_nano: Option<Whole>,
    time_unix_nano: Option<Whole>,
    flags: Option<Whole>,
    as_double: Option<Number>,
    as_int: Option<Number>,
    count: Option<Whole>,
    sum: Option<Number>,
    bucket_counts: Option<Vec<Whole>>,
    explicit_bounds: Option<Vec<Number>>,
    scale: Option<Small>,
    zero_count: Option<Whole>,
    zero_threshold: Option<Number>,
    positive: Option<BucketFields>,
    negative: Option<BucketFields>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BucketFields {
    offset: Option<Small>,
    bucket_counts: Option<Vec<Whole>>,
}

/// Decodes one data point.
pub(super) fn point(text: &str, shape: Shape) -> Result<Point, Reason> {
    if text.len() > LEAF_BYTES {
        return Err(Reason::malformed);
    }
    if shape == Shape::Summary {
        return Err(Reason::summary);
    }
    let fields: PointFields = serde_json::from_str(text).map_err(|_| Reason::malformed)?;
    let whole = |whole: Option<Whole>| whole.map_or(0, |Whole(number)| number);
    let number = |number: Option<Number>| number.map(|Number(number)| number);
    let counts =
        |counts: Option<Vec<Whole>>| counts.unwrap_or_default().into_iter().map(|Whole(count)| count).collect();
    let times = [whole(fields.start_time_unix_nano), whole(fields.time_unix_nano)];
    let flags = u32::try_from(whole(fields.flags)).map_err(|_| Reason::malformed)?;
    let (count, sum) = (whole(fields.count), number(fields.sum));
    Point::new(key_values(fields.attributes), times, flags, || match shape {
        Shape::Histogram => {
            let bounds = fields.explicit_bounds.unwrap_or_default().into_iter().map(|Number(bound)| bound).collect();
            Amount::histogram(count, sum, bounds, counts(fields.bucket_counts))
        }
        Shape::Exponential => {
            let buckets = [fields.positive, fields.negative].map(|buckets| {
                let BucketFields { offset, bucket_counts } = buckets.unwrap_or_default();
                Buckets::new(offset.map_or(0, |Small(offset)| offset), counts(bucket_counts))
            });
            let scale = fields.scale.map_or(0, |Small(scale)| scale);
            let threshold = number(fields.zero_threshold).unwrap_or(0.0);
            Amount::exponential(count, Exponential::new(scale, whole(fields.zero_count), threshold, buckets, sum)?)
        }
        _ => number(fields.as_double.or(fields.as_int)).ok_or(Reason::malformed).and_then(Amount::number),
    })
}

/// A number from `T`'s own form, from a text of it, or from a number with a fraction of 0.
struct Lenient<T>(std::marker::PhantomData<T>);

impl<T: std::str::FromStr + TryFrom<u64> + TryFrom<i64>> Visitor<'_> for Lenient<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, or a text of one")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::try_from(number).map_err(|_| E::custom("a number is too large"))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        T::try_from(number).map_err(|_| E::custom("a number is too small"))
    }

    #[expect(clippy::cast_possible_truncation, reason = "it is whole and below 2^53")]
    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        if number.fract() == 0.0 && number.abs() < 9.0e15 {
            return self.visit_i64(number as i64);
        }
        Err(E::custom("a number is not whole"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|_| E::custom("a text is not a whole number"))
    }
}

/// uint64 and fixed64: a number, or a text of one.
struct Whole(u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient::<u64>(std::marker::PhantomData)).map(Self)
    }
}

/// int32.
struct Small(i32);

impl<'de> Deserialize<'de> for Small {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient::<i32>(std::marker::PhantomData)).map(Self)
    }
}

/// int64 and double: a number, a text of one, or `"NaN"`, `"Infinity"` or `"-Infinity"`.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OrText;

        impl Visitor<'_> for OrText {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a text of one")
            }

            fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
                Ok(Number(number))
            }

            #[expect(clippy::cast_precision_loss, reason = "numbers beyond 2^53 need no last digit")]
            fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "numbers beyond 2^53 need no last digit")]
            fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(|_| E::custom("a text is not a number"))
            }
        }

        deserializer.deserialize_any(OrText)
    }
}

/// A temporality by number or by name.
struct TemporalityField(Temporality);

impl<'de> Deserialize<'de> for TemporalityField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrName;

        impl Visitor<'_> for NumberOrName {
            type Value = TemporalityField;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a temporality, by number or by name")
            }

            fn visit_u64<E>(self, number: u64) -> Result<TemporalityField, E> {
                Ok(TemporalityField(Temporality::of(i32::try_from(number).unwrap_or(0))))
            }

            fn visit_str<E>(self, name: &str) -> Result<TemporalityField, E> {
                let known = AggregationTemporality::from_str_name(name);
                Ok(TemporalityField(known.map_or(Temporality::Unspecified, |known| Temporality::of(known as i32))))
            }
        }

        deserializer.deserialize_any(NumberOrName)
    }
}

fn key_values(attributes: Option<Vec<Attribute>>) -> Vec<KeyValue> {
    attributes.unwrap_or_default().into_iter().map(KeyValue::from).collect()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attribute {
    key: Option<String>,
    value: Option<AttributeValue>,
}

impl From<Attribute> for KeyValue {
    fn from(Attribute { key, value }: Attribute) -> Self {
        let value = value.and_then(|AttributeValue(value)| value).map(|value| AnyValue { value: Some(value) });
        Self { key: key.unwrap_or_default(), value, ..Self::default() }
    }
}

/// A value of an attribute; `None` where it has none of a kind that is known.
struct AttributeValue(Option<Value>);

impl<'de> Deserialize<'de> for AttributeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kinds;

        impl<'de> Visitor<'de> for Kinds {
            type Value = AttributeValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the value of an attribute")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AttributeValue, A::Error> {
                let mut value = None;
                while let Some(kind) = map.next_key::<Cow<'_, str>>()? {
                    value = match kind.as_ref() {
                        "stringValue" => map.next_value::<Option<_>>()?.map(Value::StringValue),
                        "boolValue" => map.next_value::<Option<_>>()?.map(Value::BoolValue),
                        "intValue" => map.next_value_seed(Int)?.map(Value::IntValue),
                        "doubleValue" => map.next_value::<Option<Number>>()?.map(|Number(it)| Value::DoubleValue(it)),
                        "arrayValue" => map.next_value::<Option<List<Self::Value>>>()?.map(|List { values }| {
                            let value = |AttributeValue(value)| AnyValue { value };
                            let values = values.unwrap_or_default().into_iter().map(value).collect();
                            Value::ArrayValue(ArrayValue { values })
                        }),
                        "kvlistValue" => map
                            .next_value::<Option<List<Attribute>>>()?
                            .map(|List { values }| Value::KvlistValue(KeyValueList { values: key_values(values) })),
                        // In base64, and a label of it is as good as one of anything else.
                        "bytesValue" => map.next_value::<Option<_>>()?.map(Value::StringValue),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            value
                        }
                    };
                }
                Ok(AttributeValue(value))
            }
        }

        deserializer.deserialize_map(Kinds)
    }
}

#[derive(Deserialize)]
struct List<T> {
    #[serde(default = "Option::default")]
    values: Option<Vec<T>>,
}

/// int64: a number, or a text of one.
struct Int;

impl<'de> DeserializeSeed<'de> for Int {
    type Value = Option<i64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<i64>, D::Error> {
        deserializer.deserialize_any(Lenient::<i64>(std::marker::PhantomData)).map(Some)
    }
}
