//! What was set, and the files that settings name.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::{Answer, Examination, Finding, advice, off_thread};
use crate::config::{ConfigError, check_private};
use crate::rules::{Rules, RulesError};
use crate::shell;

impl Examination {
    pub(super) fn look_at_settings(&self) -> Answer {
        let findings = self.wrong.iter().filter(|error| !matches!(error, ConfigError::TooOpen { .. }));
        let findings: Vec<_> = findings.map(wrong).collect();
        let seen = if findings.is_empty() { "all valid" } else { "what follows is looked at without them" };
        Answer::found(seen, findings)
    }

    pub(super) fn look_at_env_file(&self) -> Answer {
        let path = self.sources.directory.join(".env");
        let path = std::path::absolute(&path).unwrap_or(path);
        let shown = path.display();
        if !path.exists() {
            return Answer::ok(format!("there is no {shown}, and none is needed"));
        }
        match check_private(&path) {
            Ok(()) => Answer::ok(format!("{shown} is for its owner only")),
            Err(ConfigError::TooOpen { mode, command, .. }) => Finding::trouble(
                "readable_by_others",
                format!("{shown} holds passwords and can be read by others: its mode is {mode:04o}"),
                "close it to them, and change the passwords if somebody else uses this machine",
            )
            .with([command])
            .into(),
            Err(error) => Finding::of("unreadable", &error.to_string()).into(),
        }
    }

    pub(super) fn look_at_time_zones(&self) -> Answer {
        if self.is_wrong("schedule") || self.is_wrong("business") {
            return Answer::skipped("its setting is not valid");
        }
        let zone = &self.settings.schedule.time_zone;
        if zone.is_empty()
            && let Err(error) = TimeZone::try_system()
        {
            let cause = format!("the time zone of this machine cannot be known, and days begin as in UTC: {error}");
            let remedy = "set schedule.time_zone to where your days begin";
            return Finding::warning("unknown_zone", cause, remedy)
                .with(["RECIPE_MONITORING_SCHEDULE__TIME_ZONE=Asia/Tokyo"])
                .into();
        }
        let name = |zone: TimeZone| zone.iana_name().unwrap_or("that of this machine").to_owned();
        let (schedule, business) =
            (self.settings.schedule.zone(), self.settings.business.zone(&self.settings.schedule));
        Answer::ok(format!("days begin by {}; those of the business by {}", name(schedule), name(business)))
    }

    pub(super) async fn look_at_rules(&self) -> Answer {
        let path = self.settings.alerts.rules.clone();
        let shown = path.display().to_string();
        match off_thread(move || Rules::load(&path)).await {
            Some(Ok(rules)) => Answer::ok(format!("{} rules, all valid", rules.iter().count())),
            Some(Err(RulesError::Invalid { errors, .. })) => {
                let check = advice::collector(self, "rules check");
                let of = |error: &crate::rules::RuleError| {
                    let value = if error.value.is_empty() { String::new() } else { format!(" = {}", error.value) };
                    let cause = format!("{shown}, line {}: {}{value} is not valid", error.line, error.key);
                    Finding::trouble("invalid", cause, error.remedy.to_string()).with([check.clone()])
                };
                Answer::found("a running collector goes on with the rules before", errors.0.iter().map(of))
            }
            Some(Err(error)) => Finding::of("unreadable", &error.to_string()).into(),
            None => Answer::skipped("it could not be read"),
        }
    }

    pub(super) async fn look_at_receivers(&self) -> Answer {
        let receivers = &self.settings.notify.receivers;
        if receivers.is_empty() {
            return Answer::ok("there are none: alerts are on the page and in PostgreSQL only");
        }
        let mut files: Vec<(String, PathBuf)> = Vec::new();
        for (name, receiver) in receivers {
            for (key, path) in [
                ("url_file", &receiver.url_file),
                ("secret_file", &receiver.secret_file),
                ("password_file", &receiver.password_file),
                ("ca_file", &receiver.ca_file),
            ] {
                if !path.as_os_str().is_empty() {
                    files.push((format!("notify.receivers.{name}.{key}"), path.clone()));
                }
            }
        }
        let look = move || files.iter().filter_map(|(key, path)| unreadable(key, path)).collect::<Vec<_>>();
        let findings = off_thread(look).await.unwrap_or_default();
        Answer::found(format!("{} receivers; send each a test with: notify test", receivers.len()), findings)
    }
}

fn wrong(error: &ConfigError) -> Finding {
    match error {
        ConfigError::Unknown { key, value, origin, nearest } => {
            let cause = format!("there is no setting {key}, and {origin} sets it to {value}");
            Finding::trouble("unknown", cause, format!("correct its name, for example to {nearest}, or leave it out"))
        }
        ConfigError::Invalid { key, value, origin, remedy } => {
            let origin = origin.as_ref().map(|origin| format!(" in {origin}")).unwrap_or_default();
            Finding::trouble("invalid", format!("{key} = {value}{origin} is not valid"), remedy.clone())
        }
        ConfigError::Syntax { path, reason } => {
            Finding::trouble("syntax", format!("{path} is not valid: {reason}"), "correct it there")
        }
        error => Finding::of("unreadable", &error.to_string()),
    }
}

/// Why a file that a setting names is of no use.
fn unreadable(key: &str, path: &Path) -> Option<Finding> {
    let error = match std::fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return None,
        Ok(_) => "it is empty".to_owned(),
        Err(error) => error.to_string(),
    };
    let cause = format!("{key} = {} cannot be read: {error}", path.display());
    let remedy = "put the secret there, readable by the user that the program runs as";
    Some(Finding::trouble("unreadable_secret", cause, remedy).with([format!("ls -l {}", shell::word(path))]))
}
