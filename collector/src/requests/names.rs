//! What metrics and labels of requests are called out there, each in one table. The first that is
//! there counts; settings go before all of them.

use super::Unit::{self, Milliseconds, Seconds};

/// Metrics that belong together.
pub(super) struct Scheme {
    /// Counters of requests. Without one the histogram's own count is taken.
    pub requests: &'static [&'static str],
    /// Histograms of their durations.
    pub durations: &'static [(&'static str, Unit)],
}

/// The known naming schemes.
pub(super) const SCHEMES: [Scheme; 10] = [
    // collector::http, prom-client as most write it, Go's promhttp, express-prom-bundle (without
    // the counter), prometheus-fastapi-instrumentator, prometheus-net
    Scheme {
        requests: &["http_requests_total", "http_request_total", "http_requests_received_total"],
        durations: &[
            ("http_request_duration_seconds", Seconds),
            ("http_requests_duration_seconds", Seconds),
            ("http_request_duration_milliseconds", Milliseconds),
            ("http_request_duration_ms", Milliseconds),
        ],
    },
    // OpenTelemetry's semantic conventions, ASP.NET; the counter is of Ruby's client
    Scheme {
        requests: &["http_server_requests_total"],
        durations: &[("http_server_request_duration_seconds", Seconds), ("http_server_request_duration", Seconds)],
    },
    // OpenTelemetry before its conventions were stable
    Scheme {
        requests: &[],
        durations: &[("http_server_duration_milliseconds", Milliseconds), ("http_server_duration", Milliseconds)],
    },
    // Micrometer, whose timers are summaries unless histograms are asked for
    Scheme {
        requests: &["http_server_requests_seconds_count"],
        durations: &[("http_server_requests_seconds", Seconds)],
    },
    // axum-prometheus
    Scheme { requests: &["axum_http_requests_total"], durations: &[("axum_http_requests_duration_seconds", Seconds)] },
    // prometheus-flask-exporter
    Scheme { requests: &["flask_http_request_total"], durations: &[("flask_http_request_duration_seconds", Seconds)] },
    // django-prometheus
    Scheme {
        requests: &["django_http_responses_total_by_status_view_method_total"],
        durations: &[("django_http_requests_latency_seconds_by_view_method", Seconds)],
    },
    // Caddy
    Scheme { requests: &["caddy_http_requests_total"], durations: &[("caddy_http_request_duration_seconds", Seconds)] },
    // Traefik
    Scheme {
        requests: &["traefik_service_requests_total"],
        durations: &[("traefik_service_request_duration_seconds", Seconds)],
    },
    // nginx-prometheus-exporter
    Scheme { requests: &["nginx_http_requests_total"], durations: &[] },
];

/// Gauges of open connections.
pub(super) const CONNECTIONS: [&str; 8] = [
    "http_active_connections",
    "active_connections",
    "http_connections_active",
    "http_server_active_connections",
    "kestrel_active_connections",
    "nginx_connections_active",
    "tomcat_connections_current_connections",
    "jetty_connections_current_connections",
];

/// Labels with the request's method.
pub(super) const METHOD: [&str; 5] = ["method", "http_method", "http_request_method", "request_method", "verb"];

/// Labels with the matched route, or with what comes nearest to it.
pub(super) const ROUTE: [&str; 14] = [
    "route",
    "http_route",
    "path",
    "uri",
    "handler",
    "endpoint",
    "view",
    "path_template",
    "url",
    "http_path",
    "url_path",
    "http_target",
    "action",
    "service",
];

/// Labels with the answer's status, or its class.
pub(super) const STATUS: [&str; 8] = [
    "status",
    "status_code",
    "code",
    "http_status_code",
    "http_response_status_code",
    "http_status",
    "response_code",
    "statusCode",
];
