//! Moments and spans of time that somebody has marked, a deploy for one: what one is, and what may
//! become one. Where they are kept is the store's.

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};
use serde::{Deserialize, Serialize};

use crate::{InJapanese, Sentence, rfc3339};

/// A marked moment or span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Annotation {
    /// Tells it from all others.
    pub id: String,
    /// The moment, or the beginning of the span.
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
    /// The end of the span, after `at`; `None`: a moment.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// What happened: 1 to 1,000 characters, maybe on several lines.
    pub text: String,
    /// What it is found by: at most 20 of 1 to 50 characters, each once.
    pub tags: Vec<String>,
    /// Who has marked it; empty where that was not said.
    pub created_by: String,
    /// When it was marked.
    #[serde(with = "rfc3339")]
    pub created_at: Timestamp,
}

/// An annotation that was made, changed or removed: the data of the live event `annotation:changed`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnnotationChange {
    /// Its id; `None` where it was several, or where some may have been missed.
    pub id: Option<String>,
    /// When.
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
}

/// What somebody wants to be marked, as it comes in by API, command line or form; only `text` is needed.
///
/// ```
/// let draft: collector::annotation::Draft = serde_json::from_str(r#"{"text":"Deploy 1.4.2","tags":["deploy"]}"#)?;
/// let now = "2026-11-27T06:00:00Z".parse()?;
/// let annotation = draft.check("7", now)?;
/// assert_eq!((annotation.id.as_str(), annotation.at), ("7", now));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Draft {
    /// The same when it is sent again, which then changes nothing: 1 to 200 characters.
    pub id: Option<String>,
    /// RFC 3339 or seconds since 1970; by default now.
    pub at: Option<String>,
    /// The same for the end of a span.
    pub ends_at: Option<String>,
    /// See [`Annotation::text`].
    pub text: String,
    /// See [`Annotation::tags`].
    pub tags: Vec<String>,
    /// Who marks it: at most 100 characters.
    pub created_by: String,
}

/// What of a draft is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} = {value:?} is not valid: {remedy}")]
pub struct DraftError {
    /// Which field.
    pub field: &'static str,
    /// Its value, the beginning of it where it is long.
    pub value: String,
    /// What would be valid.
    pub remedy: Sentence,
}

impl InJapanese for DraftError {
    fn ja(&self) -> String {
        let Self { field, value, remedy } = self;
        format!("{field} = {value:?} は無効です: {}", remedy.ja())
    }
}

const LONGEST_ID: usize = 200;
const LONGEST_TEXT: usize = 1_000;
const LONGEST_TAG: usize = 50;
const MOST_TAGS: usize = 20;
const LONGEST_NAME: usize = 100;
/// What is shown of a value that is refused.
const SHOWN: usize = 100;
/// What is marked may be to come, but not later than so.
const AHEAD: SignedDuration = SignedDuration::from_hours(366 * 24);
/// Second at which 2000 began: a time before it is a mistake in its unit.
const FIRST: i64 = 946_684_800;

impl Draft {
    /// The annotation that it asks for at `now`, with the id `spare` where it has none.
    ///
    /// # Errors
    ///
    /// [`DraftError`] about the first field that is not valid.
    pub fn check(self, spare: &str, now: Timestamp) -> Result<Annotation, DraftError> {
        let id = match self.id {
            Some(id) => plain("id", &id, 1, LONGEST_ID)?,
            None => spare.to_owned(),
        };
        let at = self.at.map(|at| time("at", &at, now)).transpose()?;
        let at = at.unwrap_or_else(|| to_microseconds(now));
        let ends_at = self.ends_at.map(|ends_at| time("ends_at", &ends_at, now)).transpose()?;
        if let Some(early) = ends_at.filter(|ends_at| *ends_at < at) {
            let remedy = Sentence::new(
                format!("name a time after at, which is {at}"),
                format!("at（{at}）より後の時刻を指定してください"),
            );
            return Err(invalid("ends_at", &early.to_string(), remedy));
        }
        let mut tags: Vec<String> = Vec::new();
        for tag in &self.tags {
            let tag = plain("tags", tag, 1, LONGEST_TAG)?;
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        if tags.len() > MOST_TAGS {
            let remedy = Sentence::new(
                format!("use at most {MOST_TAGS}, and not {}", tags.len()),
                format!("{} 個あります。{MOST_TAGS} 個までにしてください", tags.len()),
            );
            return Err(invalid("tags", &tags.join(", "), remedy));
        }
        Ok(Annotation {
            id,
            at,
            // One that ends as it begins is a moment.
            ends_at: ends_at.filter(|ends_at| *ends_at > at),
            text: text(&self.text)?,
            tags,
            created_by: plain("created_by", &self.created_by, 0, LONGEST_NAME)?,
            created_at: to_microseconds(now),
        })
    }
}

/// What PostgreSQL can keep of a time.
fn to_microseconds(at: Timestamp) -> Timestamp {
    at.round(TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Trunc)).unwrap_or(at)
}

