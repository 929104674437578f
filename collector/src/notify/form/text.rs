//! The words of messages, in both languages.

use super::super::{About, Message};
use crate::alert::{Alert, QuietBy, Severity};
use crate::config::Language;
use crate::rules::FIRE_DRILL;

/// One alert, or what else there is to say.
pub(in crate::notify) struct Paragraph<'m> {
    pub(in crate::notify) alert: Option<&'m Alert>,
    pub(in crate::notify) title: String,
    pub(in crate::notify) text: String,
}

/// The message in one line.
pub(in crate::notify) fn headline(message: &Message, language: Language) -> String {
    let is_english = language == Language::En;
    let (firing, resolved) = (message.firing().count(), message.resolved().count());
    match &message.about {
        About::Test if is_english => "[TEST] this receiver works; nothing is wrong".to_owned(),
        About::Test => "【テスト】通知は届いています。異常はありません".to_owned(),
        About::SilenceEnds { author, ends_at } if is_english => {
            format!("[SILENCE ENDS] that of {author} ends at {}; alerts that still fire: {firing}", time(*ends_at))
        }
        About::SilenceEnds { author, ends_at } => {
            format!(
                "【サイレンス終了間近】{author} のサイレンスは {} に終わります。発生中: {firing} 件",
                time(*ends_at)
            )
        }
        About::Alerts => {
            let state = match (is_english, firing, resolved) {
                (true, 0, _) => "[RESOLVED]".to_owned(),
                (true, firing, 0) => format!("[FIRING:{firing}]"),
                (true, firing, resolved) => format!("[FIRING:{firing} RESOLVED:{resolved}]"),
                (false, 0, _) => "【復旧】".to_owned(),
                (false, firing, 0) => format!("【発生中 {firing} 件】"),
                (false, firing, resolved) => format!("【発生中 {firing} 件・復旧 {resolved} 件】"),
            };
            let drill = match message.alerts.iter().any(|alert| alert.rule_name == FIRE_DRILL) {
                true if is_english => "[FIRE DRILL] ",
                true => "【訓練】",
                false => "",
            };
            format!("{drill}{state} {}", name(message, is_english))
        }
    }
}

/// The headline without what breaks a line of a mail's head.
pub(in crate::notify) fn subject(message: &Message, language: Language) -> String {
    short(&headline(message, language).replace(char::is_control, " "), 200)
}

fn name(message: &Message, is_english: bool) -> String {
    let Some(first) = message.alerts.first() else { return String::new() };
    let is_one_rule = message.alerts.iter().all(|alert| alert.rule_name == first.rule_name);
    match (message.alerts.as_slice(), is_one_rule) {
        ([alert], _) => format!("{}: {}", alert.rule_name, words(alert, is_english)),
        (_, true) => first.rule_name.clone(),
        (alerts, false) if is_english => format!("{} alerts, first {}", alerts.len(), first.rule_name),
        (alerts, false) => format!("アラート {} 件（{} ほか）", alerts.len(), first.rule_name),
    }
}

/// At most so many alerts, and how many more there are.
pub(in crate::notify) fn paragraphs(message: &Message, language: Language, most: usize) -> Vec<Paragraph<'_>> {
    let is_english = language == Language::En;
    let count = message.alerts.len();
    let shown = if count > most { most - 1 } else { count };
    let mut paragraphs: Vec<_> = message.alerts[..shown].iter().map(|alert| paragraph(alert, is_english)).collect();
    if shown < count {
        let more = count - shown;
        let title = if is_english { format!("and {more} more") } else { format!("ほか {more} 件") };
        paragraphs.push(Paragraph { alert: None, title, text: String::new() });
    }
    paragraphs
}

fn paragraph(alert: &Alert, is_english: bool) -> Paragraph<'_> {
    let severity = match (is_english, alert.resolved_at.is_some(), alert.severity) {
        (true, true, _) => "resolved",
        (false, true, _) => "復旧",
        (true, false, severity) => severity.name(),
        (false, false, Severity::Critical) => "緊急",
        (false, false, Severity::Warning) => "警告",
        (false, false, Severity::Info) => "情報",
    };
    let mut text = words(alert, is_english).to_owned();
    if let Some(quiet) = alert.quiet.as_ref().filter(|quiet| quiet.why == QuietBy::Flapping) {
        let times = quiet.times.unwrap_or_default();
        text.push_str(&if is_english {
            format!("\nIt comes and goes: it fired {times} times lately. No more is said until it has calmed down.")
        } else {
            format!("\n発生と復旧を繰り返しています（最近 {times} 回）。落ち着くまで通知しません。")
        });
    }
    if let Some(acknowledged) = &alert.acknowledged {
        let by = &acknowledged.by;
        text.push_str(&if is_english { format!("\n{by} looks after it.") } else { format!("\n担当: {by}") });
    }
    let labels: Vec<_> = alert.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let labels = labels.join(", ");
    let fired = time(alert.fired_at);
    text.push_str(&match (alert.resolved_at.map(time), is_english) {
        (None, true) => format!("\n{labels}\nsince {fired}"),
        (None, false) => format!("\n{labels}\n発生: {fired}"),
        (Some(resolved), true) => format!("\n{labels}\nfrom {fired} to {resolved}"),
        (Some(resolved), false) => format!("\n{labels}\n{fired} から {resolved} まで"),
    });
    Paragraph { alert: Some(alert), title: format!("{severity}: {}", alert.rule_name), text }
}

fn words(alert: &Alert, is_english: bool) -> &str {
    if is_english { &alert.message } else { &alert.message_ja }
}

/// In UTC: readers are in any zone.
fn time(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// At most so many characters.
pub(in crate::notify) fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
