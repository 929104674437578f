//! Redis: the newest values under the documented keys, and the live events on channels. A cache,
//! so nothing here ever waits for long or is missed when it fails.

pub(crate) mod condition;
mod copy;
mod info;
mod probe;

use std::collections::BTreeMap;
use std::time::Duration;

use fred::clients::{Client, SubscriberClient};
use fred::error::ErrorKind;
use fred::interfaces::{
    ClientLike, EventInterface, HashesInterface, KeysInterface, PubsubInterface, TransactionInterface,
};
use fred::types::config::{Config, Options, ReconnectPolicy};
use fred::types::{Builder, Expiration, Value};
use tokio::sync::broadcast;

use crate::alert::Alert;
use crate::sample::Kind;
use crate::{Current, Frame, Payload};

pub(crate) use copy::Copy;
pub(crate) use probe::CacheProbe;

/// Newest values live this long without being renewed.
const TTL: Expiration = Expiration::EX(300);
const TIMEOUT: Duration = Duration::from_secs(1);
/// Milliseconds between attempts to connect, growing; fred waits so long before the first one, too.
const RECONNECT: (u32, u32) = (10, 2_000);
/// The kinds, with the channel and the key of each one's readings.
const KINDS: [(Kind, &str, &str); 3] = [
    (Kind::System, "metrics:system", "metrics:system:current"),
    (Kind::Application, "metrics:application", "metrics:application:current"),
    (Kind::Business, "metrics:business", "metrics:business:current"),
];
/// The newest of all kinds.
const CURRENT_KEYS: [&str; 2] = ["metrics:integrated:current", "metrics:current"];
/// A hash: metric_name -> JSON of the last full hour.
const HOURLY_KEY: &str = "metrics:hourly";
/// A hash: rule_name -> JSON of the active alert, of several series the one that fires longest.
const ALERTS_KEY: &str = "alerts:active";
/// The other channels.
const OTHER_CHANNELS: [&str; 3] = ["alert:new", "alert:resolved", "annotation:changed"];
/// What `check` writes, reads and removes; gone by itself where that is killed.
const CHECK_KEY: &str = "recipe_monitoring_check";
const CHECK_TTL: Expiration = Expiration::EX(60);

/// Why Redis could not be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The URL cannot be used.
    #[error("setting redis.url is not valid: {0}; use the form redis://:password@host:6379/0, with rediss:// for TLS")]
    Url(String),
    /// It does not answer, or refuses.
    #[error(
        "Redis could not do this: {0}; check that it runs, REDIS_URL (rediss:// for TLS, with a certificate that this machine's authorities vouch for) and REDIS_PASSWORD"
    )]
    Command(#[from] fred::error::Error),
    /// What was to be kept cannot be written as JSON.
    #[error("not json: {0}")]
    Json(#[from] serde_json::Error),
}

/// The hot values.
#[derive(Clone)]
pub struct Cache {
    client: Client,
    builder: Builder,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cache")
    }
}

impl Cache {
    /// A client that connects in the background, again and again; nothing is awaited.
    ///
    /// # Errors
    ///
    /// [`CacheError::Url`]
    pub fn connect(url: &str, password: Option<&str>) -> Result<Self, CacheError> {
        let invalid = |error: fred::error::Error| CacheError::Url(error.details().to_owned());
        let (builder, _) = Self::builder(url, password)?;
        let client = builder.build().map_err(invalid)?;
        drop(client.connect());
        Ok(Self { client, builder })
    }

    /// How clients are made.
    fn builder(url: &str, password: Option<&str>) -> Result<(Builder, Config), CacheError> {
        let invalid = |error: fred::error::Error| CacheError::Url(error.details().to_owned());
        let mut config = Config::from_url(url).map_err(invalid)?;
        // Else the first attempt that fails would be the last.
        config.fail_fast = false;
        if config.password.is_none() {
            config.password = password.map(str::to_owned);
        }
        let mut builder = Builder::from_config(config.clone());
        builder
            .with_connection_config(|connection| {
                connection.connection_timeout = TIMEOUT * 2;
                connection.internal_command_timeout = TIMEOUT * 2;
                connection.max_command_attempts = 1;
            })
            .with_performance_config(|performance| performance.default_command_timeout = TIMEOUT)
            .set_policy(ReconnectPolicy::new_exponential(0, RECONNECT.0, RECONNECT.1, 2));
        Ok((builder, config))
    }