fn time(field: &'static str, value: &str, now: Timestamp) -> Result<Timestamp, DraftError> {
    let value = value.trim();
    let seconds = || Timestamp::from_second(value.parse().ok()?).ok();
    let Some(at) = value.parse().ok().or_else(seconds) else {
        let remedy = Sentence::new(
            "use a time such as 2026-11-24T03:00:00Z or 2026-11-24T12:00:00+09:00, or seconds since 1970, or leave it \
             out",
            "2026-11-24T03:00:00Z や 2026-11-24T12:00:00+09:00 のような時刻、または 1970 年からの秒数を書くか、\
             省略してください",
        );
        return Err(invalid(field, value, remedy));
    };
    let latest = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    if at.as_second() < FIRST || at > latest {
        let remedy = Sentence::new(
            format!("it is {at}; use a time since 2000 that is at most a year ahead"),
            format!("これは {at} です。2000 年以降、1 年先までの時刻を指定してください"),
        );
        return Err(invalid(field, value, remedy));
    }
    Ok(to_microseconds(at))
}

/// A text on one line, of some length.
fn plain(field: &'static str, value: &str, least: usize, most: usize) -> Result<String, DraftError> {
    let text = value.trim();
    if (least..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    let remedy = Sentence::new(
        format!("write {least} to {most} characters on one line"),
        format!("1 行で {least}～{most} 文字を書いてください"),
    );
    Err(invalid(field, text, remedy))
}

/// The same on several lines.
fn text(value: &str) -> Result<String, DraftError> {
    let text = value.trim().replace("\r\n", "\n");
    let is_readable = !text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\t'));
    if (1..=LONGEST_TEXT).contains(&text.chars().count()) && is_readable {
        return Ok(text);
    }
    let remedy = Sentence::new(
        format!("write 1 to {LONGEST_TEXT} characters"),
        format!("1～{LONGEST_TEXT} 文字を書いてください"),
    );
    Err(invalid("text", &text, remedy))
}

fn invalid(field: &'static str, value: &str, remedy: Sentence) -> DraftError {
    let mut shown: String = value.chars().take(SHOWN).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    DraftError { field, value: shown, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::assert_japanese;

    fn now() -> Timestamp {
        "2026-11-27T06:00:00.123456789Z".parse().unwrap()
    }

    fn draft() -> Draft {
        Draft { text: "Deploy 1.4.2".to_owned(), ..Draft::default() }
    }

    fn check(change: impl FnOnce(&mut Draft)) -> Result<Annotation, DraftError> {
        let mut draft = draft();
        change(&mut draft);
        draft.check("spare", now())
    }

    #[test]
    fn a_text_alone_marks_this_moment_as_postgresql_can_keep_it() {
        let at = "2026-11-27T06:00:00.123456Z".parse().unwrap();
        let expected = Annotation {
            id: "spare".to_owned(),
            at,
            text: "Deploy 1.4.2".to_owned(),
            created_at: at,
            ..Annotation::default()
        };
        assert_eq!(check(|_| ()).unwrap(), expected);
        let text = serde_json::to_string(&expected).unwrap();
        assert!(
            text.starts_with(r#"{"id":"spare","at":"2026-11-27T06:00:00.123456Z","text":"Deploy 1.4.2","tags":[]"#)
        );
        assert_eq!(serde_json::from_str::<Annotation>(&text).unwrap(), expected);
    }

    #[test]
    fn times_of_any_zone_and_in_seconds_are_taken_and_texts_made_even() {
        let annotation = check(|draft| {
            draft.id = Some(" deploy/1.4.2 ".to_owned());
            draft.at = Some("2026-11-27T14:30:00+09:00".to_owned());
            draft.ends_at = Some("1795758900".to_owned());
            draft.text = " 新しい版\r\n  レシピ検索 \n".to_owned();
            draft.tags = ["deploy", "web", " deploy"].map(str::to_owned).to_vec();
            draft.created_by = "Mika".to_owned();
        });
        let annotation = annotation.unwrap();
        assert_eq!((annotation.id.as_str(), annotation.created_by.as_str()), ("deploy/1.4.2", "Mika"));
        assert_eq!(annotation.at.to_string(), "2026-11-27T05:30:00Z");
        assert_eq!(annotation.ends_at.unwrap().to_string(), "2026-11-27T05:55:00Z");
        assert_eq!(annotation.text, "新しい版\n  レシピ検索");
        assert_eq!(annotation.tags, ["deploy", "web"]);
        // What ends as it begins is a moment.
        let moment = check(|draft| {
            draft.at = Some("2026-11-27T05:30:00Z".to_owned());
            draft.ends_at = draft.at.clone();
        });
        assert_eq!(moment.unwrap().ends_at, None);
    }

    #[test]
    fn lengths_are_counted_in_characters_and_the_longest_are_taken() {
        let annotation = check(|draft| {
            draft.id = Some("あ".repeat(200));
            draft.text = "あ".repeat(1_000);
            draft.tags = (0..20).map(|number| format!("{number:02}{}", "あ".repeat(48))).collect();
            draft.created_by = "あ".repeat(100);
        });
        assert_eq!(annotation.unwrap().tags.len(), 20);
    }

    #[test]
    fn what_is_not_valid_is_refused_by_field_value_and_remedy() {
        type Change = fn(&mut Draft);
        let cases: [(&str, &str, &str, Change); 18] = [
            ("text", "", "write 1 to 1000 characters", |draft| draft.text = " \n ".to_owned()),
            ("text", "aaa", "write 1 to 1000", |draft| draft.text = "a".repeat(1_001)),
            ("text", "a\u{0}b", "write 1 to 1000", |draft| draft.text = "a\u{0}b".to_owned()),
            ("text", "\u{1b}[31m", "write 1 to 1000", |draft| draft.text = "\u{1b}[31m".to_owned()),
            ("tags", "", "write 1 to 50 characters on one line", |draft| draft.tags = vec![String::new()]),
            ("tags", "あああ", "write 1 to 50", |draft| draft.tags = vec!["あ".repeat(51)]),
            ("tags", "a\nb", "write 1 to 50", |draft| draft.tags = vec!["a\nb".to_owned()]),
            ("tags", "0, 1, 2", "use at most 20, and not 21", |draft| {
                draft.tags = (0..21).map(|number| number.to_string()).collect();
            }),
            ("id", "", "write 1 to 200 characters", |draft| draft.id = Some(String::new())),
            ("id", "iii", "write 1 to 200", |draft| draft.id = Some("i".repeat(201))),
            ("created_by", "nnn", "write 0 to 100", |draft| draft.created_by = "n".repeat(101)),
            ("at", "soon", "use a time such as", |draft| draft.at = Some("soon".to_owned())),
            ("at", "", "or leave it out", |draft| draft.at = Some(String::new())),
            ("at", "2026-02-30T00:00:00Z", "use a time such as", |draft| {
                draft.at = Some("2026-02-30T00:00:00Z".to_owned());
            }),
            ("at", "0", "it is 1970-01-01T00:00:00Z; use a time since 2000", |draft| draft.at = Some("0".to_owned())),
            // Milliseconds for seconds.
            ("at", "1795758900000", "or leave it out", |draft| draft.at = Some("1795758900000".to_owned())),
            ("ends_at", "2028-01-01T00:00:00Z", "at most a year ahead", |draft| {
                draft.ends_at = Some("2028-01-01T00:00:00Z".to_owned());
            }),
            (
                "ends_at",
                "2026-11-27T05:59:59Z",
                "name a time after at, which is 2026-11-27T06:00:00.123456Z",
                |draft| {
                    draft.ends_at = Some("2026-11-27T05:59:59Z".to_owned());
                },
            ),
        ];
        for (field, value, remedy, change) in cases {
            let error = check(change).unwrap_err();
            assert_eq!(error.field, field, "{error}");
            assert!(error.value.starts_with(value) && error.value.chars().count() <= SHOWN + 1, "{error}");
            assert!(error.remedy.en.contains(remedy), "{error}");
            assert_japanese(&error.ja(), &[field, &format!("{:?}", error.value)]);
            assert!(error.to_string().starts_with(&format!("{field} = ")), "{error}");
        }
        let unknown = serde_json::from_str::<Draft>(r#"{"text":"a","when":"now"}"#).unwrap_err().to_string();
        assert!(unknown.contains("when") && unknown.contains("created_by"), "{unknown}");
    }
}
