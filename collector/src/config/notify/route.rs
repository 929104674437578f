//! Which alerts go to whom, and when not.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::{DateTime, Time, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Receiver;
use crate::alert::Severity;
use crate::matchers::Matchers;

/// One of `[[notify.routes]]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Names of receivers; none: what matches is told nobody.
    pub receivers: Vec<String>,
    /// Only alerts so bad. Empty: any.
    #[serde(default)]
    pub severity: Vec<Severity>,
    /// Only alerts about this. Empty: any.
    #[serde(default)]
    pub category: Vec<String>,
    /// Only alerts with such labels, as in `{host="web",alertname=~"High.*"}`.
    #[serde(default)]
    pub matchers: String,
    /// In place of `notify.group_by`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<Vec<String>>,
    /// In place of `notify.group_wait`.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub group_wait: Option<Duration>,
    /// In place of `notify.group_interval`.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub group_interval: Option<Duration>,
    /// In place of `notify.repeat_interval`.
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub repeat_interval: Option<Duration>,
    /// When nothing is told; what still fires then is told afterwards. By `schedule.time_zone`.
    #[serde(default)]
    pub quiet_hours: Vec<QuietHours>,
    /// Whether the routes after this one are looked at, too.
    #[serde(default, rename = "continue")]
    pub goes_on: bool,
}

use jiff::fmt::serde::unsigned_duration::friendly::compact::optional;

impl Route {
    /// Says which value is wrong, and what would make it valid.
    pub(super) fn check(&self, receivers: &BTreeMap<String, Receiver>) -> Result<(), (String, String)> {
        if let Some(unknown) = self.receivers.iter().find(|name| !receivers.contains_key(*name)) {
            let remedy = format!("there is no [notify.receivers.{unknown}]; name one that there is");
            return Err((unknown.clone(), remedy));
        }
        match Matchers::parse(&self.matchers) {
            Ok((_, "")) => Ok(()),
            Ok((_, rest)) => {
                Err((self.matchers.clone(), format!("leave out '{rest}'; write labels as in {{host=\"web\"}}")))
            }
            Err(error) => Err((self.matchers.clone(), error.to_string())),
        }
    }
}

/// Hours of some days: `22:00-07:00`, `sat,sun 00:00-24:00`. Those over midnight are of the day on
/// which they begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours {
    days: Vec<Weekday>,
    from: Time,
    /// `None` where it is the end of the day.
    to: Option<Time>,
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl QuietHours {
    fn parse(text: &str) -> Option<Self> {
        let (days, hours) = text.trim().rsplit_once(' ').unwrap_or(("", text));
        let day = |name: &str| DAYS.iter().find(|(known, _)| *known == name.trim()).map(|(_, day)| *day);
        let days = match days.trim() {
            "" => Vec::new(),
            days => days.split(',').map(day).collect::<Option<_>>()?,
        };
        let (from, to) = hours.trim().split_once('-')?;
        let time = |text: &str| Time::strptime("%H:%M", text).ok();
        let to = if to == "24:00" { None } else { Some(time(to)?) };
        Some(Self { days, from: time(from)?, to })
    }

    /// Whether `now` is within.
    #[must_use]
    pub fn contain(&self, now: DateTime) -> bool {
        let is_day = |day| self.days.is_empty() || self.days.contains(&day);
        let (today, time) = (now.date().weekday(), now.time());
        match self.to {
            None => is_day(today) && time >= self.from,
            Some(to) if self.from < to => is_day(today) && (self.from..to).contains(&time),
            Some(to) => (is_day(today) && time >= self.from) || (is_day(today.previous()) && time < to),
        }
    }
}

impl Serialize for QuietHours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let days: Vec<_> = DAYS.iter().filter(|(_, day)| self.days.contains(day)).map(|(name, _)| *name).collect();
        let to = self.to.map_or_else(|| "24:00".to_owned(), |to| to.strftime("%H:%M").to_string());
        let text = format!("{} {}-{to}", days.join(","), self.from.strftime("%H:%M"));
        serializer.serialize_str(text.trim_start())
    }
}

impl<'de> Deserialize<'de> for QuietHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("{text:?} are no hours; write 22:00-07:00 or sat,sun 00:00-24:00"))
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn quiet_hours_go_over_midnight_and_belong_to_the_day_on_which_they_begin() {
        // 2026-11-27 is a Friday.
        for (hours, day, hour, quiet) in [
            ("22:00-07:00", 27, 21, false),
            ("22:00-07:00", 27, 22, true),
            ("22:00-07:00", 28, 6, true),
            ("22:00-07:00", 28, 7, false),
            ("fri 22:00-07:00", 28, 6, true),
            ("fri 22:00-07:00", 27, 6, false),
            ("sat,sun 00:00-24:00", 28, 0, true),
            ("sat,sun 00:00-24:00", 27, 23, false),
            ("09:00-17:00", 27, 12, true),
            ("09:00-17:00", 27, 17, false),
        ] {
            let parsed = QuietHours::parse(hours).unwrap();
            let now = date(2026, 11, day).at(hour, 0, 0, 0);
            assert_eq!(parsed.contain(now), quiet, "{hours} {now}");
            assert_eq!(serde_json::to_value(&parsed).unwrap(), hours);
        }
        for text in ["", "22:00", "22:00-25:00", "noday 22:00-23:00", "22:00-"] {
            assert_eq!(QuietHours::parse(text), None, "{text}");
        }
    }
}
