//! Whom to tell, and how to reach them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::load;
use super::super::secret::Secret;
use super::is_http;

/// `[notify.receivers.<name>]`. What is secret may be in a file instead, which is read for each message,
/// or in the environment, as in `RECIPE_MONITORING_NOTIFY__RECEIVERS__<NAME>__URL`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    /// What it speaks.
    pub kind: ReceiverKind,
    /// Where it is: of Slack and Discord their webhook, of Alertmanager its beginning.
    #[serde(default)]
    pub url: Secret,
    /// A file with it.
    #[serde(default)]
    pub url_file: PathBuf,
    /// For the signature of a webhook.
    #[serde(default)]
    pub secret: Secret,
    /// A file with it.
    #[serde(default)]
    pub secret_file: PathBuf,
    /// For basic authentication, or of the mail server.
    #[serde(default)]
    pub username: String,
    /// See `username`.
    #[serde(default)]
    pub password: Secret,
    /// A file with it.
    #[serde(default)]
    pub password_file: PathBuf,
    /// The mail server and its port, such as `mail.example.com:587`.
    #[serde(default)]
    pub smtp: String,
    /// How to speak to the mail server.
    #[serde(default)]
    pub tls: Tls,
    /// The sender of mails.
    #[serde(default)]
    pub from: String,
    /// To whom mails go.
    #[serde(default)]
    pub to: Vec<String>,
    /// In which language.
    #[serde(default)]
    pub language: Language,
    /// Whether it is told when an alert is over.
    #[serde(default = "yes")]
    pub send_resolved: bool,
    /// An attempt that takes longer has failed.
    #[serde(with = "load::duration", default = "default_timeout")]
    pub timeout: Duration,
    /// Whether it may be in a private network or on this machine.
    #[serde(default)]
    pub allow_private: bool,
    /// A file of certificates in PEM that are trusted besides those of the system.
    #[serde(default)]
    pub ca_file: PathBuf,
}

/// What a receiver speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiverKind {
    /// A Slack incoming webhook.
    Slack,
    /// A Discord webhook.
    Discord,
    /// Alertmanager's API v2.
    Alertmanager,
    /// JSON as Alertmanager's webhooks send it, signed.
    Webhook,
    /// E-mail by SMTP.
    Email,
}

impl ReceiverKind {
    /// As in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Alertmanager => "alertmanager",
            Self::Webhook => "webhook",
            Self::Email => "email",
        }
    }
}

/// How to speak to a mail server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// TLS after STARTTLS, which the server has to offer; usually on port 587.
    #[default]
    Starttls,
    /// TLS from the beginning; usually on port 465.
    Tls,
    /// None. Only on this machine: whoever is in between reads along.
    None,
}

/// Languages of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

fn yes() -> bool {
    true
}

fn default_timeout() -> Duration {
    Duration::from_secs(10)
}

impl Receiver {
    /// Host and port of the mail server.
    #[must_use]
    pub fn smtp_address(&self) -> Option<(&str, u16)> {
        let (host, port) = self.smtp.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some((host, port.parse().ok()?)).filter(|(host, _)| !host.is_empty())
    }

    /// Says what would make it valid.
    pub(super) fn check(&self) -> Result<(), String> {
        let is_email = self.kind == ReceiverKind::Email;
        let is_webhook = self.kind == ReceiverKind::Webhook;
        let has = |secret: &Secret, file: &Path| secret.expose().is_some() || !file.as_os_str().is_empty();
        for (key, is_set, is_for) in [
            ("url", has(&self.url, &self.url_file), (!is_email, "slack, discord, alertmanager and webhook")),
            ("secret", has(&self.secret, &self.secret_file), (is_webhook, "webhook")),
            ("smtp", !self.smtp.is_empty(), (is_email, "email")),
            ("from", !self.from.is_empty(), (is_email, "email")),
            ("to", !self.to.is_empty(), (is_email, "email")),
        ] {
            if is_set && !is_for.0 {
                return Err(format!("leave out {key}: {key} is for kind {}", is_for.1));
            }
        }
        if !(Duration::from_secs(1)..=Duration::from_mins(1)).contains(&self.timeout) {
            return Err("use a timeout from 1s to 60s".to_owned());
        }
        if !is_email {
            return match self.url.expose() {
                Some(url) if is_http(url) => Ok(()),
                None if has(&self.url, &self.url_file) => Ok(()),
                Some(_) => Err("give it a url that begins with https:// or http://".to_owned()),
                None => Err("give it a url, or a url_file that has it".to_owned()),
            };
        }
        if self.smtp_address().is_none() {
            return Err("say where the mail server is, as in smtp = \"mail.example.com:587\"".to_owned());
        }
        let is_address = |text: &str| text.parse::<lettre::message::Mailbox>().is_ok();
        if !is_address(&self.from) {
            return Err("say who sends, as in from = \"monitoring@example.com\"".to_owned());
        }
        if self.to.is_empty() || !self.to.iter().all(|to| is_address(to)) {
            return Err("say to whom mails go, as in to = [\"ops@example.com\"]".to_owned());
        }
        Ok(())
    }
}
