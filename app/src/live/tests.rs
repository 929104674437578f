//! How the store takes in snapshots and events.

use collector::annotation::AnnotationChange;
use collector::{Hello, History, Requests};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::new(second, 0).unwrap()
}

fn reading(second: i64) -> System {
    System { at: at(second), cpu_usage: Some(1.0), ..System::default() }
}

fn event(seq: u64, second: i64) -> LiveEvent {
    LiveEvent { seq, at: at(second), payload: Payload::System(Box::new(reading(second))) }
}

fn snapshot(seq: u64, seconds: std::ops::Range<i64>) -> Snapshot {
    let mut history = History::new(SPAN_SECONDS);
    seconds.clone().for_each(|second| history.insert(GraphPoint::from(&reading(second))));
    Snapshot {
        at: at(seconds.end),
        seq,
        push_seconds: 1.0,
        system: seconds.last().map(reading),
        history,
        look: String::new(),
        past: None,
        application: None,
        application_history: History::new(3_600),
        application_past: None,
        compared: None,
        application_compared: None,
        marks: Marks::default(),
        business: None,
        alerts: Vec::new(),
        alert_past: None,
        drawn: String::new(),
        health: Health::of(Vec::new()),
    }
}

fn with_store(test: impl FnOnce(LiveStore)) {
    Owner::new().with(|| test(LiveStore::new(Signal::stored(Look::default()), Locale::En)));
}

#[test]
fn events_in_a_row_need_nothing_and_a_jump_needs_a_snapshot() {
    with_store(|store| {
        store.seed(&snapshot(10, 0..10));
        assert_eq!(store.apply(event(11, 10)), Next::Nothing);
        assert_eq!(store.apply(event(11, 10)), Next::Nothing);
        assert_eq!(store.apply(event(14, 13)), Next::Snapshot);
        store.seed(&snapshot(15, 0..15));
        assert_eq!(store.seq(), 15);
        assert_eq!(store.past(Subject::Host).with_recent(|history| history.points().len()), 15);
    });
}

#[test]
fn an_annotation_needs_a_snapshot_soon_and_is_no_news_of_alerts() {
    with_store(|store| {
        store.seed(&snapshot(10, 0..10));
        let change = AnnotationChange { id: None, at: at(11) };
        let event = LiveEvent { seq: 12, at: at(11), payload: Payload::AnnotationChanged(change) };
        assert_eq!(store.apply(event), Next::Soon);
        assert_eq!((store.seq(), store.seen.get_value().1), (12, 10));
    });
}

#[test]
fn the_answer_to_another_question_is_not_shown() {
    with_store(|store| {
        for (look, shown) in [("range=24h", SPAN_SECONDS), ("", 3_600)] {
            let past = Some(History::new(3_600));
            store.seed(&Snapshot { past, look: look.to_owned(), ..snapshot(10, 0..10) });
            assert_eq!(store.past(Subject::Host).with_viewed(|_, seconds| seconds), shown);
        }
    });
}

#[test]
fn an_old_snapshot_takes_nothing_back() {
    with_store(|store| {
        store.seed(&snapshot(10, 0..10));
        store.apply(event(11, 50));
        store.seed(&snapshot(9, 0..9));
        assert_eq!(store.seq(), 11);
        assert_eq!(store.system.with_untracked(|system| system.as_ref().unwrap().at), at(50));
    });
}

#[test]
fn a_greeting_that_could_not_resume_needs_a_snapshot() {
    let hello = |seq, resumed| LiveEvent { seq, at: at(0), payload: Payload::Hello(Hello { resumed }) };
    with_store(|store| {
        store.seed(&snapshot(10, 0..10));
        assert_eq!(store.apply(hello(13, true)), Next::Nothing);
        assert_eq!(store.apply(event(11, 11)), Next::Nothing, "the backlog follows the greeting");
        assert_eq!(store.apply(hello(11, false)), Next::Nothing, "nothing was missed");
        assert_eq!(store.apply(hello(900, false)), Next::Snapshot);
        assert_eq!(store.apply(event(901, 12)), Next::Nothing);
    });
}

#[test]
fn a_reading_is_stale_after_three_pushes_and_two_seconds() {
    with_store(|store| {
        store.seed(&snapshot(10, 0..10));
        for (now, stale) in [(10, false), (14, false), (15, true)] {
            store.now.set(at(now));
            assert_eq!(store.is_stale(), stale, "{now}");
        }
    });
}