    /// Renews the newest values of a reading's kind and of all kinds, and publishes the event.
    /// Answers how many readers got it.
    ///
    /// # Errors
    ///
    /// When Redis does not answer within a second.
    pub async fn put(
        &self,
        reading: &Payload,
        all: &Current,
        alerts: &[Alert],
        frame: &Frame,
    ) -> Result<i64, CacheError> {
        let newest = match reading {
            Payload::System(system) => Some(serde_json::to_string(system)?),
            Payload::Application(application) => Some(serde_json::to_string(application)?),
            Payload::Business(business) => Some(serde_json::to_string(business)?),
            Payload::AlertNew(_)
            | Payload::AlertChanged(_)
            | Payload::AlertResolved(_)
            | Payload::AnnotationChanged(_) => None,
            Payload::Health(_) | Payload::Hello(_) => return Ok(0),
        };
        let client = self.client.with_options(&options());
        let transaction = client.multi();
        if let Some(newest) = newest {
            let all = serde_json::to_string(all)?;
            for (_, _, key) in KINDS.iter().filter(|(_, channel, _)| *channel == frame.event) {
                let () = transaction.set(*key, newest.as_str(), Some(TTL), None, false).await?;
            }
            for key in CURRENT_KEYS {
                let () = transaction.set(key, all.as_str(), Some(TTL), None, false).await?;
            }
        }
        // With every reading, so that they are right again whatever has become of Redis.
        let () = transaction.del(ALERTS_KEY).await?;
        let of_rules = oldest_of_each_rule(alerts)?;
        if !of_rules.is_empty() {
            let () = transaction.hset(ALERTS_KEY, of_rules).await?;
        }
        let () = transaction.publish(frame.event, frame.text.clone()).await?;
        let answers: Vec<Value> = transaction.exec(true).await?;
        Ok(answers.last().and_then(Value::as_i64).unwrap_or(0))
    }

    /// Puts every metric's last full hour in the place of the one before: `(metric_name, JSON)`.
    ///
    /// # Errors
    ///
    /// When Redis does not answer within a second.
    pub async fn put_hourly(&self, hours: Vec<(String, String)>) -> Result<(), CacheError> {
        let client = self.client.with_options(&options());
        let transaction = client.multi();
        let () = transaction.del(HOURLY_KEY).await?;
        if !hours.is_empty() {
            let () = transaction.hset(HOURLY_KEY, hours).await?;
        }
        let _: Vec<Value> = transaction.exec(true).await?;
        Ok(())
    }

    /// The newest reading of each kind that is known, without those that are missing or nonsense.
    ///
    /// # Errors
    ///
    /// When Redis does not answer within a second.
    pub async fn newest(&self) -> Result<Vec<Payload>, CacheError> {
        let mut newest = Vec::new();
        for (kind, _, key) in KINDS {
            // A value of another type is an error of Redis', and nonsense like any other.
            let json: Result<Option<String>, _> = self.client.with_options(&options()).get(key).await;
            let json = match json {
                Err(error)
                    if *error.kind() == ErrorKind::InvalidArgument || error.details().starts_with("WRONGTYPE") =>
                {
                    None
                }
                json => json?,
            };
            let Some(json) = json else { continue };
            newest.extend(match kind {
                Kind::System => serde_json::from_str(&json).map(Payload::System).ok(),
                Kind::Application => serde_json::from_str(&json).map(Payload::Application).ok(),
                Kind::Business => serde_json::from_str(&json).map(Payload::Business).ok(),
            });
        }
        Ok(newest)
    }

    /// Waits for the first connection, for a few seconds at the most.
    pub async fn connected(&self) {
        // An error means that there is none yet; it goes on being tried.
        let _ = tokio::time::timeout(TIMEOUT * 2, self.client.wait_for_connect()).await;
    }

