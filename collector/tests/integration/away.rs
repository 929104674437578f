//! A start while PostgreSQL is away: refused where it was never there, and gone on with where it was.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::helpers::{Collector, directory, outcome, program, until};
use crate::lost::{Ledger, collector_on};
use crate::server::Server;

/// A collector that was used once with a database of its own.
async fn used(directory: &Path, server: &Server) -> (std::path::PathBuf, Ledger) {
    let data_dir = directory.join("own/data");
    std::fs::create_dir(data_dir.parent().unwrap()).unwrap();
    let mut collector = collector_on(&server.url, &data_dir).await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    let mut ledger = Ledger::default();
    ledger.read(&collector.log());
    (data_dir, ledger)
}

/// Waits until it has acknowledged five records more than it said before.
async fn keeps(collector: &Collector) {
    let kept = || collector.log().matches("\"message\":\"kept\"").count();
    let before = kept();
    until("records are kept", async || (kept() >= before + 5).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_used_before_may_come_later() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let (data_dir, mut ledger) = used(directory.path(), &server).await;

    // As after a reboot: it is not there yet.
    server.stop();
    let mut collector = collector_on(&server.url, &data_dir).await;
    assert!(collector.log().contains("starting without PostgreSQL"), "{}", collector.log());
    keeps(&collector).await;
    server.run().await;
    until("saving begins", async || {
        let log = collector.log();
        log.lines().any(|line| line.contains("job done") && line.contains("\"job\":\"save\"")).then_some(())
    })
    .await;
    let log = collector.log();
    assert!(log.contains("saving and the scheduled work begin"), "{log}");
    until("the scheduled work begins", async || {
        collector.log().contains("this collector does the scheduled work").then_some(())
    })
    .await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    ledger.read(&collector.log());

    // It takes connections and says nothing; and the program is ended before it does.
    let paused = server.pause();
    let mut collector = collector_on(&server.url, &data_dir).await;
    keeps(&collector).await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    ledger.read(&collector.log());
    paused.resume();

    let mut collector = collector_on(&server.url, &data_dir).await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    ledger.read(&collector.log());
    ledger.agrees_with(&mut server.database().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_is_refused_also_where_a_database_was_used_before() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let (data_dir, _) = used(directory.path(), &server).await;
    let run = |url: &str| -> Command {
        let mut command = program(&["run", "--set", "redis.enabled=false", "--data-dir"]);
        command.arg(&data_dir).env("DATABASE_URL", url);
        command
    };
    let password = server.url.split([':', '@']).nth(2).unwrap();
    let refused = |url: &str, part: &str| {
        let output = outcome(run(url));
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(part), "{message}");
    };
    refused(&server.url.replace(password, "wrong"), "refuses the log-in");
    server.stop();
    // Another database than the one that was used.
    refused(&server.url.replace("/recipe_db?", "/other?"), "does not answer");
    refused("postgres://recipe_user@no-such-host.invalid/recipe_db", "does not answer");
}
