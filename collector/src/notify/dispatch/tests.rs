use super::*;
use crate::alert::{Acknowledged, Quiet, QuietBy};
use crate::config::Notify;

const RECEIVER: &str = "[receivers.team]\nkind = 'slack'\nurl = 'https://a'\n";

/// A receiver, its alerts and the time.
struct Play {
    router: Router,
    dispatch: Dispatch,
    now: Timestamp,
}

impl Play {
    fn new(settings: &str) -> Self {
        let notify: Notify = toml::from_str(settings).unwrap();
        Self { router: Router::new(&notify), dispatch: Dispatch::default(), now: at(0) }
    }

    fn fires(&mut self, alert: &Alert) -> Vec<String> {
        self.dispatch.fires(alert, self.router.ways(alert), self.now, true);
        self.told()
    }

    fn ends(&mut self, alert: &Alert) -> Vec<String> {
        self.dispatch.is_over(&Alert { resolved_at: Some(self.now), ..alert.clone() }, self.now);
        self.told()
    }

    fn after(&mut self, seconds: i64) -> Vec<String> {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        self.told()
    }

    fn change(&mut self, alert: &Alert, quiet: Option<QuietBy>) -> Vec<String> {
        self.dispatch.change(&Alert { quiet: quiet.map(self::quiet), ..alert.clone() });
        self.told()
    }

    /// What the receiver is sent now, and takes: firing ids with `+`, ended ones with `-`.
    fn told(&mut self) -> Vec<String> {
        self.flush();
        let mut told = Vec::new();
        while let Some(message) = self.dispatch.next("team", self.now) {
            told.push(shown(&message));
            self.dispatch.delivered("team", &message.key, self.now);
            self.flush();
        }
        // As it would be after a crash.
        let json = serde_json::to_string(&self.dispatch).unwrap();
        let mut after: Dispatch = serde_json::from_str(&json).unwrap();
        after.go_on(&self.router, &["team".to_owned()], self.now);
        let paces = |dispatch: &Dispatch| dispatch.groups.iter().map(|group| group.pace.clone()).collect::<Vec<_>>();
        assert_eq!(paces(&after), paces(&self.dispatch));
        self.dispatch = after;
        told
    }

    fn flush(&mut self) {
        self.dispatch.flush(self.now, jiff::tz::TimeZone::UTC.to_datetime(self.now));
    }
}

fn at(second: i64) -> Timestamp {
    // Midnight in UTC.
    Timestamp::from_second(1_764_028_800 + second).unwrap()
}

fn quiet(why: QuietBy) -> Quiet {
    Quiet { why, by: String::new(), reason: String::new(), until: None, silence: String::new(), times: None }
}

fn shown(message: &Message) -> String {
    let shown = |alert: &Alert| format!("{}{}", if alert.resolved_at.is_some() { '-' } else { '+' }, alert.id);
    message.alerts.iter().map(shown).collect::<Vec<_>>().join(" ")
}

fn alert(rule: &str, id: &str) -> Alert {
    let labels = vec![("host".to_owned(), id.chars().take(1).collect())];
    Alert { id: id.to_owned(), rule_name: rule.to_owned(), labels, ..Alert::default() }
}

const NOTHING: [&str; 0] = [];

#[test]
fn an_alert_is_told_at_once_again_after_the_repeat_interval_and_when_it_is_over() {
    let mut play = Play::new(RECEIVER);
    let cpu = alert("HighCPU", "a1");
    assert_eq!(play.fires(&cpu), ["+a1"]);
    assert_eq!(play.after(4 * 3_600 - 1), NOTHING);
    assert_eq!(play.after(1), ["+a1"]);
    assert_eq!(play.after(4 * 3_600), ["+a1"]);
    assert_eq!(play.after(300), NOTHING);
    assert_eq!(play.ends(&cpu), ["-a1"]);
    assert_eq!(play.after(86_400), NOTHING);
    assert!(play.dispatch.groups.is_empty());
}

#[test]
fn what_comes_soon_after_waits_for_the_group_interval_and_comes_together() {
    let mut play = Play::new(RECEIVER);
    let [a, b, other] = [alert("HighCPU", "a1"), alert("HighCPU", "b1"), alert("HighDisk", "c1")];
    assert_eq!(play.fires(&a), ["+a1"]);
    assert_eq!(play.fires(&b), NOTHING);
    assert_eq!(play.fires(&other), ["+c1"], "another group");
    assert_eq!(play.ends(&a), NOTHING);
    assert_eq!(play.after(299), NOTHING);
    assert_eq!(play.after(1), ["+b1 -a1"]);
}

