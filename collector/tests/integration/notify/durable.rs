//! Nothing is lost between an alert and its receiver, whoever is away or killed when.

use std::collections::{BTreeMap, BTreeSet};

use rustix::process::Signal;

use super::receiver::{Receiver, Request, answer, refusing};
use super::{Site, journal, rule, said, says};
use crate::helpers::{Collector, directory, number, program, until};
use crate::server::Server;

/// When a collector is killed, one after the other.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Started,
    Fires,
    InJournal,
    Attempted,
}

const MOMENTS: [Moment; 7] = [
    Moment::Fires,
    Moment::InJournal,
    Moment::Attempted,
    Moment::Started,
    Moment::InJournal,
    Moment::Fires,
    Moment::Attempted,
];

async fn start(site: &Site, server: &Server) -> Collector {
    let mut command = program(&[]);
    command.env("DATABASE_URL", &server.url);
    site.start_as(command, &[]).await
}

fn key(request: &Request) -> String {
    request.header("idempotency-key").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_firing_arrives_though_nobody_listened_and_collectors_were_killed_at_any_moment() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let socket = refusing();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    let settings = format!("[notify.receivers.hook]\nkind = 'webhook'\nallow_private = true\nurl = '{url}'");
    let site = Site::new(&settings, "");
    let mut rules = String::new();
    for (number, moment) in MOMENTS.into_iter().enumerate() {
        let name = format!("Rule{number}");
        rules += &rule(&name, "");
        site.set_rules(&rules);
        let mut collector = start(&site, &server).await;
        match moment {
            Moment::Started => {}
            Moment::Fires => drop(says(&collector, "alert", &name).await),
            Moment::InJournal => {
                let is_there = async || journal(&site)["dispatch"].to_string().contains(&name).then_some(());
                until(&format!("{name} is in the journal"), is_there).await;
            }
            Moment::Attempted => {
                let waits = "a message about alerts waits";
                until("all were tried", async || {
                    (said(&collector.log(), waits, "refused").len() > number).then_some(())
                })
                .await;
            }
        }
        assert_eq!(collector.end(Signal::KILL).await, None, "{moment:?}");
    }

    // The first two are never answered, and the collectors are killed meanwhile; the third is killed while it may
    // be hearing an answer.
    let receiver = Receiver::on(socket.listen(64).unwrap(), |number, _| match number {
        1 | 2 => None,
        _ => answer(200, "", ""),
    });
    for killed in 1..=3 {
        let mut collector = start(&site, &server).await;
        receiver.takes(killed).await;
        assert_eq!(collector.end(Signal::KILL).await, None);
    }
    let mut collector = start(&site, &server).await;
    let delivered = async || {
        let answered: BTreeSet<String> =
            receiver.requests()[2..].iter().flat_map(Request::alerts).map(|it| it.0).collect();
        (answered.len() == MOMENTS.len()).then_some(())
    };
    until("all have arrived", delivered).await;
    let nothing_waits = async || {
        let groups = journal(&site)["dispatch"]["groups"].as_array().unwrap().clone();
        groups.iter().all(|group| group["outgoing"].is_null()).then_some(groups.len())
    };
    assert_eq!(until("nothing waits", nothing_waits).await, MOMENTS.len());

    // Of every alert one message, and whatever came twice is known by its key.
    let requests = receiver.requests();
    let mut messages: BTreeMap<String, &Request> = BTreeMap::new();
    for request in &requests {
        assert_eq!(messages.entry(key(request)).or_insert(request).body, request.body);
    }
    let answered: BTreeSet<String> = requests[2..].iter().map(key).collect();
    assert_eq!(answered, messages.keys().cloned().collect());
    assert!(requests.len() > messages.len(), "some came twice, as those that were killed with no answer: {messages:?}");
    let told = messages.values().flat_map(|request| {
        let alerts = request.json()["alerts"].as_array().unwrap().clone();
        alerts.into_iter().map(|alert| alert["fingerprint"].as_str().unwrap().to_owned())
    });
    let mut told: Vec<String> = told.collect();
    told.sort();
    let active = journal(&site)["active"].as_array().unwrap().clone();
    let of_ours = active.iter().filter(|kept| kept["rule"].as_str().unwrap().starts_with("Rule"));
    let mut fired: Vec<String> = of_ours.map(|kept| kept["alert"]["id"].as_str().unwrap().to_owned()).collect();
    fired.sort();
    assert_eq!((told.len(), &told), (MOMENTS.len(), &fired));
    let mut database = server.database().await;
    let rows = "SELECT count(*) FROM alert_history WHERE rule_name LIKE 'Rule_' AND NOT resolved";
    let all = i64::try_from(MOMENTS.len()).unwrap();
    until("each is one row", async || (number(&mut database, rows).await == all).then_some(())).await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
