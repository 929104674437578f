//! Rows of `alert_history`, from records that come late, twice, or from two collectors.

use std::time::Duration;

use collector::alert::{Alert, AlertRecord, Severity};
use collector::config::Database;
use collector::schedule::Saving;
use collector::{AlertQuery, Buffer, Instruments, Record, Store};
use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;

use crate::helpers::directory;
use crate::server::Server;

/// A collector's way into the table.
struct Writer {
    buffer: Buffer,
    saving: Saving,
    store: Store,
}

impl Writer {
    async fn new(server: &Server, spool: &std::path::Path) -> Self {
        let settings = Database { pool_min: 0, connect_timeout: Duration::from_secs(5), ..Database::default() };
        let store = Store::open(&server.url, &settings).await.unwrap();
        let instruments = Instruments::register(&mut Registry::default());
        let buffer = Buffer::open(spool, 1 << 30, 10_000, instruments.clone()).unwrap();
        let saving = Saving::new(store.clone(), buffer.clone(), "web", instruments);
        Self { buffer, saving, store }
    }

    async fn write(&self, alerts: &[&Alert]) {
        for alert in alerts {
            let record = AlertRecord { alert: (*alert).clone(), snapshot: serde_json::Value::Null };
            let seq = self.buffer.push(Record::Alert(Box::new(record)));
            self.buffer.kept(seq).await;
        }
        self.saving.clone().perform().await.unwrap();
    }

    /// Beginning and end of each firing, in minutes, in the order of time.
    async fn rows(&self) -> Vec<(i64, Option<i64>)> {
        let query = AlertQuery { limit: 100, ..AlertQuery::default() };
        let minute = |at: Timestamp| at.duration_since(start()).as_mins();
        let mut alerts = self.store.alerts(&query).await.unwrap();
        alerts.reverse();
        alerts.iter().map(|alert| (minute(alert.fired_at), alert.resolved_at.map(minute))).collect()
    }
}

fn start() -> Timestamp {
    // Within the retention, and the same minute in the whole test.
    static START: std::sync::OnceLock<Timestamp> = std::sync::OnceLock::new();
    *START.get_or_init(|| Timestamp::from_second(Timestamp::now().as_second() - 7_200).unwrap())
}

fn at(minute: i64) -> Timestamp {
    start().checked_add(SignedDuration::from_mins(minute)).unwrap()
}

fn alert(id: &str, fired: i64, resolved: Option<i64>) -> Alert {
    Alert {
        id: id.to_owned(),
        rule_name: "HighCPU".to_owned(),
        severity: Severity::Warning,
        category: "system".to_owned(),
        labels: vec![("host".to_owned(), "web".to_owned())],
        active_at: at(fired),
        fired_at: at(fired),
        resolved_at: resolved.map(at),
        ..Alert::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_again_or_by_two_is_one_row_and_an_old_end_ends_nothing_new() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let writer = Writer::new(&server, &directory.path().join("spool")).await;
    let [fires, ends, again] = [alert("a", 0, None), alert("a", 0, Some(5)), alert("b", 10, None)];
    writer.write(&[&fires, &fires, &ends, &again]).await;
    assert_eq!(writer.rows().await, [(0, Some(5)), (10, None)]);
    // As after a crash.
    writer.write(&[&fires, &ends]).await;
    assert_eq!(writer.rows().await, [(0, Some(5)), (10, None)]);
    // Another collector of the same host saw the second one, too, and its end first.
    let other = Writer::new(&server, &directory.path().join("other")).await;
    other.write(&[&alert("c", 11, None), &alert("c", 11, Some(20))]).await;
    assert_eq!(writer.rows().await, [(0, Some(5)), (10, Some(20))]);
    writer.write(&[&alert("b", 10, Some(21))]).await;
    assert_eq!(writer.rows().await, [(0, Some(5)), (10, Some(20))]);
}
