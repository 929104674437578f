//! `rules`: whether a file with rules is valid, and what rules would have done.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::PathBuf;

use clap::Subcommand;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, Unit};

use super::progress::Progress;
use super::{print, stores};
use crate::alert::{Action, State, Transition};
use crate::rules::{AlertKey, Engine, PART_UP, Rule, Rules, Scope, Value, companions};
use crate::{Labels, Moment, Settings};

/// Alerts that are printed of one rule; of more there is the number.
const SHOWN: usize = 20;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what is wrong with a file of rules, or list the rules there are with it
    Check {
        /// The file [default: the setting alerts.rules]
        file: Option<PathBuf>,
    },
    /// Run rules over the stored history: when each would have fired, for how long, and how often
    Backtest {
        /// How far back
        #[arg(long, value_name = "TIME", default_value = "30d")]
        since: Span,
        /// The file with the rules [default: the setting alerts.rules]
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

pub(super) async fn run(settings: &Settings, arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let load = |file: Option<PathBuf>| Rules::load(file.as_ref().unwrap_or(&settings.alerts.rules));
    match arguments.command {
        Command::Check { file } => Ok(list(&load(file)?)?),
        Command::Backtest { since, file } => backtest(settings, load(file)?, since).await,
    }
}

fn list(rules: &Rules) -> std::io::Result<()> {
    let rows = rules.iter().map(|rule| {
        [
            rule.name.clone(),
            rule.severity.name().to_owned(),
            match rule.action {
                Action::Log => "log",
                Action::Notify => "notify",
            }
            .to_owned(),
            shown(rule.timing.hold),
            rule.expression.to_string(),
        ]
    });
    let rows: Vec<_> =
        [["rule", "severity", "action", "for", "fires when"].map(str::to_owned)].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    for [name, severity, action, hold, expression] in &rows {
        let [a, b, c, d] = widths;
        print(&format!("{name:a$}  {severity:b$}  {action:c$}  {hold:>d$}  {expression}"))?;
    }
    print(&format!("{} rules, all valid", rules.iter().count()))
}

/// A time of whole seconds, as it is written in a file of rules.
fn shown(time: SignedDuration) -> String {
    format!("{:#}", SignedDuration::from_secs(time.as_secs()))
}

/// A firing.
struct Firing {
    labels: Labels,
    from: Timestamp,
    /// `None` where it still fires at the end.
    to: Option<Timestamp>,
    /// When it began to fire.
    value: Option<f64>,
}

async fn backtest(settings: &Settings, rules: Rules, since: Span) -> Result<(), Box<dyn Error>> {
    let long = since.to_duration(SpanRelativeTo::days_are_24_hours())?;
    let to = Timestamp::now();
    let from = to.checked_sub(long.abs()).unwrap_or(Timestamp::UNIX_EPOCH);
    let metrics: BTreeSet<&str> = rules
        .iter()
        .map(|rule| rule.expression.metric())
        .filter(|metric| *metric != PART_UP)
        .flat_map(|metric| companions(metric).iter().copied().chain([metric]))
        .collect();
    let metrics: Vec<String> = metrics.into_iter().map(str::to_owned).collect();
    let store = stores::open(settings).await?;
    let mut engine = Engine::new(rules, BTreeMap::new());
    let (mut firings, mut samples, mut first) = (BTreeMap::<String, Vec<Firing>>::new(), 0_u64, None);
    let seconds = |at: Timestamp| u64::try_from(at.duration_since(from).as_secs()).unwrap_or(0);
    let mut progress = Progress::start("backtest", Some(seconds(to)));
    let replayed = store
        .replay(&metrics, (from, to), |Moment { at, points }| {
            samples += points.len() as u64;
            first.get_or_insert(at);
            progress.at(seconds(at));
            let values = || points.iter().map(|(metric, labels, value)| Value { metric, labels, value: *value });
            let scope = Scope::of(values());
            for change in engine.evaluate(values(), |metric, labels| scope.speaks_of(metric, labels), at) {
                note(&mut firings, change.key, change.transition, change.state, change.value, at);
            }
        })
        .await;
    drop(progress);
    store.close().await;
    replayed?;
    let Some(first) = first else {
        return Err(format!(
            "there is nothing of these rules' metrics since {from}; the collector has to run for a while"
        )
        .into());
    };
    for rule in engine.rules().iter() {
        say(rule, firings.get(&rule.name).map_or(&[][..], Vec::as_slice), to)?;
    }
    print(&format!("{samples} samples from {} to {}", second(first), second(to)))?;
    Ok(())
}

fn note(
    firings: &mut BTreeMap<String, Vec<Firing>>,
    key: AlertKey,
    transition: Transition,
    state: State,
    value: Option<f64>,
    at: Timestamp,
) {
    let of_rule = firings.entry(key.rule).or_default();
    match transition {
        Transition::Firing => {
            of_rule.push(Firing { labels: key.labels, from: state.fired_at.unwrap_or(at), to: None, value });
        }
        Transition::Resolved => {
            let open = of_rule.iter_mut().rfind(|firing| firing.to.is_none() && firing.labels == key.labels);
            if let Some(firing) = open {
                firing.to = Some(at);
            }
        }
        Transition::Pending | Transition::Dropped => {}
    }
}

fn say(rule: &Rule, firings: &[Firing], now: Timestamp) -> std::io::Result<()> {
    if rule.expression.metric() == PART_UP {
        return print(&format!("{}: not known, for whether parts answered is not stored", rule.name));
    }
    let total: SignedDuration = firings.iter().map(|firing| firing.to.unwrap_or(now).duration_since(firing.from)).sum();
    let times = if firings.len() == 1 { "time" } else { "times" };
    print(&format!("{}: would have fired {} {times}, for {} in all", rule.name, firings.len(), shown(total)))?;
    for firing in firings.iter().take(SHOWN) {
        let long = shown(firing.to.unwrap_or(now).duration_since(firing.from));
        let end = if firing.to.is_some() { "" } else { ", and still does" };
        let said = rule.summary.fill(firing.value, rule.expression.threshold(), &firing.labels);
        print(&format!("  {}  for {long}{end}: {said}", second(firing.from)))?;
    }
    match firings.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => print(&format!("  and {more} times more")),
    }
}

/// To the second.
fn second(at: Timestamp) -> Timestamp {
    at.round(Unit::Second).unwrap_or(at)
}
