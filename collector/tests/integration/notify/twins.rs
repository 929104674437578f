//! Two collectors of one host: one of them tells people, and the other when that one is gone.

use rustix::process::Signal;

use super::receiver::{Receiver, answer};
use super::{Site, journal, rule};
use crate::helpers::{Collector, directory, number, program, until};
use crate::server::Server;

/// A collector's own place, with its rule; both have the same receiver and database.
async fn twin(server: &Server, receiver: &Receiver) -> (Site, Collector) {
    let settings =
        format!("[notify.receivers.hook]\nkind = 'webhook'\nallow_private = true\nurl = '{}'", receiver.url("/"));
    let site = Site::new(&settings, &rule("Both", ""));
    let mut command = program(&[]);
    command.env("DATABASE_URL", &server.url);
    let collector = site.start_as(command, &[]).await;
    (site, collector)
}

/// Whose it is to tell of the alert, by a collector's word.
fn claim(site: &Site) -> Option<String> {
    let groups = journal(site)["dispatch"]["groups"].as_array()?.clone();
    let member = groups.first()?["members"].as_object()?.values().next()?.clone();
    member["claim"].as_str().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_them_tells_of_an_alert_and_the_other_when_that_one_is_gone() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let receiver = Receiver::start(|_, _| answer(200, "", "")).await;
    let twins = [twin(&server, &receiver).await, twin(&server, &receiver).await];
    let told = receiver.hears("Both", "firing").await;
    let claims = async || {
        let claims = [claim(&twins[0].0)?, claim(&twins[1].0)?];
        claims.iter().all(|claim| claim != "open").then_some(claims)
    };
    let claims = until("both know whose it is", claims).await;
    let teller = claims.iter().position(|claim| claim == "own").unwrap();
    assert_eq!(claims.iter().filter(|claim| *claim == "foreign").count(), 1, "{claims:?}");
    assert_eq!(receiver.requests().len(), 1, "{:?}", receiver.requests());
    let mut database = server.database().await;
    let rows = "SELECT count(*) FROM alert_history WHERE rule_name = 'Both'";
    until("it is one row", async || (number(&mut database, rows).await == 1).then_some(())).await;

    let mut twins = twins;
    assert_eq!(twins[teller].1.end(Signal::KILL).await, None);
    // So that nobody has to wait for the end of its claim.
    sqlx::query("UPDATE recipe_monitoring_state.tellers SET until = now() - INTERVAL '1 s'")
        .execute(&mut database)
        .await
        .unwrap();
    let again = receiver.takes(2).await;
    assert_eq!(again.alerts(), [("Both".to_owned(), "firing".to_owned())]);
    assert_ne!(again.header("idempotency-key"), told.header("idempotency-key"));
    let (site, collector) = &mut twins[1 - teller];
    site.set_rules("");
    receiver.hears("Both", "resolved").await;
    until("it is over", async || (number(&mut database, &format!("{rows} AND resolved")).await == 1).then_some(()))
        .await;
    assert_eq!(receiver.requests().len(), 3);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
