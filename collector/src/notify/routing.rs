//! Which alerts go to whom, in which groups and how often.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::Labels;
use crate::alert::Alert;
use crate::config::{Notify, QuietHours, ReceiverKind, Route};
use crate::matchers::Matchers;

/// Between two messages about the same alerts to Alertmanager, as Prometheus sends them again:
/// <https://github.com/prometheus/prometheus/blob/v2.42.0/cmd/prometheus/main.go>, `rules.alert.resend-delay`.
const RESEND: SignedDuration = SignedDuration::from_mins(1);

/// How often a group is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pace {
    pub(crate) wait: SignedDuration,
    pub(crate) interval: SignedDuration,
    pub(crate) repeat: SignedDuration,
    pub(crate) quiet_hours: Vec<QuietHours>,
    pub(crate) send_resolved: bool,
    /// It is Alertmanager, which is told what there is, again and again, and makes up its own mind.
    pub(crate) mirrors: bool,
}

impl Pace {
    /// Whether nothing is told now.
    pub(crate) fn is_quiet(&self, local: DateTime) -> bool {
        self.quiet_hours.iter().any(|hours| hours.contain(local))
    }
}

/// Where an alert goes: to this receiver, with those that agree with it in these labels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Way {
    pub(crate) receiver: String,
    /// The place of the route among them; `None` for what goes to everybody.
    pub(crate) route: Option<usize>,
    pub(crate) group: Labels,
    pub(crate) pace: Pace,
}

/// The routes.
#[derive(Debug)]
pub(crate) struct Router {
    notify: Notify,
    /// With their matchers.
    routes: Vec<(Route, Matchers)>,
}

impl Router {
    pub(crate) fn new(notify: &Notify) -> Self {
        let all = Route { receivers: notify.receivers.keys().cloned().collect(), ..Route::default() };
        let routes = if notify.routes.is_empty() { vec![all] } else { notify.routes.clone() };
        // They were checked with the settings.
        let read = |route: Route| {
            let matchers = Matchers::parse(&route.matchers).map(|(matchers, _)| matchers).unwrap_or_default();
            (route, matchers)
        };
        Self { notify: notify.clone(), routes: routes.into_iter().map(read).collect() }
    }

    /// Whether there is anybody to tell.
    pub(crate) fn has_receivers(&self) -> bool {
        !self.notify.receivers.is_empty()
    }

    /// Where an alert goes, each receiver once.
    pub(crate) fn ways(&self, alert: &Alert) -> Vec<Way> {
        let facts = facts(alert);
        let mut ways: Vec<Way> = Vec::new();
        for (place, (route, matchers)) in self.routes.iter().enumerate() {
            let is_meant = (route.severity.is_empty() || route.severity.contains(&alert.severity))
                && (route.category.is_empty() || route.category.contains(&alert.category))
                && matchers.select(&facts);
            if !is_meant {
                continue;
            }
            for name in &route.receivers {
                if !ways.iter().any(|way| way.receiver == *name) {
                    ways.extend(self.way(name, Some((place, route)), &facts));
                }
            }
            if !route.goes_on {
                break;
            }
        }
        ways
    }

    /// The way of a fire drill, which goes to everybody whatever the routes say.
    pub(crate) fn every_way(&self, alert: &Alert) -> Vec<Way> {
        let facts = facts(alert);
        self.notify.receivers.keys().filter_map(|name| self.way(name, None, &facts)).collect()
    }

