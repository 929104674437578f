//! What a push is answered: <https://opentelemetry.io/docs/specs/otlp/#otlphttp-response>.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsPartialSuccess, ExportMetricsServiceResponse};
use prost::Message;
use serde_json::json;

use super::Format;
use super::point::Reason;

/// What became of the data points of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Taken.
    pub points: u64,
    /// Dropped, for they say nothing that was not known: a request that is sent again does no harm.
    pub repeated: u64,
    /// Left out, by reason; and those that were changed.
    pub refused: BTreeMap<Reason, u64>,
}

impl Accepted {
    /// Data points that were left out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.refused.iter().filter(|(reason, _)| **reason != Reason::label_cut).map(|(_, points)| points).sum()
    }

    /// What was left out or changed, with the remedy; empty where all was taken as it is.
    #[must_use]
    pub fn message(&self) -> String {
        let sentence = |(reason, points): (&Reason, &u64)| format!("{points} data points {}", reason.remedy());
        self.refused.iter().map(sentence).collect::<Vec<_>>().join("; ")
    }

    /// The body of the answer.
    #[must_use]
    pub fn answer(&self, format: Format) -> Vec<u8> {
        let (left_out, message) = (self.left_out(), self.message());
        let partly = !message.is_empty();
        match format {
            Format::Protobuf => {
                let partial_success = partly.then(|| ExportMetricsPartialSuccess {
                    rejected_data_points: i64::try_from(left_out).unwrap_or(i64::MAX),
                    error_message: message,
                });
                ExportMetricsServiceResponse { partial_success }.encode_to_vec()
            }
            Format::Json if partly => {
                let partial = json!({ "rejectedDataPoints": left_out.to_string(), "errorMessage": message });
                json!({ "partialSuccess": partial }).to_string().into_bytes()
            }
            Format::Json => b"{}".to_vec(),
        }
    }
}

/// `google.rpc.Status`, the body of answers that refuse all of a request.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The body of an answer in protobuf that refuses all of a request; `code` is one of gRPC's.
#[must_use]
pub fn status(code: i32, message: &str) -> Vec<u8> {
    Status { code, message: message.to_owned() }.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_said_in_both_formats() {
        let all = Accepted { points: 3, ..Accepted::default() };
        assert_eq!(all.answer(Format::Protobuf), b"");
        assert_eq!(all.answer(Format::Json), b"{}");
        let partly = Accepted {
            points: 1,
            repeated: 1,
            refused: BTreeMap::from([(Reason::summary, 2), (Reason::label_cut, 5)]),
        };
        let answer = ExportMetricsServiceResponse::decode(partly.answer(Format::Protobuf).as_slice()).unwrap();
        let partial = answer.partial_success.unwrap();
        assert_eq!(partial.rejected_data_points, 2);
        assert!(partial.error_message.starts_with("2 data points are of summaries"), "{}", partial.error_message);
        let json: serde_json::Value = serde_json::from_slice(&partly.answer(Format::Json)).unwrap();
        let expected = json!({ "rejectedDataPoints": "2", "errorMessage": partial.error_message });
        assert_eq!(json, json!({ "partialSuccess": expected }));
    }

    #[test]
    fn a_cut_label_is_a_warning_and_leaves_nothing_out() {
        let cut = Accepted { points: 1, refused: BTreeMap::from([(Reason::label_cut, 1)]), ..Accepted::default() };
        let answer = ExportMetricsServiceResponse::decode(cut.answer(Format::Protobuf).as_slice()).unwrap();
        let partial = answer.partial_success.unwrap();
        assert_eq!(partial.rejected_data_points, 0);
        assert_ne!(partial.error_message, "");
    }

    #[test]
    fn a_refusal_is_a_status() {
        assert_eq!(status(3, "no"), [8, 3, 18, 2, b'n', b'o']);
    }
}