    /// Whether Redis answers, waiting for the first connection a few seconds at the most.
    ///
    /// # Errors
    ///
    /// Why it does not: that of an attempt of its own, for those in the background keep theirs to themselves.
    pub async fn reach(&self) -> Result<(), CacheError> {
        self.connected().await;
        let answer: Result<String, _> = self.client.with_options(&options()).ping(None).await;
        if let Err(error) = answer {
            let config = self.builder.get_config().cloned().unwrap_or_default();
            tokio::time::timeout(TIMEOUT * 2, probe::link(&self.builder, config))
                .await
                .unwrap_or(Err(error.clone()))?;
            return Err(error.into());
        }
        Ok(())
    }

    /// Writes a value for a check.
    ///
    /// # Errors
    ///
    /// When Redis does not answer within a second, or takes no writes.
    pub async fn write_check(&self, value: &str) -> Result<(), CacheError> {
        let () = self.client.with_options(&options()).set(CHECK_KEY, value, Some(CHECK_TTL), None, false).await?;
        Ok(())
    }

    /// Reads the value of a check; `None` where there is none.
    ///
    /// # Errors
    ///
    /// When Redis does not answer within a second.
    pub async fn read_check(&self) -> Result<Option<String>, CacheError> {
        Ok(self.client.with_options(&options()).get(CHECK_KEY).await?)
    }

    /// Removes the value of a check.
    ///
    /// # Errors
    ///
    /// When Redis does not answer within a second.
    pub async fn remove_check(&self) -> Result<(), CacheError> {
        let _: i64 = self.client.with_options(&options()).del(CHECK_KEY).await?;
        Ok(())
    }

    /// Live events that others publish from now on. Connects in the background.
    ///
    /// # Errors
    ///
    /// [`CacheError::Url`]
    pub fn messages(&self) -> Result<Messages, CacheError> {
        let mut builder = self.builder.clone();
        builder.with_performance_config(|performance| performance.broadcast_channel_capacity = BURST);
        let subscriber = builder.build_subscriber_client()?;
        let messages = subscriber.message_rx();
        drop(subscriber.connect());
        // Subscribes again at every connection to what it was once subscribed to.
        drop(subscriber.manage_subscriptions());
        Ok(Messages { subscriber, messages, subscribed: false })
    }

    /// Says good-bye.
    pub async fn close(&self) {
        let _ = tokio::time::timeout(TIMEOUT, self.client.quit()).await;
    }
}

/// Live events that may come in at once, such as hundreds of alerts when a rack goes dark. What is beyond is
/// made up for by the next look at all of them.
const BURST: usize = 1_024;

/// Rule and JSON of its alert.
fn oldest_of_each_rule(alerts: &[Alert]) -> Result<Vec<(String, String)>, serde_json::Error> {
    let mut oldest: BTreeMap<&str, &Alert> = BTreeMap::new();
    for alert in alerts {
        let known = oldest.entry(&alert.rule_name).or_insert(alert);
        if alert.fired_at < known.fired_at {
            *known = alert;
        }
    }
    oldest.into_iter().map(|(rule, alert)| Ok((rule.to_owned(), serde_json::to_string(alert)?))).collect()
}

fn options() -> Options {
    Options { max_attempts: Some(1), timeout: Some(TIMEOUT), fail_fast: true, ..Options::default() }
}

fn channels() -> Vec<&'static str> {
    KINDS.iter().map(|(_, channel, _)| *channel).chain(OTHER_CHANNELS).collect()
}

/// Live events as they come in through Redis.
pub struct Messages {
    subscriber: SubscriberClient,
    messages: broadcast::Receiver<fred::types::Message>,
    /// Whether Redis has ever taken the subscription.
    subscribed: bool,
}

impl Messages {
    /// The next event's text. Subscribes, and tries again, for as long as it takes.
    pub async fn next(&mut self) -> String {
        loop {
            if !self.subscribed {
                match self.subscriber.subscribe(channels()).await {
                    Ok(()) => self.subscribed = true,
                    Err(_) => {
                        tokio::time::sleep(TIMEOUT).await;
                        continue;
                    }
                }
            }
            match self.messages.recv().await {
                Ok(message) => {
                    if let Some(text) = message.value.into_string() {
                        return text;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                // The client is ours and lives as long as this.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
