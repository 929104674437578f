//! Reads a request in protobuf.
//!
//! Two bytes of a request can be an empty message of a hundred bytes in memory. So only one data
//! point is decoded at a time, and what is around it is read where it lies.

use std::borrow::Cow;

use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogramDataPoint, HistogramDataPoint, NumberDataPoint, exponential_histogram_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::exponential::{Buckets, Exponential};
use super::point::{Amount, Metric, Point, Reason, Shape, Temporality};
use super::{Leaf, OtlpError, Visit};

/// Bytes of one data point or of one resource.
pub(super) const LEAF_BYTES: usize = 32 << 10;

/// One field of a message, by its number.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of 4 or 8 bytes; none of those around data points is.
    Fixed,
}

/// The fields of a message, in the order they were written.
/// <https://protobuf.dev/programming-guides/encoding/>
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<(u64, Field<'a>)>, OtlpError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Number(self.varint()?),
            1 => self.take(8).map(|_| Field::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                Field::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Field::Fixed)?,
            _ => return Err(malformed("a field has a type that there is none of")),
        };
        Ok(Some((key >> 3, field)))
    }

    fn varint(&mut self) -> Result<u64, OtlpError> {
        let mut number = 0;
        for (index, byte) in self.0.iter().enumerate().take(10) {
            number |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.0 = &self.0[index + 1..];
                return Ok(number);
            }
        }
        Err(malformed("a number does not end"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], OtlpError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| malformed("a field is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }
}

fn malformed(reason: &str) -> OtlpError {
    OtlpError::Malformed { format: "protobuf", reason: reason.to_owned() }
}

fn text(bytes: &[u8]) -> Result<Cow<'_, str>, OtlpError> {
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| malformed("a name is not UTF-8"))
}

/// Calls `each` for every message in the field `number` of `message`.
fn messages<'a>(
    message: &'a [u8],
    number: u64,
    mut each: impl FnMut(&'a [u8]) -> Result<(), OtlpError>,
) -> Result<(), OtlpError> {
    let mut fields = Fields(message);
    while let Some((at, field)) = fields.next()? {
        match field {
            Field::Bytes(bytes) if at == number => each(bytes)?,
            _ => {}
        }
    }
    Ok(())
}

/// Shows `visit` all that is in the request.
pub(super) fn walk<'a>(body: &'a [u8], visit: &mut impl Visit<'a>) -> Result<(), OtlpError> {
    messages(body, 1, |resource_metrics| {
        let mut resource = Resource::default();
        messages(resource_metrics, 1, |bytes| {
            if bytes.len() > LEAF_BYTES {
                return Err(OtlpError::Resource);
            }
            resource = Resource::decode(bytes).map_err(|error| malformed(&error.to_string()))?;
            Ok(())
        })?;
        visit.resource(resource.attributes);
        messages(resource_metrics, 2, |scope_metrics| scope(scope_metrics, visit))
    })
}

fn scope<'a>(scope_metrics: &'a [u8], visit: &mut impl Visit<'a>) -> Result<(), OtlpError> {
    let mut name = Cow::Borrowed("");
    messages(scope_metrics, 1, |scope| {
        messages(scope, 1, |bytes| {
            name = text(bytes)?;
            Ok(())
        })
    })?;
    visit.scope(&name);
    messages(scope_metrics, 2, |bytes| metric(bytes, visit))
}

fn metric<'a>(message: &'a [u8], visit: &mut impl Visit<'a>) -> Result<(), OtlpError> {
    let (mut name, mut unit, mut data) = (Cow::Borrowed(""), Cow::Borrowed(""), None);
    let mut fields = Fields(message);
    while let Some((number, field)) = fields.next()? {
        let Field::Bytes(bytes) = field else { continue };
        match number {
            1 => name = text(bytes)?,
            3 => unit = text(bytes)?,
            5 => data = Some((Shape::Gauge, bytes)),
            7 => data = Some((Shape::Sum, bytes)),
            9 => data = Some((Shape::Histogram, bytes)),
            10 => data = Some((Shape::Exponential, bytes)),
            11 => data = Some((Shape::Summary, bytes)),
            _ => {}
        }
    }
    let Some((shape, data)) = data else { return Ok(()) };
    let (mut temporality, mut monotonic) = (Temporality::Unspecified, false);
    let mut fields = Fields(data);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (2, Field::Number(number)) => temporality = Temporality::of(i32::try_from(number).unwrap_or(0)),
            (3, Field::Number(number)) => monotonic = number != 0,
            _ => {}
        }
    }
    visit.metric(Metric { name, unit, shape, temporality, monotonic });
    messages(data, 1, |point| {
        visit.point(Leaf::Protobuf(point));
        Ok(())
    })
}

/// Decodes one data point.
pub(super) fn point(bytes: &[u8], shape: Shape) -> Result<Point, Reason> {
    if bytes.len() > LEAF_BYTES {
        return Err(Reason::malformed);
    }
    let malformed = |_| Reason::malformed;
    match shape {
        Shape::Gauge | Shape::Sum => {
            let point = NumberDataPoint::decode(bytes).map_err(malformed)?;
            let times = [point.start_time_unix_nano, point.time_unix_nano];
            Point::new(point.attributes, times, point.flags, || match point.value {
                Some(Value::AsDouble(number)) => Amount::number(number),
                #[expect(clippy::cast_precision_loss, reason = "numbers beyond 2^53 need no last digit")]
                Some(Value::AsInt(number)) => Amount::number(number as f64),
                None => Err(Reason::malformed),
            })
        }
        Shape::Histogram => {
            let point = HistogramDataPoint::decode(bytes).map_err(malformed)?;
            let times = [point.start_time_unix_nano, point.time_unix_nano];
            Point::new(point.attributes, times, point.flags, || {
                Amount::histogram(point.count, point.sum, point.explicit_bounds, point.bucket_counts)
            })
        }
        Shape::Exponential => {
            let point = ExponentialHistogramDataPoint::decode(bytes).map_err(malformed)?;
            let times = [point.start_time_unix_nano, point.time_unix_nano];
            Point::new(point.attributes, times, point.flags, || {
                let buckets = [point.positive, point.negative].map(|buckets| {
                    let exponential_histogram_data_point::Buckets { offset, bucket_counts } =
                        buckets.unwrap_or_default();
                    Buckets::new(offset, bucket_counts)
                });
                let histogram =
                    Exponential::new(point.scale, point.zero_count, point.zero_threshold, buckets, point.sum)?;
                Amount::exponential(point.count, histogram)
            })
        }
        Shape::Summary => Err(Reason::summary),
    }
}
