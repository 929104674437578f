//! Sends messages to a receiver, one after the other.

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Certificate, Client, Response, Url, redirect};

use super::address::{Guard, Private};
use super::error::{SendError, no_tls, no_way};
use super::{About, Message, form, mail};
use crate::Sentence;
use crate::config::{Notify, Receiver, ReceiverKind, Secret};
use crate::source::{file_if_set, secret_or_file};

const USER_AGENT: &str = concat!("recipe-monitoring/", env!("CARGO_PKG_VERSION"));
/// A secret, or a file of certificates, is shorter.
const FILE_BYTES: u64 = 4 << 20;
/// As much of an answer as an error shows.
const SHOWN: usize = 200;
/// A part of an address that is as long may be a secret by itself.
const SECRET_PART: usize = 8;

/// What became of an attempt.
pub(crate) type Outcome = Result<(), SendError>;

/// The way to one receiver.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) name: String,
    receiver: Receiver,
    dashboard_url: String,
    /// Made with the first message, so that a file of certificates may come later.
    client: Option<Client>,
}

impl Sender {
    pub(crate) fn new(name: &str, receiver: &Receiver, dashboard_url: &str) -> Self {
        Self {
            name: name.to_owned(),
            receiver: receiver.clone(),
            dashboard_url: dashboard_url.trim_end_matches('/').to_owned(),
            client: None,
        }
    }

    /// Attempts once.
    ///
    /// # Errors
    ///
    /// See [`SendError`]
    pub(crate) async fn send(&mut self, message: &Message) -> Outcome {
        let timeout = self.receiver.timeout;
        let sent = async {
            match self.receiver.kind {
                ReceiverKind::Email => self.mail(message).await,
                _ => self.post(message).await,
            }
        };
        tokio::time::timeout(timeout, sent).await.unwrap_or(Err(SendError::TimedOut(timeout)))
    }

    async fn mail(&self, message: &Message) -> Outcome {
        let password = secret(&self.receiver.password, &self.receiver.password_file).await?;
        let ca = ca_file(&self.receiver.ca_file).await?;
        mail::send(&self.receiver, password, ca, message, &self.dashboard_url).await
    }

    async fn post(&mut self, message: &Message) -> Outcome {
        let url = secret(&self.receiver.url, &self.receiver.url_file).await?.unwrap_or_default();
        let mut url = Url::parse(&url).map_err(|_| self.no_url())?;
        if self.receiver.kind == ReceiverKind::Alertmanager {
            let path = format!("{}/api/v2/alerts", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        guard(&self.receiver).check(&url).map_err(|private| SendError::Unusable(Sentence::of(&private)))?;
        let client = match &self.client {
            Some(client) => client.clone(),
            None => self.client.insert(client(guard(&self.receiver), ca_file(&self.receiver.ca_file).await?)?).clone(),
        };
        let body = form::body(&self.receiver, message, &self.name, &self.dashboard_url);
        let mut hidden = secrets(&url);
        let mut request =
            client.post(url).header(CONTENT_TYPE, "application/json").header("Idempotency-Key", &message.key);
        if self.receiver.kind == ReceiverKind::Webhook
            && let Some(key) = secret(&self.receiver.secret, &self.receiver.secret_file).await?
        {
            for (name, value) in form::signature(&key, message, Timestamp::now(), &body) {
                request = request.header(name, value);
            }
            hidden.push(key);
        }
        if !self.receiver.username.is_empty() {
            let password = secret(&self.receiver.password, &self.receiver.password_file).await?;
            let login = format!("{}:{}", self.receiver.username, password.as_deref().unwrap_or_default());
            hidden.extend([BASE64_STANDARD.encode(login)].into_iter().chain(password.clone()));
            request = request.basic_auth(&self.receiver.username, password);
        }
        let response = request.body(body).send().await.map_err(|error| unreachable(&error))?;
        judge(response, hidden).await
    }

    /// What is in a file may be another thing by the next attempt: whoever writes it may be in the middle of it.
    fn no_url(&self) -> SendError {
        match self.receiver.url.expose() {
            Some(_) => SendError::Unusable(Sentence::new(
                "its url is none; write it as https://example.com/path",
                "url が正しくありません。https://example.com/path のように書いてください",
            )),
            None => {
                let path = self.receiver.url_file.display();
                SendError::Unreachable(Sentence::new(
                    format!("{path} holds no url; write one there, as https://example.com/path"),
                    format!("{path} に url がありません。https://example.com/path のように書いてください"),
                ))
            }
        }
    }
}

/// Where the messages of a receiver may go.
pub(super) fn guard(receiver: &Receiver) -> Guard {
    Guard { allow_private: receiver.allow_private, setting: "allow_private" }
}

/// A client that goes where it is sent and nowhere else.
pub(super) fn client(guard: Guard, ca: Option<String>) -> Result<Client, SendError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .user_agent(USER_AGENT)
        .pool_max_idle_per_host(1)
        .dns_resolver(guard);
    let unusable = |error: reqwest::Error| SendError::Unusable(no_tls(cause(&error)));
    let builder = match ca {
        Some(pem) => builder.tls_certs_merge(Certificate::from_pem_bundle(pem.as_bytes()).map_err(unusable)?),
        None => builder,
    };
    builder.build().map_err(unusable)
}

/// What of an address is for nobody to read: who knows the path of a chat's webhook may write there.
pub(super) fn secrets(url: &Url) -> Vec<String> {
    let whole = [url.path(), url.query().unwrap_or_default(), url.password().unwrap_or_default()];
    let parts = url.path().split('/').chain(url.query().unwrap_or_default().split(['&', '=']));
    let parts = parts.filter(|part| part.len() >= SECRET_PART);
    whole.into_iter().chain(parts).filter(|text| text.len() > 1).map(str::to_owned).collect()
}

/// What an answer means; a receiver that is busy or broken may take the message later. What of the
/// request is `hidden` is not shown, should it come back: many servers say which path they do not have.
pub(super) async fn judge(mut response: Response, mut hidden: Vec<String>) -> Outcome {
    let code = response.status().as_u16();
    if response.status().is_success() {
        return Ok(());
    }
    let seconds = response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse::<f64>().ok());
    let after = seconds.and_then(|seconds| SignedDuration::try_from_secs_f64(seconds.max(0.0)).ok());
    let later = (code == 408 || code == 429 || code >= 500).then_some(after);
    if (300..=399).contains(&code) {
        return Err(SendError::Redirected { code });
    }
    let piece = response.chunk().await.ok().flatten().unwrap_or_default();
    let text: String = String::from_utf8_lossy(&piece).chars().filter(|c| !c.is_control()).collect();
    hidden.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let hide = |text: String, secret: &String| text.replace(secret.as_str(), "(secret)");
    let text = hidden.iter().filter(|secret| !secret.is_empty()).fold(text, hide);
    Err(SendError::Refused { code, answer: text.chars().take(SHOWN).collect(), later })
}

