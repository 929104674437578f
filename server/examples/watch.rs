//! The dashboard's API from another program in Rust, read by the types that the server writes.
//!
//! ```text
//! watch [http://127.0.0.1:5001] [cpu_usage] [events]
//! ```
//!
//! It shows the newest values, one metric's last hour and then what happens, as it happens; after so many
//! events, where a number is given, it ends. The API token, where one is asked for, stands in
//! `RECIPE_MONITORING_TOKEN`.
//!
//! In a program of your own the types are `collector` with its default features: no socket, no file, no
//! runtime come with them. For `https` and `wss`, switch on the TLS of reqwest and of tokio-tungstenite.

#![expect(clippy::print_stdout, reason = "a terminal is what it writes to")]

use std::env;
use std::error::Error;

use collector::alert::Alert;
use collector::{Current, LiveEvent, Payload, Range};
use futures_util::StreamExt;
use http::header::AUTHORIZATION;
use reqwest::{Client, RequestBuilder, Url};
use serde::de::DeserializeOwned;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // reqwest brings none of its own here; without it there is no client, for plain HTTP neither.
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "there are two providers of TLS")?;
    let mut arguments = env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "http://127.0.0.1:5001".to_owned());
    let metric = arguments.next().unwrap_or_else(|| "cpu_usage".to_owned());
    let events = arguments.next().map_or(Ok(usize::MAX), |number| number.parse())?;
    let api = Api {
        url: url.trim_end_matches('/').to_owned(),
        token: env::var("RECIPE_MONITORING_TOKEN").ok(),
        client: Client::new(),
    };

    print_current(&api.get("current", &[]).await?);
    print_range(&api.get("range", &[("metric", &metric), ("points", "12")]).await?);
    print_alerts(&api.get::<Vec<Alert>>("alerts", &[]).await?);
    api.follow(events).await
}

struct Api {
    url: String,
    token: Option<String>,
    client: Client,
}

impl Api {
    /// One answer, as the type that it is.
    async fn get<T: DeserializeOwned>(&self, name: &str, query: &[(&str, &str)]) -> Result<T, Box<dyn Error>> {
        let url = Url::parse_with_params(&format!("{}/api/v1/{name}", self.url), query)?;
        let answer = self.with_token(self.client.get(url)).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            return Err(format!("{name} answers {status}: {text}").into());
        }
        Ok(serde_json::from_str(&text)?)
    }

    fn with_token(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// What happens. One who was away asks for `?since=` the last `seq` that came, and gets what was missed.
    async fn follow(&self, events: usize) -> Result<(), Box<dyn Error>> {
        let address = format!("{}/api/v1/live", self.url.replacen("http", "ws", 1));
        let mut request = address.into_client_request()?;
        if let Some(token) = &self.token {
            request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse()?);
        }
        let (mut socket, _) = connect_async(request).await?;
        let mut seen = 0;
        while seen < events {
            match socket.next().await.transpose()? {
                Some(Message::Text(text)) => {
                    print_event(&serde_json::from_str(&text)?);
                    seen += 1;
                }
                Some(Message::Close(_)) | None => break,
                Some(_) => {}
            }
        }
        Ok(())
    }
}

fn print_current(current: &Current) {
    if let Some(system) = &current.system {
        println!("{}: {} cores, up {} h", system.host, system.cpu_count, system.uptime_seconds / 3600);
    }
    if let Some(application) = &current.application {
        println!("application: {} requests a second", number(application.total.per_second));
    }
    for metric in current.business.iter().flat_map(|business| &business.metrics) {
        println!("{}: {} {} today", metric.title_en, number(metric.today), metric.unit);
    }
}

fn print_range(range: &Range) {
    for series in &range.series {
        println!("{} {:?}", range.metric, series.labels);
        for point in &series.points {
            println!("  {}  {:.1} ({:.1} to {:.1})", point.at, point.avg, point.min, point.max);
        }
    }
}

fn print_alerts(alerts: &[Alert]) {
    for alert in alerts {
        println!("{} fires since {}: {}", alert.rule_name, alert.fired_at, alert.message);
    }
}

fn print_event(event: &LiveEvent) {
    let text = match &event.payload {
        Payload::System(system) => {
            format!("CPU {} %, memory {} %", number(system.cpu_usage), number(system.memory_usage))
        }
        Payload::AlertNew(alert) => format!("{}: {}", alert.rule_name, alert.message),
        other => other.event().to_owned(),
    };
    println!("{} {} {text}", event.seq, event.at);
}

/// What is not measured is not zero.
fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "?".to_owned(), |value| format!("{value:.1}"))
}
