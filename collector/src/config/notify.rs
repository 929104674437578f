//! Who is told of alerts, and when.

mod receiver;
mod route;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Invalid;
use super::secret::Secret;

pub use receiver::{Language, Receiver, ReceiverKind, Tls};
pub use route::{QuietHours, Route};

/// `[notify]`. Words and defaults are Alertmanager's, but for `group_wait`: an alert goes out at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notify {
    /// Where alerts are told, each under its name: `[notify.receivers.team-slack]`.
    pub receivers: BTreeMap<String, Receiver>,
    /// Which alerts go where: the first route that an alert matches, and the next ones where that
    /// says `continue`. Without any, all alerts go to all receivers.
    pub routes: Vec<Route>,
    /// Alerts that agree in these labels are told in one message.
    pub group_by: Vec<String>,
    /// How long the first alert of a group waits for others.
    #[serde(with = "super::load::duration")]
    pub group_wait: Duration,
    /// Least time between two messages of a group.
    #[serde(with = "super::load::duration")]
    pub group_interval: Duration,
    /// When that what still fires is told again.
    #[serde(with = "super::load::duration")]
    pub repeat_interval: Duration,
    /// A message that could not be delivered for so long is given up.
    #[serde(with = "super::load::duration")]
    pub give_up_after: Duration,
    /// Firings of one series within `flap_window` that make it a flapping one, told once.
    pub flap_count: usize,
    /// See `flap_count`.
    #[serde(with = "super::load::duration")]
    pub flap_window: Duration,
    /// Where a reader of a message finds the dashboard, such as `https://monitoring.example.com`.
    pub dashboard_url: String,
    /// Asked every `heartbeat` while readings come in, for a dead man's switch elsewhere. Empty: nothing is.
    pub heartbeat_url: Secret,
    /// See `heartbeat_url`.
    #[serde(with = "super::load::duration")]
    pub heartbeat: Duration,
    /// Whether `heartbeat_url` may be in a private network.
    pub heartbeat_allow_private: bool,
    /// How often a marked test alert goes the whole way of a real one to every receiver. 0s: never.
    #[serde(with = "super::load::duration")]
    pub fire_drill: Duration,
}

impl Default for Notify {
    fn default() -> Self {
        Self {
            receivers: BTreeMap::new(),
            routes: Vec::new(),
            group_by: vec!["alertname".to_owned()],
            group_wait: Duration::ZERO,
            group_interval: Duration::from_mins(5),
            repeat_interval: Duration::from_hours(4),
            give_up_after: Duration::from_hours(24),
            flap_count: 4,
            flap_window: Duration::from_mins(30),
            dashboard_url: String::new(),
            heartbeat_url: Secret::default(),
            heartbeat: Duration::from_mins(1),
            heartbeat_allow_private: false,
            fire_drill: Duration::from_hours(7 * 24),
        }
    }
}

/// As many as a group may be told by.
const MOST_LABELS: usize = 20;
/// Names of receivers are shown in a table.
const LONGEST_NAME: usize = 50;

impl Notify {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        for (name, receiver) in &self.receivers {
            let is_in_a_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
            if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_in_a_name) {
                let remedy = "name a receiver with 1 to 50 of a-z, 0-9, _ and -";
                return Err(Invalid::new("notify.receivers", name, remedy));
            }
            receiver.check().map_err(|remedy| Invalid::new("notify.receivers", name, remedy))?;
        }
        for route in &self.routes {
            route.check(&self.receivers).map_err(|(value, remedy)| Invalid::new("notify.routes", value, remedy))?;
        }
        if self.group_by.len() > MOST_LABELS {
            return Err(Invalid::new("notify.group_by", self.group_by.len(), "use at most 20 labels"));
        }
        Invalid::unless_between("notify.group_wait", self.group_wait, 0, 3_600)?;
        Invalid::unless_between("notify.group_interval", self.group_interval, 0, 86_400)?;
        Invalid::unless_between("notify.repeat_interval", self.repeat_interval, 60, 30 * 86_400)?;
        Invalid::unless_between("notify.give_up_after", self.give_up_after, 60, 30 * 86_400)?;
        Invalid::unless_between("notify.flap_window", self.flap_window, 60, 86_400)?;
        Invalid::unless_between("notify.heartbeat", self.heartbeat, 10, 86_400)?;
        if !(2..=1_000).contains(&self.flap_count) {
            return Err(Invalid::new("notify.flap_count", self.flap_count, "use 2 to 1000"));
        }
        if !self.fire_drill.is_zero() {
            Invalid::unless_between("notify.fire_drill", self.fire_drill, 60, 90 * 86_400)?;
        }
        if !self.dashboard_url.is_empty() && !is_http(&self.dashboard_url) {
            let remedy = "use an address that begins with https:// or http://";
            return Err(Invalid::new("notify.dashboard_url", &self.dashboard_url, remedy));
        }
        if self.heartbeat_url.expose().is_some_and(|url| !is_http(url)) {
            let remedy = "use an address that begins with https:// or http://";
            return Err(Invalid::new("notify.heartbeat_url", "(secret)", remedy));
        }
        Ok(())
    }
}

