//! The desk of the alerts: receivers, silences, rules and what was.

mod history;
mod receivers;
mod rules;
mod silences;

use std::collections::BTreeMap;

use super::{Reader, Sources, begin, begin_table, end_table, state_word};
use crate::widgets::Html;

/// All of it as it stands.
pub(super) async fn sections(html: &mut Html, reader: &Reader, sources: &Sources) {
    let Sources { desk, archive, .. } = sources;
    let is_history_there = sources.has_history();
    let known = desk.desk().await;
    if let Ok(desk) = &known {
        receivers::section(html, reader, desk);
        silences::section(html, reader, &desk.silences);
        // Not where the page would have to wait for them.
        let lines = match is_history_there {
            true => rules::lines(archive, &desk.rules, reader.now).await,
            false => BTreeMap::new(),
        };
        rules::section(html, reader, &desk.rules, &lines);
    } else {
        html.element("<p class=\"panel-notice\">", reader.own.away, "</p>");
    }
    let names: Vec<String> =
        known.map(|desk| desk.rules.into_iter().map(|rule| rule.name).collect()).unwrap_or_default();
    let archive = Some(archive).filter(|_| is_history_there);
    history::section(html, reader, archive, &names).await;
}
