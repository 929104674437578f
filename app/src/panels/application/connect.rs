//! How to connect an application, where none is.

use leptos::prelude::*;

use super::{instances, of};
use crate::live::LiveStore;
use crate::words::Words;

const RUST: &str = "let metrics = collector::http::HttpMetrics::default(); // features = [\"http\"]
let app = app.layer(metrics.layer(|request| Some(request.get::<MatchedPath>()?.as_str())));
let app = app.route(\"/metrics\", get(move |headers: HeaderMap| async move { metrics.response(&headers) }));";
const NODE: &str = "npm install prom-client express-prom-bundle
const metrics = require(\"express-prom-bundle\");
app.use(metrics({ includeMethod: true, includePath: true }));";
const OTEL: &str = "OTEL_METRICS_EXPORTER=otlp
OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://127.0.0.1:5001/v1/metrics
OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/protobuf";
const OTHER: &str = "# recipe-monitoring.toml
[application]
targets = [\"http://127.0.0.1:5000/metrics\"]";

/// The lines that connect one, and where it was looked for so far.
pub fn connect(words: &'static Words, store: LiveStore) -> AnyView {
    let application = &words.application;
    let missed = Memo::new(move |_| of(store, |application| application.instances.clone()));
    let ways = [
        ("Rust (axum, hyper, tower)", RUST),
        ("Node.js (Express, prom-client)", NODE),
        (application.connect_otel, OTEL),
        (application.connect_other, OTHER),
    ];
    let ways = ways.into_iter().enumerate().map(|(place, (name, lines))| {
        view! { <details open=place == 0><summary>{name}</summary><pre><code>{lines}</code></pre></details> }
    });
    view! {
        <div class="connect">
            <p><strong>{application.connect}</strong> " " {application.connect_more}</p>
            {ways.collect_view()}
            {instances(words, store, missed)}
        </div>
    }
    .into_any()
}
