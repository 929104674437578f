//! Who is told of what.

use rustix::process::Signal;

use super::receiver::{Receiver, answer};
use super::{Site, at_desk, rule};

#[tokio::test(flavor = "multi_thread")]
async fn alerts_go_by_severity_and_category_in_groups_and_nowhere_in_quiet_hours() {
    let receiver = async || Receiver::start(|_, _| answer(200, "", "")).await;
    let (pager, business, all, night) = (receiver().await, receiver().await, receiver().await, receiver().await);
    let receivers = [("pager", &pager), ("business", &business), ("all", &all), ("night", &night)].map(|(name, it)| {
        format!("[notify.receivers.{name}]\nkind = 'webhook'\nallow_private = true\nurl = '{}'\n", it.url("/"))
    });
    let routes = "[[notify.routes]]\nreceivers = ['night']\nquiet_hours = ['00:00-24:00']\ncontinue = true\n\
         [[notify.routes]]\nreceivers = ['pager']\nseverity = ['critical']\ncontinue = true\n\
         [[notify.routes]]\nreceivers = ['business']\ncategory = ['business']\ncontinue = true\n\
         [[notify.routes]]\nreceivers = ['all']\ngroup_by = ['category']\n";
    let rules = [
        rule("A", "severity = 'critical'\ncategory = 'system'"),
        rule("B", "severity = 'warning'\ncategory = 'business'"),
        rule("C", "severity = 'info'\ncategory = 'business'"),
        rule("D", "severity = 'warning'\ncategory = 'system'"),
        rule("E", "severity = 'critical'\ncategory = 'system'\naction = 'log'").replacen("action = 'notify'\n", "", 1),
    ];
    let site = Site::new(&(receivers.concat() + routes), &rules.concat());
    let mut collector = site.start().await;
    for (receiver, alerts) in [(&pager, "A"), (&business, "BC"), (&all, "ABCD")] {
        for alert in alerts.chars() {
            receiver.hears(&alert.to_string(), "firing").await;
        }
    }
    site.set_rules("");
    for (receiver, alerts) in [(&pager, "A"), (&business, "BC"), (&all, "ABCD")] {
        for alert in alerts.chars() {
            receiver.hears(&alert.to_string(), "resolved").await;
        }
    }
    let told = |receiver: &Receiver| {
        let told = receiver.requests().into_iter().map(|request| {
            let names: String = request.alerts().into_iter().map(|(name, _)| name).collect();
            (names, request.json()["groupLabels"].to_string())
        });
        let mut told: Vec<_> = told.collect();
        told.sort();
        told.dedup();
        told
    };
    let told_of = |names: &str, labels: &str| (names.to_owned(), labels.to_owned());
    assert_eq!(told(&pager), [told_of("A", "{\"alertname\":\"A\"}")]);
    let each = [told_of("B", "{\"alertname\":\"B\"}"), told_of("C", "{\"alertname\":\"C\"}")];
    assert_eq!(told(&business), each);
    let groups = [told_of("AD", "{\"category\":\"system\"}"), told_of("BC", "{\"category\":\"business\"}")];
    assert_eq!(told(&all), groups);
    assert!(night.requests().is_empty());
    // What was over before the morning is not told then.
    assert_eq!(at_desk(&collector, "night").await["waiting"], 0);
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}
