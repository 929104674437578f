//! What the overview shows: the panels and their order, and graphs of one's own.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::error::Invalid;
use crate::matchers::{Matchers, metric_name};
use crate::{InJapanese, Labels, Sentence};

/// `[dashboard]`. A viewer's browser may keep another one in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dashboard {
    /// The panels in their order, each with its width in twelfths of the page, such as
    /// `application.7`. What is not named is not shown.
    pub panels: Vec<String>,
    /// Graphs of panels that are not shown, such as `graph-load`.
    pub hidden: Vec<String>,
    /// Graphs of the panel `graphs`.
    pub graphs: Vec<OwnGraph>,
}

/// A graph of any stored series.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnGraph {
    /// What it is called.
    pub title: String,
    /// Its series: `queue_length`, or with labels that they have, `disk_usage{mount="/"}`. At most five lines are drawn.
    pub series: Vec<String>,
    /// What the numbers are: one of [`Dashboard::UNITS`].
    #[serde(default)]
    pub unit: String,
    /// Its width in twelfths of the panel; 0 is 4.
    #[serde(default)]
    pub columns: u8,
}

/// What is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value}: {remedy}")]
pub struct DashboardError {
    key: &'static str,
    value: String,
    remedy: Sentence,
}

impl DashboardError {
    /// A setting with a value that it cannot have.
    pub fn new(key: &'static str, value: impl ToString, remedy: Sentence) -> Self {
        Self { key, value: value.to_string(), remedy }
    }
}

impl InJapanese for DashboardError {
    fn ja(&self) -> String {
        let Self { key, value, remedy } = self;
        format!("{key} = {value}: {}", remedy.ja())
    }
}

impl From<DashboardError> for Invalid {
    fn from(DashboardError { key, value, remedy }: DashboardError) -> Self {
        Self::new(key, value, remedy.en)
    }
}

impl Default for Dashboard {
    fn default() -> Self {
        let panels = ["system.12", "application.7", "business.5", "alerts.12", "database.12", "graphs.12"];
        Self { panels: panels.map(str::to_owned).to_vec(), hidden: Vec::new(), graphs: Vec::new() }
    }
}

impl Dashboard {
    /// The panels there are.
    pub const PANELS: [&str; 6] = ["system", "application", "business", "alerts", "database", "graphs"];
    /// The graphs that can be left out.
    pub const GRAPHS: [&str; 7] = [
        "graph-cpu",
        "graph-memory",
        "graph-network",
        "graph-load",
        "graph-requests",
        "graph-errors",
        "graph-response-time",
    ];
    /// What numbers can be; empty is a number of something.
    pub const UNITS: [&str; 7] = ["", "percent", "bytes", "bytes_per_second", "per_second", "milliseconds", "load"];
    /// Widths of panels and graphs in twelfths.
    pub const COLUMNS: [u8; 7] = [3, 4, 5, 6, 7, 8, 12];
    /// Own graphs at the most: each is a query.
    const MOST_GRAPHS: usize = 24;
    /// Series of one of them.
    const MOST_SERIES: usize = 5;
    /// Characters of a title.
    const TITLE: usize = 80;

    /// Name and width of each panel.
    pub fn places(&self) -> impl Iterator<Item = (&str, u8)> {
        self.panels.iter().filter_map(|place| place_of(place))
    }

    /// What is wrong with it: the field, the value and what would be right.
    ///
    /// # Errors
    ///
    /// That.
    pub fn verify(&self) -> Result<(), DashboardError> {
        let mut names = BTreeSet::new();
        for place in &self.panels {
            let Some((name, _)) = place_of(place) else {
                let panels = Self::PANELS.join(", ");
                let columns = Self::COLUMNS.map(|columns| columns.to_string()).join(", ");
                let remedy = Sentence::new(
                    format!("use the name of a panel ({panels}), a point and its width ({columns} of 12)"),
                    format!("パネル名（{panels}）、ピリオド、幅（12 のうち {columns}）の順に書いてください"),
                );
                return Err(DashboardError::new("dashboard.panels", place, remedy));
            };
            if !names.insert(name) {
                let remedy = Sentence::new("name each panel once", "各パネルは 1 回だけ書いてください");
                return Err(DashboardError::new("dashboard.panels", place, remedy));
            }
        }
        if let Some(id) = self.hidden.iter().find(|id| !Self::GRAPHS.contains(&id.as_str())) {
            let graphs = Self::GRAPHS.join(", ");
            let remedy = Sentence::new(format!("use one of {graphs}"), format!("{graphs} のいずれかにしてください"));
            return Err(DashboardError::new("dashboard.hidden", id, remedy));
        }
        if self.graphs.len() > Self::MOST_GRAPHS {
            let remedy = Sentence::new(
                format!("use at most {}", Self::MOST_GRAPHS),
                format!("{} 個までにしてください", Self::MOST_GRAPHS),
            );
            return Err(DashboardError::new("dashboard.graphs", self.graphs.len(), remedy));
        }
        self.graphs.iter().try_for_each(OwnGraph::check)
    }
}