#[test]
fn a_group_waits_for_others_as_long_as_it_is_told_to() {
    let mut play = Play::new(&format!("group_wait = '30s'\n{RECEIVER}"));
    assert_eq!(play.fires(&alert("HighCPU", "a1")), NOTHING);
    assert_eq!(play.after(20), NOTHING);
    assert_eq!(play.fires(&alert("HighCPU", "b1")), NOTHING);
    assert_eq!(play.after(10), ["+a1 +b1"]);
}

#[test]
fn what_fired_and_ended_while_a_receiver_was_away_is_told_when_it_is_back() {
    let mut play = Play::new(RECEIVER);
    let cpu = alert("HighCPU", "a1");
    play.dispatch.fires(&cpu, play.router.ways(&cpu), play.now, true);
    play.flush();
    let message = play.dispatch.next("team", play.now).unwrap();
    let day = SignedDuration::from_hours(24);
    let failed = (Sentence::quote("away"), Failure::Later(None));
    assert!(!play.dispatch.failed("team", &message.key, failed, (play.now, 1.0), day));
    assert_eq!(play.dispatch.next("team", play.now), None, "not at once");
    play.dispatch.is_over(&Alert { resolved_at: Some(at(10)), ..cpu.clone() }, at(10));
    play.now = at(20);
    play.flush();
    let again = play.dispatch.next("team", play.now).unwrap();
    assert_eq!((again.key.as_str(), shown(&again), again.attempts), (message.key.as_str(), "+a1".to_owned(), 1));
    assert_eq!(play.told(), ["+a1"]);
    assert_eq!(play.after(300), ["-a1"]);
    assert_eq!(play.dispatch.records()["team"].failing_since, None);
}