/// Why it was not reached, without its address, which may be a secret.
pub(super) fn unreachable(error: &reqwest::Error) -> SendError {
    let mut causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let inner = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref().cloned()
    };
    match causes.find_map(inner) {
        Some(private) => SendError::Unusable(Sentence::of::<Private>(&private)),
        None => SendError::Unreachable(no_way(cause(error))),
    }
}

fn cause(error: &reqwest::Error) -> String {
    crate::source::last_cause(error)
}

/// A secret from the settings or from its file, read anew.
pub(super) async fn secret(setting: &Secret, path: &Path) -> Result<Option<String>, SendError> {
    let failed = |source| SendError::File { path: path.to_owned(), source };
    secret_or_file(setting, path, FILE_BYTES).await.map_err(failed)
}

async fn ca_file(path: &Path) -> Result<Option<String>, SendError> {
    let failed = |source| SendError::File { path: path.to_owned(), source };
    file_if_set(path, FILE_BYTES).await.map_err(failed)
}

/// Delivers for ever what there is to deliver: `next` waits for a message, `report` hears what became of it.
pub(crate) async fn deliver(
    mut sender: Sender,
    next: impl AsyncFn(String) -> Message + Send,
    report: impl Fn(&str, &str, Outcome) + Send,
) {
    loop {
        let message = next(sender.name.clone()).await;
        let outcome = sender.send(&message).await;
        if outcome.is_err() {
            // A name may be elsewhere by the next attempt, and certificates may be others.
            sender.client = None;
        }
        report(&sender.name, &message.key, outcome);
    }
}

/// Sends a test to a receiver, at once and once.
///
/// # Errors
///
/// See [`SendError`]
pub async fn try_receiver(notify: &Notify, name: &str, now: Timestamp) -> Result<(), SendError> {
    let Some(receiver) = notify.receivers.get(name) else {
        let known: Vec<_> = notify.receivers.keys().map(String::as_str).collect();
        return Err(SendError::Unknown { name: name.to_owned(), known: known.join(", ") });
    };
    let message = super::dispatch::message(About::Test, Vec::new(), now);
    Sender::new(name, receiver, &notify.dashboard_url).send(&message).await
}