fn application(second: i64) -> Application {
    let total = Requests { per_second: Some(2.0), ..Requests::default() };
    Application { at: at(second), total, ..Application::default() }
}

#[test]
fn the_application_and_its_hour_are_kept_like_the_host() {
    with_store(|store| {
        let mut history = History::new(3_600);
        for second in [0, 30, 3_000] {
            history.insert(GraphPoint::from(&application(second)));
        }
        let known = |seq, application, business| Snapshot {
            application,
            application_history: history.clone(),
            business,
            ..snapshot(seq, 0..10)
        };
        let business = |second| Business { at: at(second), ..Business::default() };
        store.seed(&known(10, Some(application(3_000)), Some(business(3_000))));
        let event = |seq, payload| LiveEvent { seq, at: at(3_005), payload };
        let next = store.apply(event(11, Payload::Application(Box::new(application(3_005)))));
        assert_eq!(next, Next::Nothing);
        assert_eq!(store.apply(event(12, Payload::Business(Box::new(business(3_004))))), Next::Nothing);
        // An older snapshot, also one without any, takes nothing back.
        store.seed(&known(9, None, Some(business(1))));
        assert_eq!(store.application.with_untracked(|application| application.as_ref().unwrap().at), at(3_005));
        assert_eq!(store.business.with_untracked(|business| business.as_ref().unwrap().at), at(3_004));
        let past = store.past(Subject::Application);
        assert_eq!(past.with_recent(|history| history.points().len()), 4);
        assert_eq!(
            past.with_viewed(|history, seconds| (seconds, history.newest_points(seconds).count())),
            (SPAN_SECONDS, 2)
        );
        store.seed(&Snapshot { application_past: Some(History::new(3_600)), ..known(12, None, None) });
        assert_eq!(past.with_viewed(|_, seconds| seconds), 3_600);
        assert_eq!(store.past(Subject::Host).with_viewed(|_, seconds| seconds), SPAN_SECONDS);
    });
}

#[test]
fn readings_of_the_application_and_of_business_grow_old_in_their_own_time() {
    with_store(|store| {
        store.seed(&Snapshot {
            application: Some(application(0)),
            business: Some(Business { at: at(0), ..Business::default() }),
            ..snapshot(10, 0..10)
        });
        for (now, application, business) in [(90, None, None), (91, Some(at(0)), None), (201, Some(at(0)), Some(at(0)))]
        {
            store.now.set(at(now));
            assert_eq!((store.stale_application(), store.stale_business()), (application, business), "{now}");
        }
    });
}

#[test]
fn an_alert_is_there_while_it_fires_in_its_place_and_an_older_snapshot_does_not_bring_it_back() {
    use collector::alert::{Alert, AlertPast, Severity};

    let alert = |id: &str, severity, second| Alert {
        id: id.to_owned(),
        rule_name: id.to_owned(),
        severity,
        active_at: at(second),
        fired_at: at(second),
        ..Alert::default()
    };
    let told = |seq, payload| LiveEvent { seq, at: at(50), payload };
    with_store(|store| {
        let ids = || {
            store.alerts.with_untracked(|alerts| alerts.active.iter().map(|alert| alert.id.clone()).collect::<Vec<_>>())
        };
        let past = Some(AlertPast { day: [0, 1, 0] });
        let before =
            Snapshot { alerts: vec![alert("a", Severity::Warning, 1)], alert_past: past, ..snapshot(10, 0..10) };
        store.seed(&before);
        store.apply(told(11, Payload::AlertNew(Box::new(alert("b", Severity::Critical, 2)))));
        store.apply(told(12, Payload::AlertNew(Box::new(alert("c", Severity::Warning, 3)))));
        assert_eq!(ids(), ["b", "c", "a"]);
        let over = Alert { resolved_at: Some(at(9)), ..alert("a", Severity::Warning, 1) };
        store.apply(told(13, Payload::AlertResolved(Box::new(over))));
        assert_eq!(ids(), ["b", "c"]);
        store.seed(&before);
        assert_eq!(ids(), ["b", "c"]);
        store.alerts.with_untracked(|alerts| {
            assert_eq!(alerts.past.unwrap().day, [1, 2, 0]);
        });
    });
}
