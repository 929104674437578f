//! How to connect an application, where none is, and how to count what it does.

use std::borrow::Cow;

use super::Reader;
use crate::widgets::Html;

const RUST: &str = "let metrics = collector::http::HttpMetrics::default(); // features = [\"http\"]
let app = app.layer(metrics.layer(|request| Some(request.get::<MatchedPath>()?.as_str())));
let app = app.route(\"/metrics\", get(move |headers: HeaderMap| async move { metrics.response(&headers) }));";
const NODE: &str = "const bundle = require('express-prom-bundle'); // npm install express-prom-bundle prom-client
const route = (request) => (request.route ? request.baseUrl + request.route.path : 'unmatched');
app.use(bundle({ includeMethod: true, includePath: true, normalizePath: route }));";
const OTEL: [&str; 2] = [
    "export OTEL_SERVICE_NAME=recipe-api OTEL_METRICS_EXPORTER=otlp
export OTEL_EXPORTER_OTLP_ENDPOINT=",
    " OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
node --require @opentelemetry/auto-instrumentations-node/register app.js",
];
const OTHER: &str = "# recipe-monitoring.toml
[application]
targets = [\"http://127.0.0.1:5000/metrics\"]";

/// How to send an event, with the dashboard's address between the parts.
const EVENT: [&str; 2] = [
    "curl -X POST ",
    "/api/v1/events \\
  -H 'Content-Type: application/json' \\
  -d '{\"event\":\"recipe_created\"}'",
];

/// How to count an event with the dashboard at `address`.
pub(super) fn events(html: &mut Html, reader: &Reader, address: &str) {
    html.element("<div class=\"connect\"><p><strong>", reader.own.events, "</strong> ").text(reader.own.events_more);
    html.element("</p><pre><code>", &format!("{}{address}{}", EVENT[0], EVENT[1]), "</code></pre></div>");
}

/// The lines that connect one to the dashboard at `address`.
pub(super) fn connect(html: &mut Html, reader: &Reader, address: &str) {
    let words = reader.own;
    let ways = [
        ("Rust (axum, hyper, tower)", Cow::from(RUST)),
        ("Node.js (Express, prom-client)", Cow::from(NODE)),
        (words.connect_otel, Cow::from(format!("{}{address}{}", OTEL[0], OTEL[1]))),
        (words.connect_other, Cow::from(OTHER)),
    ];
    html.element("<div class=\"connect\"><p><strong>", words.connect, "</strong> ");
    html.text(words.connect_more).mark("</p>");
    for (place, (name, lines)) in ways.into_iter().enumerate() {
        html.mark(if place == 0 { "<details open><summary>" } else { "<details><summary>" });
        html.text(name).element("</summary><pre><code>", &lines, "</code></pre></details>");
    }
    html.mark("</div>");
}