/// Whether a text is an address of a web server.
fn is_http(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> String {
        let notify: Notify = match toml::from_str(text) {
            Ok(notify) => notify,
            Err(error) => return error.message().to_owned(),
        };
        notify.check().err().map(|invalid| format!("{invalid:?}")).unwrap_or_default()
    }

    #[test]
    fn what_cannot_work_is_refused_with_the_receivers_name_and_a_remedy() {
        let slack = "[receivers.team]\nkind = 'slack'\n";
        for (text, said) in [
            (slack.to_owned(), "give it a url"),
            (format!("{slack}url = 'ftp://a'"), "https:// or http://"),
            (format!("{slack}url = 'https://a'\nsmtp = 'b'"), "smtp is for kind"),
            ("[receivers.team]\nkind = 'fax'".to_owned(), "unknown variant `fax`"),
            ("[receivers.team]\nurl = 'https://a'".to_owned(), "missing field `kind`"),
            ("[receivers.Team]\nkind = 'slack'".to_owned(), "a-z"),
            ("[receivers.mail]\nkind = 'email'".to_owned(), "smtp = "),
            ("[receivers.mail]\nkind = 'email'\nsmtp = 'a:1'\nfrom = 'b'".to_owned(), "from"),
            ("[receivers.mail]\nkind = 'email'\nsmtp = 'a:1'\nfrom = 'b@c'".to_owned(), "to = "),
            ("[[routes]]\nreceivers = ['nobody']".to_owned(), "nobody"),
            ("[[routes]]\nreceivers = []\nmatchers = '{a'".to_owned(), "end at 'a'"),
            ("[[routes]]\nreceivers = []\nquiet_hours = ['22-7']".to_owned(), "22:00-07:00"),
            ("flap_count = 1".to_owned(), "2 to 1000"),
            ("dashboard_url = 'monitoring'".to_owned(), "https://"),
            ("repeat_interval = '1s'".to_owned(), "60s"),
        ] {
            let error = check(&text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn each_kind_is_right_with_what_it_needs() {
        for text in [
            "",
            "[receivers.a]\nkind = 'slack'\nurl_file = '/run/secrets/slack'",
            "[receivers.a]\nkind = 'discord'\nurl = 'https://discord.example/api/webhooks/1/x'\nlanguage = 'ja'",
            "[receivers.a]\nkind = 'alertmanager'\nurl = 'http://127.0.0.1:9093'\nallow_private = true",
            "[receivers.a]\nkind = 'webhook'\nurl = 'https://a/b'\nsecret = 's'",
            "[receivers.a]\nkind = 'email'\nsmtp = 'mail.example.com:587'\nfrom = 'a@example.com'\nto = ['b@example.com']",
            "[receivers.a]\nkind = 'slack'\nurl = 'https://a'\n[[routes]]\nreceivers = ['a']\nseverity = ['critical']\n\
             quiet_hours = ['22:00-07:00', 'sat,sun 00:00-24:00']\ncontinue = true",
        ] {
            assert_eq!(check(text), "", "{text}");
        }
    }
}