    fn way(&self, receiver: &str, route: Option<(usize, &Route)>, facts: &Labels) -> Option<Way> {
        let (place, route) = route.unzip();
        let settings = self.notify.receivers.get(receiver)?;
        let time = |own: Option<Duration>, general: Duration| {
            SignedDuration::try_from(own.unwrap_or(general)).unwrap_or(SignedDuration::MAX)
        };
        let group_by = route.and_then(|route| route.group_by.as_ref()).unwrap_or(&self.notify.group_by);
        let group = group_by.iter().filter_map(|label| Some((label.clone(), facts.get(label)?.clone()))).collect();
        let mut pace = Pace {
            wait: time(route.and_then(|route| route.group_wait), self.notify.group_wait),
            interval: time(route.and_then(|route| route.group_interval), self.notify.group_interval),
            repeat: time(route.and_then(|route| route.repeat_interval), self.notify.repeat_interval),
            quiet_hours: route.map(|route| route.quiet_hours.clone()).unwrap_or_default(),
            send_resolved: settings.send_resolved,
            mirrors: settings.kind == ReceiverKind::Alertmanager,
        };
        if pace.mirrors {
            // It groups and repeats itself, and forgets what it is not told of.
            pace = Pace { wait: SignedDuration::ZERO, interval: SignedDuration::ZERO, repeat: RESEND, ..pace };
        }
        Some(Way { receiver: receiver.to_owned(), route: place, group, pace })
    }
}

/// The labels by which alerts are matched and grouped: those of the series, and what Prometheus adds.
pub(crate) fn facts(alert: &Alert) -> Labels {
    let mut facts: Labels = alert.labels.iter().cloned().collect();
    facts.insert("alertname".to_owned(), alert.rule_name.clone());
    facts.insert("severity".to_owned(), alert.severity.name().to_owned());
    facts.insert("category".to_owned(), alert.category.clone());
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Severity;

    const RECEIVERS: &str = "[receivers.slack]\nkind = 'slack'\nurl = 'https://a'\n\
                             [receivers.mail]\nkind = 'alertmanager'\nurl = 'https://b'\n";

    fn alert(severity: Severity, host: &str) -> Alert {
        let labels = vec![("host".to_owned(), host.to_owned())];
        Alert { rule_name: "HighCPU".to_owned(), category: "system".to_owned(), severity, labels, ..Alert::default() }
    }

    fn receivers(routes: &str, alert: &Alert) -> Vec<String> {
        let notify: Notify = toml::from_str(&format!("{RECEIVERS}{routes}")).unwrap();
        Router::new(&notify).ways(alert).into_iter().map(|way| way.receiver).collect()
    }

    #[test]
    fn the_first_route_that_matches_has_the_alert_and_continue_lets_others_have_it_too() {
        let (warning, critical) = (alert(Severity::Warning, "web"), alert(Severity::Critical, "web"));
        let by_severity = "[[routes]]\nreceivers = ['slack']\nseverity = ['critical']\n";
        let rest = "[[routes]]\nreceivers = ['mail', 'slack']\n";
        assert_eq!(receivers("", &warning), ["mail", "slack"]);
        assert_eq!(receivers(by_severity, &warning), [""; 0]);
        assert_eq!(receivers(&format!("{by_severity}{rest}"), &critical), ["slack"]);
        assert_eq!(receivers(&format!("{by_severity}continue = true\n{rest}"), &critical), ["slack", "mail"]);
        let matchers = "[[routes]]\nreceivers = ['mail']\nmatchers = '{host=~\"d.*\",alertname=\"HighCPU\"}'\ncategory = ['system']";
        assert_eq!(receivers(matchers, &alert(Severity::Info, "db")), ["mail"]);
        assert_eq!(receivers(matchers, &warning), [""; 0]);
    }

    #[test]
    fn a_group_has_what_its_alerts_agree_in_and_the_pace_of_its_route() {
        let routes = "[[routes]]\nreceivers = ['slack', 'mail']\ngroup_by = ['host', 'nothing']\ngroup_wait = '30s'";
        let notify: Notify = toml::from_str(&format!("{RECEIVERS}{routes}")).unwrap();
        let ways = Router::new(&notify).ways(&alert(Severity::Warning, "web"));
        assert_eq!(ways[0].group, [("host".to_owned(), "web".to_owned())].into());
        assert_eq!(ways[0].pace.wait, SignedDuration::from_secs(30));
        assert_eq!(ways[0].pace.repeat, SignedDuration::from_hours(4));
        assert_eq!((ways[1].pace.wait, ways[1].pace.repeat), (SignedDuration::ZERO, RESEND));
    }
}