#[test]
fn attempts_come_ever_more_slowly_and_end_in_public() {
    let mut play = Play::new(RECEIVER);
    let cpu = alert("HighCPU", "a1");
    play.dispatch.fires(&cpu, play.router.ways(&cpu), play.now, true);
    play.flush();
    let message = play.dispatch.next("team", play.now).unwrap();
    let hour = SignedDuration::from_hours(1);
    let (mut pauses, start) = (Vec::new(), play.now);
    loop {
        let failed = (Sentence::quote("away"), Failure::Later(None));
        if play.dispatch.failed("team", &message.key, failed, (play.now, 1.0), hour) {
            break;
        }
        let next = play.dispatch.groups[0].outgoing.as_ref().unwrap().next_attempt;
        pauses.push(next.duration_since(play.now).as_secs());
        play.now = next;
    }
    assert_eq!(pauses[..10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    assert!(play.now.duration_since(start) >= hour);
    let record = &play.dispatch.records()["team"];
    assert_eq!((record.given_up, record.given_up_at, record.error.as_str()), (1, Some(play.now), "away"));
    // It still fires, so it is told again in a while.
    assert_eq!(play.after(299), NOTHING);
    assert_eq!(play.after(1), ["+a1"]);

    let mut play = Play::new(RECEIVER);
    play.dispatch.fires(&cpu, play.router.ways(&cpu), play.now, true);
    play.flush();
    let message = play.dispatch.next("team", play.now).unwrap();
    assert!(play.dispatch.failed(
        "team",
        &message.key,
        (Sentence::quote("404"), Failure::Never),
        (play.now, 0.0),
        hour
    ));
    assert_eq!(play.dispatch.waiting("team"), 0);
}

#[test]
fn a_receiver_that_says_when_is_left_alone_until_then() {
    let mut play = Play::new(RECEIVER);
    let cpu = alert("HighCPU", "a1");
    play.dispatch.fires(&cpu, play.router.ways(&cpu), play.now, true);
    play.flush();
    let key = play.dispatch.next("team", play.now).unwrap().key;
    let later = Failure::Later(Some(SignedDuration::from_secs(30)));
    play.dispatch.failed("team", &key, (Sentence::quote("429"), later), (play.now, 0.0), SignedDuration::from_hours(1));
    assert_eq!(play.dispatch.next("team", at(29)), None);
    assert!(play.dispatch.next("team", at(30)).is_some());
}

#[test]
fn what_is_quiet_is_not_told_and_what_was_told_is_told_to_be_over() {
    let mut play = Play::new(RECEIVER);
    let cpu = alert("HighCPU", "a1");
    let silenced = Alert { quiet: Some(quiet(QuietBy::Silenced)), ..cpu.clone() };
    assert_eq!(play.fires(&silenced), NOTHING);
    assert_eq!(play.after(5 * 3_600), NOTHING);
    assert_eq!(play.ends(&silenced), NOTHING, "nobody knows of it");
    let again = alert("HighCPU", "a2");
    assert_eq!(play.fires(&again), ["+a2"]);
    assert_eq!(play.change(&again, Some(QuietBy::Inhibited)), NOTHING);
    assert_eq!(play.after(5 * 3_600), NOTHING, "no repeats");
    assert_eq!(play.ends(&again), ["-a2"]);
    let late = Alert { quiet: Some(quiet(QuietBy::Silenced)), ..alert("HighCPU", "a3") };
    assert_eq!(play.fires(&late), NOTHING);
    assert_eq!(play.change(&late, None), ["+a3"], "the silence has ended");
}

#[test]
fn one_that_is_looked_after_is_not_repeated_and_told_to_be_over() {
    let mut play = Play::new(RECEIVER);
    let cpu = alert("HighCPU", "a1");
    assert_eq!(play.fires(&cpu), ["+a1"]);
    let acknowledged = Some(Acknowledged { by: "Mika".to_owned(), at: play.now });
    play.dispatch.change(&Alert { acknowledged, ..cpu.clone() });
    assert_eq!(play.after(9 * 3_600), NOTHING);
    assert_eq!(play.ends(&cpu), ["-a1"]);
}

#[test]
fn one_that_comes_and_goes_is_told_once_and_how_it_ended_when_it_has_calmed_down() {
    let mut play = Play::new(&format!("group_interval = '0s'\n{RECEIVER}"));
    for round in 1..4 {
        let cpu = alert("HighCPU", &format!("a{round}"));
        assert_eq!(play.fires(&cpu), [format!("+a{round}")]);
        assert_eq!(play.ends(&cpu), [format!("-a{round}")]);
    }
    for round in 4..9 {
        let flapping = Alert { quiet: Some(quiet(QuietBy::Flapping)), ..alert("HighCPU", &format!("a{round}")) };
        let told: &[&str] = if round == 4 { &["+a4"] } else { &[] };
        assert_eq!(play.fires(&flapping), told);
        assert_eq!(play.ends(&flapping), NOTHING);
    }
    play.dispatch.calm(|_| true);
    assert_eq!(play.told(), ["-a8"]);
    assert!(play.dispatch.groups.is_empty());
}

#[test]
fn in_quiet_hours_nothing_is_told_and_afterwards_what_still_fires() {
    let route = "[[routes]]\nreceivers = ['team']\nquiet_hours = ['22:00-07:00']";
    let mut play = Play::new(&format!("{RECEIVER}{route}"));
    let [short, long] = [alert("HighCPU", "a1"), alert("HighDisk", "b1")];
    assert_eq!(play.fires(&short), NOTHING);
    assert_eq!(play.fires(&long), NOTHING);
    assert_eq!(play.ends(&short), NOTHING);
    assert_eq!(play.after(7 * 3_600 - 1), NOTHING);
    assert_eq!(play.after(1), ["+b1"]);
    play.after(16 * 3_600);
    assert_eq!(play.ends(&long), NOTHING);
    assert_eq!(play.after(8 * 3_600), ["-b1"]);
}

#[test]
fn alertmanager_is_told_what_there_is_every_minute_whatever_we_think_of_it() {
    let mut play = Play::new("[receivers.team]\nkind = 'alertmanager'\nurl = 'https://a'\n");
    let cpu = alert("HighCPU", "a1");
    assert_eq!(play.fires(&cpu), ["+a1"]);
    play.change(&cpu, Some(QuietBy::Flapping));
    assert_eq!(play.after(59), NOTHING);
    assert_eq!(play.after(1), ["+a1"]);
    assert_eq!(play.ends(&cpu), ["-a1"]);
}

#[test]
fn a_receiver_that_is_gone_takes_its_messages_with_it() {
    let mut play = Play::new(RECEIVER);
    let cpu = alert("HighCPU", "a1");
    play.dispatch.fires(&cpu, play.router.ways(&cpu), play.now, true);
    play.flush();
    let other: Notify = toml::from_str("[receivers.other]\nkind = 'slack'\nurl = 'https://a'").unwrap();
    play.dispatch.go_on(&Router::new(&other), &["other".to_owned()], play.now);
    assert_eq!((play.dispatch.groups.len(), play.dispatch.records().len()), (0, 1));
}

#[test]
fn a_clock_that_is_set_moves_what_waits() {
    let mut play = Play::new(RECEIVER);
    let cpu = alert("HighCPU", "a1");
    assert_eq!(play.fires(&cpu), ["+a1"]);
    let hour = SignedDuration::from_hours(-1);
    play.now = play.now.checked_add(hour).unwrap();
    play.dispatch.shift(hour);
    assert_eq!(play.after(4 * 3_600 - 1), NOTHING);
    assert_eq!(play.after(1), ["+a1"]);
}

#[test]
fn an_alert_that_another_collector_has_claimed_is_not_told_twice_and_taken_over_when_that_is_gone() {
    let mut play = Play::new(RECEIVER);
    let cpu = alert("HighCPU", "a1");
    play.dispatch.fires(&cpu, play.router.ways(&cpu), play.now, false);
    assert_eq!(play.told(), NOTHING, "whose it is is not known");
    assert!(play.dispatch.claimed(|_| Some(false)));
    assert_eq!(play.after(86_400), NOTHING);
    assert!(play.dispatch.claimed(|_| Some(true)));
    assert_eq!(play.told(), ["+a1"]);
    assert!(play.dispatch.claimed(|_| Some(false)));
    assert_eq!(play.ends(&cpu), NOTHING);
    assert!(play.dispatch.groups.is_empty(), "the other one says that it is over");

    play.dispatch.fires(&cpu, play.router.ways(&cpu), play.now, false);
    assert_eq!(play.told(), NOTHING);
    assert_eq!(play.after(1), ["+a1"], "nobody said whose it is");
}

#[test]
fn a_route_that_leads_elsewhere_now_lets_arrive_what_is_on_its_way_and_no_more() {
    let mut play = Play::new(RECEIVER);
    let [cpu, disk] = [alert("HighCPU", "a1"), alert("HighDisk", "b1")];
    assert_eq!(play.fires(&cpu), ["+a1"]);
    play.dispatch.fires(&disk, play.router.ways(&disk), play.now, true);
    play.flush();
    let nobody = format!("{RECEIVER}[[routes]]\nreceivers = []\n");
    play.router = Router::new(&toml::from_str(&nobody).unwrap());
    play.dispatch.go_on(&play.router, &["team".to_owned()], play.now);
    assert_eq!(play.told(), ["+b1"]);
    assert_eq!(play.after(86_400), NOTHING);
    assert!(play.dispatch.groups.is_empty());
}

#[test]
fn what_moves_to_another_receiver_takes_only_itself_along() {
    let by_host = format!("group_by = ['host']\n{RECEIVER}[receivers.mail]\nkind = 'slack'\nurl = 'https://b'\n");
    let mut play = Play::new(&format!("{by_host}[[routes]]\nreceivers = ['team']"));
    let [cpu, disk] = [alert("HighCPU", "a1"), alert("HighDisk", "a2")];
    assert_eq!(play.fires(&cpu), ["+a1"]);
    play.fires(&disk);
    let routes =
        "[[routes]]\nreceivers = ['mail']\nmatchers = '{alertname=\"HighCPU\"}'\n[[routes]]\nreceivers = ['team']";
    play.router = Router::new(&toml::from_str(&format!("{by_host}{routes}")).unwrap());
    play.dispatch.go_on(&play.router, &["mail".to_owned(), "team".to_owned()], play.now);
    for alert in [&cpu, &disk] {
        play.dispatch.goes_on(alert, &play.router, play.now, true);
    }
    play.flush();
    assert_eq!(shown(&play.dispatch.next("mail", play.now).unwrap()), "+a1");
    play.now = play.now.checked_add(SignedDuration::from_mins(5)).unwrap();
    play.flush();
    assert_eq!(shown(&play.dispatch.next("team", play.now).unwrap()), "+a2");
}

#[test]
fn two_routes_to_one_receiver_have_each_its_own_pace() {
    let routes = "[[routes]]\nreceivers = ['team']\nmatchers = '{alertname=\"HighCPU\"}'\n\
                  [[routes]]\nreceivers = ['team']\nquiet_hours = ['00:00-24:00']";
    let mut play = Play::new(&format!("group_by = ['host']\n{RECEIVER}{routes}"));
    assert_eq!(play.fires(&alert("HighDisk", "a2")), NOTHING);
    assert_eq!(play.fires(&alert("HighCPU", "a1")), ["+a1"]);
}

#[test]
fn a_clock_that_ran_ahead_holds_nothing_up_after_a_restart() {
    let mut play = Play::new(RECEIVER);
    assert_eq!(play.fires(&alert("HighCPU", "a1")), ["+a1"]);
    play.now = play.now.checked_sub(SignedDuration::from_hours(24)).unwrap();
    play.dispatch.go_on(&play.router, &["team".to_owned()], play.now);
    assert_eq!(play.fires(&alert("HighCPU", "b1")), NOTHING);
    assert_eq!(play.after(300), ["+a1 +b1"]);
}
