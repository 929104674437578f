//! The watched application: whether its metrics can be read as the collector reads them.

use jiff::Timestamp;

use super::{Answer, Examination, Finding, Outcome};
use crate::config::Application;
use crate::shell;
use crate::source::{ScrapeError, Scraper};

impl Examination {
    pub(super) async fn look_at_application(&self) -> Answer {
        let application = &self.settings.application;
        if self.is_wrong("application") {
            return Answer::skipped("its setting is not valid");
        }
        if !application.enabled {
            return Answer::skipped("not watched: application.enabled is false");
        }
        if application.targets.is_empty() {
            return Answer::ok("there are no targets: only what is pushed counts");
        }
        let is_default = application.targets == Application::default().targets;
        let (mut seen, mut findings) = (Vec::new(), Vec::new());
        let targets = application.targets.iter().map(|target| async move {
            let scraper = Scraper::new(target, application.limits(), application.body_limit_bytes());
            let scraped = match scraper {
                Ok(scraper) => scraper.scrape(Timestamp::now()).await,
                Err(error) => Err(error),
            };
            (target, scraped)
        });
        for (target, scraped) in futures_util::future::join_all(targets).await {
            let url = without_secret(&target.url);
            match scraped {
                Ok(parsed) if parsed.exposition.series.is_empty() => {
                    let cause = format!("{url} answers, and there is no metric in it");
                    let remedy =
                        "give the path of its metrics in application.targets; README shows what it has to expose";
                    findings.push(Finding::warning("no_metrics", cause, remedy).with([curl(&url)]));
                }
                Ok(parsed) => seen.push(format!("{url}: {} series", parsed.exposition.series.len())),
                Err(error) => {
                    let finding = failed(&url, &error);
                    // Nobody has said yet that there is one.
                    let severity = match error {
                        ScrapeError::NotListening { .. } if is_default => Outcome::Warning,
                        _ => finding.severity,
                    };
                    findings.push(Finding { severity, ..finding });
                }
            }
        }
        Answer::found(seen.join(", "), findings)
    }
}

fn failed(url: &str, error: &ScrapeError) -> Finding {
    let fault = match error {
        ScrapeError::NotListening { .. } => "down",
        ScrapeError::TimedOut { .. } => "hanging",
        ScrapeError::Unreachable { .. } => "unreachable",
        ScrapeError::NotFound { .. } => "not_found",
        ScrapeError::Malformed(_) => "not_prometheus",
        ScrapeError::Tls { .. }
        | ScrapeError::Untrusted { .. }
        | ScrapeError::Client { .. }
        | ScrapeError::CaFile { .. }
        | ScrapeError::NoCertificate { .. } => "tls",
        ScrapeError::NoCredentials { .. } | ScrapeError::Refused { .. } => "credentials",
        ScrapeError::SecretFile { .. } | ScrapeError::Unsendable => "unreadable_secret",
        ScrapeError::Address { .. } => "url",
        ScrapeError::Redirected { .. } => "redirected",
        ScrapeError::TooLarge { .. } => "too_large",
        ScrapeError::Status { .. } | ScrapeError::Broken { .. } => "failed",
    };
    let sentence = error.to_string();
    let split = sentence.rsplit_once(": ").or_else(|| sentence.rsplit_once("; "));
    let (cause, remedy) = split.unwrap_or((&sentence, "see the application's own log"));
    Finding::trouble(fault, format!("{url}: {cause}"), remedy).with([curl(url)])
}

fn curl(url: &str) -> String {
    format!("curl -si {} | head -20", shell::quoted(url))
}

/// A URL without what may be secret in it.
fn without_secret(url: &str) -> String {
    let Ok(mut parsed) = reqwest::Url::parse(url) else { return url.to_owned() };
    let _ = parsed.set_password(None);
    let _ = parsed.set_username("");
    parsed.to_string()
}
