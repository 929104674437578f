//! What people do about alerts: look after one, silence some, end a silence.

use jiff::Timestamp;
use uuid::Uuid;

use super::Alerting;
use super::hush::Selector;
use crate::alert::{Acknowledged, Act, Silence};
use crate::{InJapanese, Payload, Sentence};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// There is no such alert or silence.
    #[error("{field} {id} is not there any more; see the list as it is now")]
    Unknown {
        /// Which of the two.
        field: &'static str,
        /// Its id.
        id: String,
    },
    /// A value that is not valid.
    #[error("{field} = {value:?} is not valid: {remedy}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// Its value.
        value: String,
        /// What would be valid.
        remedy: Sentence,
    },
}

impl InJapanese for ActError {
    fn ja(&self) -> String {
        match self {
            Self::Unknown { field, id } => {
                let what = if *field == "alert" { "アラート" } else { "サイレンス" };
                format!("{what} {id} はもうありません。現在の一覧をご覧ください")
            }
            Self::Invalid { field, value, remedy } => format!("{field} = {value:?} は無効です: {}", remedy.ja()),
        }
    }
}

/// Names of people, and reasons.
const LONGEST_NAME: usize = 100;
const LONGEST_REASON: usize = 500;
const LONGEST_MATCHERS: usize = 1_000;
/// Silences at once.
const MOST_SILENCES: usize = 1_000;

impl Alerting {
    /// Does it; answers the id of the alert or the silence.
    ///
    /// # Errors
    ///
    /// See [`ActError`]. Nothing has changed then.
    pub(crate) fn act(&self, act: Act, now: Timestamp) -> Result<(String, Vec<Payload>), ActError> {
        let mut state = self.lock();
        let id = match act {
            Act::Acknowledge { alert: id, by } => {
                let by = plain("by", &by, 1, LONGEST_NAME)?;
                let mut alerts = state.told.values_mut().filter_map(|(_, alert)| alert.as_mut());
                let Some(alert) = alerts.find(|alert| alert.id == id) else {
                    return Err(ActError::Unknown { field: "alert", id });
                };
                alert.acknowledged = Some(Acknowledged { by, at: now });
                let alert = alert.clone();
                tracing::info!(rule = alert.rule_name, id, by = ?alert.acknowledged, "an alert is looked after");
                state.dispatch.change(&alert);
                self.write(&mut state);
                return Ok((id, vec![Payload::AlertChanged(Box::new(alert))]));
            }
            Act::Silence { matchers, author, reason, ends_at } => {
                let matchers = plain("matchers", &matchers, 1, LONGEST_MATCHERS)?;
                let author = plain("author", &author, 1, LONGEST_NAME)?;
                let reason = plain("reason", &reason, 1, LONGEST_REASON)?;
                let invalid = |field, value: &str, remedy| ActError::Invalid { field, value: value.to_owned(), remedy };
                let selector = Selector::parse(&matchers).map_err(|remedy| invalid("matchers", &matchers, remedy))?;
                let mut firing = state.told.values().filter_map(|(_, alert)| alert.as_ref());
                match ends_at {
                    Some(at) if at <= now => {
                        let remedy =
                            Sentence::new("name a time that is still to come", "これからの時刻を指定してください");
                        return Err(invalid("ends_at", &at.to_string(), remedy));
                    }
                    None if !firing.any(|alert| selector.selects(alert)) => {
                        let remedy = Sentence::new(
                            "no such alert fires: name the time at which the silence ends",
                            "該当するアラートは発生していません。サイレンスが終わる時刻を指定してください",
                        );
                        return Err(invalid("ends_at", "", remedy));
                    }
                    _ => {}
                }
                if state.hush.silences().len() >= MOST_SILENCES {
                    let remedy = Sentence::new(
                        format!("there are {MOST_SILENCES} silences: end some first"),
                        format!("サイレンスが {MOST_SILENCES} 件あります。先にいくつか終了してください"),
                    );
                    return Err(invalid("matchers", &matchers, remedy));
                }
                let id = Uuid::now_v7().to_string();
                tracing::info!(id, matchers, author, reason, "a silence begins");
                let silence =
                    Silence { id: id.clone(), matchers, author, reason, starts_at: now, ends_at, ends_soon: false };
                state.hush.add(silence, selector);
                id
            }
            Act::EndSilence { silence: id } => {
                let Some(silence) = state.hush.remove(&id) else {
                    return Err(ActError::Unknown { field: "silence", id });
                };
                tracing::info!(id, matchers = silence.matchers, "a silence is ended");
                id
            }
        };
        let changed = self.hush(&mut state, now);
        state.dispatch.flush(now, self.0.zone.to_datetime(now));
        self.write(&mut state);
        self.0.outbox.send_replace(());
        Ok((id, changed.into_iter().map(|alert| Payload::AlertChanged(Box::new(alert))).collect()))
    }
}

/// A text on one line, of some length.
fn plain(field: &'static str, value: &str, least: usize, most: usize) -> Result<String, ActError> {
    let text = value.trim();
    if (least..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    let remedy = Sentence::new(
        format!("write {least} to {most} characters on one line"),
        format!("1 行で {least}～{most} 文字を書いてください"),
    );
    Err(ActError::Invalid { field, value: value.chars().take(most).collect(), remedy })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::assert_japanese;

    #[test]
    fn every_error_says_itself_in_japanese_with_its_values() {
        let unknown = |field| ActError::Unknown { field, id: "019a".to_owned() };
        assert_japanese(&unknown("alert").ja(), &["アラート", "019a"]);
        assert_japanese(&unknown("silence").ja(), &["サイレンス", "019a"]);
        let two_lines = plain("reason", "a\nb", 1, LONGEST_REASON).unwrap_err();
        assert_japanese(&two_lines.ja(), &[r#"reason = "a\nb""#, "1～500 文字"]);
        for (matchers, value) in
            [("", "HighDisk{mount=\"/\"}"), ("HighCPU x", "HighDisk"), ("{a=~\"(\"}", "a"), ("{a}", "a}")]
        {
            let remedy = Selector::parse(matchers).err().filter(|remedy| remedy.en != remedy.ja);
            assert_japanese(&remedy.unwrap().ja, &[value]);
        }
    }
}