impl OwnGraph {
    /// Metric and labels of each of its series.
    pub fn wanted(&self) -> impl Iterator<Item = (String, Labels)> {
        self.series.iter().filter_map(|series| series_of(series))
    }

    fn check(&self) -> Result<(), DashboardError> {
        let invalid = |value: &str, en: &str, ja: &str| {
            Err(DashboardError::new("dashboard.graphs", value, Sentence::new(en, ja)))
        };
        let length = self.title.chars().count();
        if self.title.trim().is_empty() || length > Dashboard::TITLE || self.title.chars().any(char::is_control) {
            let remedy = "use 1 to 80 characters on one line as a title";
            return invalid(&self.title, remedy, "タイトルは 1 行で 1～80 文字にしてください");
        }
        if !(1..=Dashboard::MOST_SERIES).contains(&self.series.len()) {
            return invalid(&self.title, "name 1 to 5 series", "系列を 1～5 個指定してください");
        }
        if let Some(series) = self.series.iter().find(|series| series_of(series).is_none()) {
            return invalid(
                series,
                "write a series as queue_length or as disk_usage{mount=\"/\"}",
                "系列は queue_length または disk_usage{mount=\"/\"} のように書いてください",
            );
        }
        if !Dashboard::UNITS.contains(&self.unit.as_str()) {
            let known = Dashboard::UNITS.into_iter().filter(|unit| !unit.is_empty()).collect::<Vec<_>>().join(", ");
            let ja = format!("{known} のいずれか、または空にしてください");
            return invalid(&self.unit, &format!("use one of {known}, or none"), &ja);
        }
        if self.columns != 0 && !Dashboard::COLUMNS.contains(&self.columns) {
            return invalid(
                &self.columns.to_string(),
                "use 3, 4, 5, 6, 7, 8 or 12 columns of 12",
                "12 列のうち 3、4、5、6、7、8、12 列のいずれかにしてください",
            );
        }
        Ok(())
    }
}

fn place_of(place: &str) -> Option<(&str, u8)> {
    let (name, columns) = place.split_once('.')?;
    let columns = columns.parse().ok().filter(|columns| Dashboard::COLUMNS.contains(columns))?;
    Dashboard::PANELS.contains(&name).then_some((name, columns))
}

fn series_of(text: &str) -> Option<(String, Labels)> {
    let (metric, rest) = metric_name(text)?;
    let (matchers, rest) = Matchers::parse(rest).ok()?;
    rest.is_empty().then_some(())?;
    Some((metric.to_owned(), matchers.equal()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_has_every_panel_and_is_valid() {
        let dashboard = Dashboard::default();
        dashboard.verify().unwrap();
        assert_eq!(dashboard.places().map(|(name, _)| name).collect::<Vec<_>>(), Dashboard::PANELS);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_value_and_the_remedy() {
        let graph = |title: &str, series: &str, unit: &str, columns| OwnGraph {
            title: title.to_owned(),
            series: vec![series.to_owned()],
            unit: unit.to_owned(),
            columns,
        };
        let with = |graph| Dashboard { graphs: vec![graph], ..Dashboard::default() };
        let panels = |panels: &[&str]| Dashboard {
            panels: panels.iter().map(|place| (*place).to_owned()).collect(),
            ..Dashboard::default()
        };
        for (dashboard, said) in [
            (panels(&["system"]), "dashboard.panels = system"),
            (panels(&["system.13"]), "system.13"),
            (panels(&["clock.12"]), "clock.12"),
            (panels(&["system.12", "system.6"]), "once"),
            (Dashboard { hidden: vec!["graph-x".to_owned()], ..Dashboard::default() }, "graph-x"),
            (with(graph("", "a", "", 0)), "title"),
            (with(graph("a\nb", "a", "", 0)), "title"),
            (with(graph("a", "a b", "", 0)), "a b"),
            (with(graph("a", "a{b=~\"c\"}", "", 0)), "a{b=~"),
            (with(graph("a", "a", "furlongs", 0)), "furlongs"),
            (with(graph("a", "a", "", 9)), "9"),
            (with(OwnGraph { title: "a".to_owned(), ..OwnGraph::default() }), "1 to 5 series"),
            (Dashboard { graphs: vec![graph("a", "a", "", 0); 25], ..Dashboard::default() }, "at most 24"),
        ] {
            let error = dashboard.verify().unwrap_err();
            assert!(error.to_string().contains(said), "{error} has no {said}");
            crate::sentence::assert_japanese(&error.ja(), &[error.key, &error.value]);
        }
        with(graph("Disk", "disk_usage{mount=\"/\", host='web'}", "percent", 6)).verify().unwrap();
    }
}
