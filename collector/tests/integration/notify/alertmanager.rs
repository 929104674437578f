//! Beside a real Alertmanager: it has our alerts as long as they fire, and its webhooks are what ours are.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener as StdListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::receiver::{Receiver, answer};
use super::{Site, journal, rule};
use crate::helpers::{PATIENCE, number, until};

/// An Alertmanager that ends with the test.
struct Alertmanager {
    child: Option<Child>,
    address: String,
    directory: PathBuf,
}

impl Alertmanager {
    /// One that tells `hook` of all that it is told.
    fn start(directory: &Path, hook: &str) -> Self {
        let config = format!(
            "route: {{receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s}}\n\
             receivers: [{{name: hook, webhook_configs: [{{url: '{hook}', send_resolved: true}}]}}]\n"
        );
        fs::write(directory.join("alertmanager.yml"), config).unwrap();
        let address = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut alertmanager = Self { child: None, address, directory: directory.to_owned() };
        alertmanager.run();
        alertmanager
    }

    fn run(&mut self) {
        let log = fs::File::create(self.directory.join("alertmanager.log")).unwrap();
        let child = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", self.directory.join("alertmanager.yml").display()))
            .arg(format!("--storage.path={}", self.directory.join("alertmanager").display()))
            .arg(format!("--web.listen-address={}", self.address))
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("alertmanager cannot be started: {error}; scripts/setup.sh test installs it")
            });
        self.child = Some(child);
    }

    /// All of them are gone then, as they are in memory.
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Those that are not over; `None` while it does not answer.
    async fn alerts(&self) -> Option<Vec<Value>> {
        let mut stream = TcpStream::connect(&self.address).await.ok()?;
        let request = format!("GET /api/v2/alerts HTTP/1.0\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    async fn alert(&self, what: &str) -> Value {
        until(what, async || self.alerts().await.filter(|alerts| alerts.len() == 1)).await.remove(0)
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        self.kill();
    }
}

fn at(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// The names in an object, and of which type each is.
fn shape(object: &Value) -> BTreeMap<String, String> {
    let kind = |value: &Value| match value {
        Value::String(_) => "text",
        Value::Number(_) => "number",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
        _ => "other",
    };
    object.as_object().unwrap().iter().map(|(name, value)| (name.clone(), kind(value).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn alertmanager_has_an_alert_while_it_fires_gets_it_again_and_hears_of_its_end() {
    let (theirs, ours) =
        (Receiver::start(|_, _| answer(200, "", "")).await, Receiver::start(|_, _| answer(200, "", "")).await);
    let directory = crate::helpers::directory();
    let mut alertmanager = Alertmanager::start(directory.path(), &theirs.url("/"));
    until("it answers", async || alertmanager.alerts().await).await;
    let settings = format!(
        "dashboard_url = 'https://monitoring.example.com/'\n\
         [notify.receivers.am]\nkind = 'alertmanager'\nurl = 'http://{}'\nallow_private = true\n\
         [notify.receivers.hook]\nkind = 'webhook'\nurl = '{}'\nallow_private = true\n",
        alertmanager.address,
        ours.url("/")
    );
    let words = "severity = 'critical'\ncategory = 'system'\nsummary = 'Load'\nsummary_ja = '負荷'\n\
                 runbook_url = 'https://example.com/runbook'";
    let site = Site::new(&settings, &rule("Always", words));
    let mut collector = site.start().await;
    let alert = alertmanager.alert("the alert is there").await;
    let known = journal(&site)["active"][0]["alert"].clone();
    let labels = serde_json::json!({
        "alertname": "Always", "severity": "critical", "category": "system", "host": known["labels"]["host"],
    });
    assert!(known["labels"]["host"].is_string() && alert["labels"] == labels, "{alert}");
    let annotations =
        serde_json::json!({ "summary": "Load", "summary_ja": "負荷", "runbook_url": "https://example.com/runbook" });
    assert_eq!(alert["annotations"], annotations);
    assert_eq!(at(&alert["startsAt"]), at(&known["fired_at"]));
    assert_eq!(alert["generatorURL"], "https://monitoring.example.com/alerts");
    // What it is not told of for four minutes is over.
    let life = at(&alert["endsAt"]).duration_since(at(&alert["updatedAt"])).as_secs();
    assert!((230..=240).contains(&life), "{life}");

    // Told again a minute later, though nothing is new; also to one that has forgotten everything.
    let told = theirs.hears("Always", "firing").await;
    alertmanager.kill();
    alertmanager.run();
    let again = async || {
        // As long as it may take twice, as the minute is as long as our patience.
        tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(alert) = alertmanager.alerts().await.and_then(|mut alerts| alerts.pop()) {
                    break alert;
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        })
        .await
        .ok()
    };
    let first = again().await;
    let again = if let Some(alert) = first { alert } else { again().await.unwrap() };
    assert_eq!((&again["startsAt"], &again["fingerprint"]), (&alert["startsAt"], &alert["fingerprint"]));

    site.set_rules("");
    until("it is over there", async || alertmanager.alerts().await.filter(Vec::is_empty)).await;
    let over = theirs.hears("Always", "resolved").await;
    let mut database = collector.database().await;
    let row = format!(
        "SELECT count(*) FROM alert_history WHERE rule_name = 'Always' AND resolved_at = '{}' AND timestamp = '{}'",
        over.json()["alerts"][0]["endsAt"].as_str().unwrap(),
        over.json()["alerts"][0]["startsAt"].as_str().unwrap()
    );
    until("with the times of the history", async || (number(&mut database, &row).await == 1).then_some(())).await;

    // Whatever takes Alertmanager's webhooks takes ours.
    let (our_end, our_begin) = (ours.hears("Always", "resolved").await, ours.hears("Always", "firing").await);
    for (their, our) in [(told, our_begin), (over, our_end)] {
        let (their, our) = (their.json(), our.json());
        for (their, our) in [(&their, &our), (&their["alerts"][0], &our["alerts"][0])] {
            let (their, our) = (shape(their), shape(our));
            let missing: Vec<_> = their.iter().filter(|(name, kind)| our.get(*name) != Some(kind)).collect();
            assert!(missing.is_empty(), "{missing:?} {our:?}");
        }
        for name in ["version", "status"] {
            assert_eq!(their[name], our[name]);
        }
        for name in ["labels", "annotations", "status", "startsAt"] {
            assert_eq!(their["alerts"][0][name], our["alerts"][0][name], "{name}");
        }
        assert_eq!((&their["groupLabels"], &their["commonLabels"]), (&our["groupLabels"], &our["commonLabels"]));
    }
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
