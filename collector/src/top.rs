//! What was busiest lately: processes, routes and statements. It is kept at hand for the moment in
//! which an alert fires, where nothing may wait, and goes with the newest values into
//! `alert_history.metrics_snapshot`, whose shape is here. How it is read is the sources'.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::{Current, Route, rfc3339};

/// Entries of each list.
pub(crate) const PLACES: usize = 5;
/// Characters of a statement.
pub(crate) const LONGEST_QUERY: usize = 200;

/// A process. Its command line is left out, which may hold secrets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct TopProcess {
    /// Its number.
    pub(crate) pid: u32,
    /// Its name, of which Linux keeps 15 bytes.
    pub(crate) name: String,
    /// CPU over the seconds since the reading before, % of one core.
    pub(crate) cpu_percent: f64,
    /// Memory that it occupies.
    pub(crate) memory_bytes: u64,
}

/// A route of the application over the last minute.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct TopRoute {
    method: String,
    route: String,
    per_second: Option<f64>,
    /// Failed share, %.
    error_rate: Option<f64>,
    p95_ms: Option<f64>,
}

/// A statement that runs, or that was the last in a transaction that is left open.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct TopQuery {
    /// The server's process.
    pub(crate) pid: i32,
    /// The role.
    pub(crate) user: String,
    /// Where.
    pub(crate) database: String,
    /// As `pg_stat_activity` has it, e.g. `active`.
    pub(crate) state: String,
    /// What it waits for, as `Lock:relation`; `None` where it does not wait.
    pub(crate) wait: Option<String>,
    /// Since it began.
    pub(crate) seconds: f64,
    /// Without its literals.
    pub(crate) query: String,
}

/// A statement of which much was run, since the statistics of the server were last reset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct TopStatement {
    /// Without its literals.
    pub(crate) query: String,
    /// How often.
    pub(crate) calls: i64,
    /// How long each time.
    pub(crate) mean_ms: f64,
    /// How long in all.
    pub(crate) total_ms: f64,
}

/// The first of an order, and when that was.
#[derive(Clone, Debug, Serialize)]
struct List<T> {
    #[serde(with = "rfc3339")]
    at: Timestamp,
    top: Vec<T>,
}

/// Every list; `None` before it was first read, and where there is nothing to read.
#[derive(Clone, Debug, Default, Serialize)]
struct Lists {
    #[serde(skip_serializing_if = "Option::is_none")]
    processes_by_cpu: Option<List<TopProcess>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processes_by_memory: Option<List<TopProcess>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    routes: Option<List<TopRoute>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queries: Option<List<TopQuery>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statements: Option<List<TopStatement>>,
}

/// The newest values, with the lists beside them.
#[derive(Serialize)]
struct Moment<'a> {
    #[serde(flatten)]
    current: &'a Current,
    #[serde(flatten)]
    lists: &'a Lists,
}

/// The newest lists. Clones are the same ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Top(Arc<Mutex<Lists>>);

impl Top {
    /// What is kept of a moment with these values.
    pub(crate) fn moment(&self, current: &Current) -> serde_json::Value {
        serde_json::to_value(Moment { current, lists: &self.lists() }).unwrap_or_default()
    }

    /// Takes all processes of the host.
    pub(crate) fn note_processes(&self, mut processes: Vec<TopProcess>, at: Timestamp) {
        processes.sort_by(|one, other| other.cpu_percent.total_cmp(&one.cpu_percent));
        let by_cpu = processes.iter().take(PLACES).cloned().collect();
        processes.sort_by_key(|process| std::cmp::Reverse(process.memory_bytes));
        processes.truncate(PLACES);
        let mut lists = self.lists();
        lists.processes_by_cpu = Some(List { at, top: by_cpu });
        lists.processes_by_memory = Some(List { at, top: processes });
    }

    /// Takes the busiest routes.
    pub(crate) fn note_routes(&self, routes: Vec<Route>, at: Timestamp) {
        let top = routes.into_iter().map(|Route { method, route, requests }| TopRoute {
            method,
            route,
            per_second: requests.per_second,
            error_rate: requests.error_rate,
            p95_ms: requests.p95_ms,
        });
        self.lists().routes = Some(List { at, top: top.collect() });
    }

    /// Takes what runs in PostgreSQL, the oldest first.
    pub(crate) fn note_queries(&self, top: Vec<TopQuery>, at: Timestamp) {
        self.lists().queries = Some(List { at, top });
    }

    /// Takes what ran there most; `None` where that is not counted.
    pub(crate) fn note_statements(&self, top: Option<Vec<TopStatement>>, at: Timestamp) {
        self.lists().statements = top.map(|top| List { at, top });
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Requests, System};

    fn process(pid: u32, cpu_percent: f64, memory_bytes: u64) -> TopProcess {
        TopProcess { pid, name: format!("p{pid}"), cpu_percent, memory_bytes }
    }

    #[test]
    fn a_moment_has_the_values_and_of_each_list_the_first_five_with_their_time() {
        let (top, at) = (Top::default(), Timestamp::UNIX_EPOCH);
        let current =
            Current { system: Some(System { cpu_usage: Some(97.0), ..System::default() }), ..Current::default() };
        let moment = top.moment(&current);
        assert_eq!(moment["system"]["cpu_usage"], json!(97.0));
        assert!(moment.get("processes_by_cpu").is_none() && moment["application"].is_null());

        top.note_processes((1..=9).map(|n| process(n, f64::from(n), 100 - u64::from(n))).collect(), at);
        let requests = Requests { per_second: Some(12.5), p95_ms: Some(80.0), ..Requests::default() };
        top.note_routes(vec![Route { method: "GET".into(), route: "/recipes/{id}".into(), requests }], at);
        top.note_statements(None, at);
        let moment = top.moment(&current);
        let pids = |list: &str| -> Vec<u64> {
            moment[list]["top"].as_array().unwrap().iter().map(|process| process["pid"].as_u64().unwrap()).collect()
        };
        assert_eq!((pids("processes_by_cpu"), pids("processes_by_memory")), (vec![9, 8, 7, 6, 5], vec![1, 2, 3, 4, 5]));
        assert_eq!(
            moment["routes"],
            json!({ "at": "1970-01-01T00:00:00Z", "top": [{
                "method": "GET", "route": "/recipes/{id}", "per_second": 12.5, "error_rate": null, "p95_ms": 80.0,
            }] })
        );
        assert!(moment.get("statements").is_none());
    }
}
