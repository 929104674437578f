//! Alerts of the past, by rule, severity and time.

use collector::alert::{Alert, Severity};
use collector::{AlertQuery, Archive};
use jiff::SignedDuration;

use super::{Reader, begin};
use crate::widgets::Html;

/// Alerts that are shown.
const MOST: u16 = 100;

/// What of the history is asked for by the page's address: `?rule=HighCPU&severity=critical&days=7`.
struct Filter {
    rule: String,
    severity: Option<Severity>,
    days: i64,
}

impl Filter {
    fn of(search: &str) -> Self {
        let value = |name: &str| {
            let pairs = search.trim_start_matches('?').split('&').filter_map(|pair| pair.split_once('='));
            let value = pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.replace('+', " "));
            let value = value.unwrap_or_default();
            percent_encoding::percent_decode_str(&value).decode_utf8_lossy().replace('\0', "")
        };
        let severity = Severity::of_name(&value("severity"));
        Self { rule: value("rule"), severity, days: value("days").parse().unwrap_or(30) }
    }
}

pub(super) async fn section(html: &mut Html, reader: &Reader, archive: Option<&Archive>, rules: &[String]) {
    let filter = Filter::of(&reader.search);
    let from = (filter.days > 0).then(|| SignedDuration::from_hours(24 * filter.days.min(36_500)));
    let query = AlertQuery {
        from: from.and_then(|span| reader.now.checked_sub(span).ok()),
        to: None,
        rule_name: Some(filter.rule.clone()).filter(|rule| !rule.is_empty()),
        severity: filter.severity,
        limit: MOST,
    };
    begin(html, "alert-history-title", reader.own.history);
    form(html, reader, rules, &filter);
    let alerts = match archive {
        Some(archive) => archive.alerts(&query).await.ok(),
        None => None,
    };
    match alerts {
        Some(alerts) => {
            let names =
                [reader.own.rule, reader.own.severity_name, reader.own.message, reader.own.from, reader.own.duration]
                    .map(str::to_owned);
            let rows: Vec<_> = alerts.iter().map(|alert| row(reader, alert)).collect();
            let name = reader.own.history;
            html.element(
                "<div class=\"scroll alert-history\" tabindex=\"0\" role=\"group\" aria-label=\"",
                name,
                "\">",
            );
            let is_whole = query.rule_name.is_none() && query.severity.is_none() && query.from.is_none();
            let none = if is_whole { reader.own.history_none } else { reader.own.nothing_found };
            html.table("rule", &names, &rows, none).mark("</div>");
        }
        None => drop(html.element("<p class=\"table-none\">", reader.own.history_unknown, "</p>")),
    }
    html.mark("</section>");
}

fn row(reader: &Reader, alert: &Alert) -> Vec<String> {
    let own = &reader.words.alerts;
    let seconds =
        |end: jiff::Timestamp| u64::try_from(end.duration_since(alert.fired_at).as_secs()).unwrap_or(0).max(1);
    let lasted = alert.resolved_at.map(|end| (reader.words.duration)(seconds(end)));
    vec![
        alert.rule_name.clone(),
        (own.severity)(alert.severity).to_owned(),
        reader.message(alert).to_owned(),
        reader.moment(alert.fired_at),
        lasted.unwrap_or_else(|| reader.own.still.to_owned()),
    ]
}

fn form(html: &mut Html, reader: &Reader, rules: &[String], filter: &Filter) {
    let own = &reader.words.alerts;
    html.mark("<form class=\"act\" action=\"alerts\"><label>").text(reader.own.rule).mark("<select name=\"rule\">");
    option(html, "", reader.own.any, filter.rule.is_empty());
    // One of a rule that is gone has its history, too.
    let gone = Some(&filter.rule).filter(|rule| !rule.is_empty() && !rules.contains(rule));
    for rule in rules.iter().chain(gone) {
        option(html, rule, rule, *rule == filter.rule);
    }
    html.mark("</select></label><label>").text(reader.own.severity_name).mark("<select name=\"severity\">");
    option(html, "", reader.own.any, filter.severity.is_none());
    for severity in Severity::ALL {
        option(html, severity.name(), (own.severity)(severity), filter.severity == Some(severity));
    }
    html.mark("</select></label><label>").text(reader.own.span).mark("<select name=\"days\">");
    for (days, name) in reader.own.spans {
        option(html, days, name, days == filter.days.to_string());
    }
    html.element("</select></label><button class=\"button\">", reader.own.filter, "</button></form>");
}

fn option(html: &mut Html, value: &str, name: &str, is_chosen: bool) {
    html.element("<option value=\"", value, "\"");
    html.mark(if is_chosen { " selected>" } else { ">" }).text(name).mark("</option>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_what_of_the_history_is_meant() {
        let filter = Filter::of("?rule=%E9%AB%98&severity=critical&days=7");
        assert_eq!((filter.rule.as_str(), filter.severity, filter.days), ("高", Some(Severity::Critical), 7));
        let filter = Filter::of("?range=1h&severity=bad&days=x");
        assert_eq!((filter.rule.as_str(), filter.severity, filter.days), ("", None, 30));
    }
}
