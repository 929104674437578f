//! The page's one websocket: opened once, kept open, and opened again when it is lost. Everything
//! it hears goes to the store.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use collector::{LiveEvent, Payload};
use jiff::Timestamp;
use leptos::ev;
use leptos::leptos_dom::helpers::{IntervalHandle, TimeoutHandle, set_interval_with_handle, set_timeout_with_handle};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, WebSocket};

use super::{Link, LiveStore, Next, Subject, backoff, frame};
use crate::api::system::{read, snapshot};
use crate::browser;
use crate::format::{self, Zone};
use crate::range::{Look, Range};

/// Milliseconds a connection may take to be opened.
const OPEN_LIMIT: f64 = 10_000.0;
/// Milliseconds between two snapshots that were asked for because of missed events.
const SNAPSHOT_PAUSE: f64 = 10_000.0;

struct Connection {
    store: LiveStore,
    socket: RefCell<Option<Socket>>,
    retry: Cell<Option<TimeoutHandle>>,
    attempt: Cell<u32>,
    /// When the last sign of life came, by the browser's clock in milliseconds.
    heard: Cell<f64>,
    /// The server's clock minus the browser's, in milliseconds; `None` until an event was heard.
    offset: Cell<Option<f64>>,
    /// When the last snapshot was asked for.
    snapshot: Cell<f64>,
    snapshot_wanted: Cell<bool>,
}

/// An open websocket and what listens to it.
struct Socket {
    socket: WebSocket,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut()>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // Closing what is closed already is no error.
        let _ = self.socket.close();
    }
}

/// Milliseconds after which the past has another point, or about so.
fn past_lasts(look: Look, now: Timestamp) -> f64 {
    match look.range {
        _ if look.is_live() => f64::INFINITY,
        Range::Live => 30_000.0,
        Range::Between(_, to) if to < now.as_second() => f64::INFINITY,
        range => (f64::from(i32::try_from(range.seconds()).unwrap_or(i32::MAX)) * 1_000.0 / 360.0).max(10_000.0),
    }
}

/// Connects the store for as long as the current owner lives.
pub fn connect(store: LiveStore) {
    let connection = Rc::new(Connection {
        store,
        socket: RefCell::new(None),
        retry: Cell::new(None),
        attempt: Cell::new(0),
        heard: Cell::new(browser::now()),
        offset: Cell::new(None),
        // The page came with one.
        snapshot: Cell::new(browser::now()),
        snapshot_wanted: Cell::new(false),
    });
    connection.tick();
    connection.open();
    Effect::new({
        let connection = Rc::clone(&connection);
        move |before: Option<Look>| {
            let look = store.look.get();
            if before.is_some_and(|before| before != look) {
                connection.look_back(look);
            }
            look
        }
    });

    let on = |connection: &Rc<Connection>, act: fn(&Rc<Connection>)| {
        let connection = Rc::clone(connection);
        move || act(&connection)
    };
    let tick = set_interval_with_handle(on(&connection, Connection::tick), Duration::from_secs(1)).ok();
    let (online, offline) = (on(&connection, Connection::at_once), on(&connection, Connection::lose));
    let (shown, restored) = (on(&connection, Connection::at_once), on(&connection, Connection::at_once));
    let hidden = on(&connection, |connection| connection.close());
    let listeners = [
        window_event_listener(ev::online, move |_| online()),
        window_event_listener(ev::offline, move |_| offline()),
        window_event_listener_untyped("visibilitychange", move |_| {
            if !browser::is_hidden() {
                shown();
            }
        }),
        // A page with an open websocket could not be kept for the back button.
        window_event_listener_untyped("pagehide", move |_| hidden()),
        window_event_listener_untyped("pageshow", move |_| restored()),
    ];
    let kept = StoredValue::new_local((connection, tick, Some(listeners)));
    on_cleanup(move || {
        kept.update_value(|(connection, tick, listeners)| {
            connection.close();
            tick.as_ref().map(IntervalHandle::clear);
            listeners.take().into_iter().flatten().for_each(WindowListenerHandle::remove);
        });
    });
}

impl Connection {
    /// Opens the websocket, unless there is one.
    fn open(self: &Rc<Self>) {
        if let Some(retry) = self.retry.take() {
            retry.clear();
        }
        if self.socket.borrow().is_some() {
            return;
        }
        let Ok(socket) = WebSocket::new(&browser::live_url(self.store.seq())) else { return };
        let on_message = {
            let connection = Rc::clone(self);
            Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
                if let Some(text) = message.data().as_string() {
                    connection.hear(&text);
                }
            })
        };
        let on_close = {
            let connection = Rc::clone(self);
            Closure::<dyn FnMut()>::new(move || connection.lose())
        };
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        self.heard.set(browser::now());
        self.socket.replace(Some(Socket { socket, _on_message: on_message, _on_close: on_close }));
    }

    fn hear(self: &Rc<Self>, text: &str) {
        self.heard.set(browser::now());
        // An event of a newer server is a sign of life all the same.
        let event = frame::parse(text);
        if self.store.link.get_untracked() != Link::Live {
            self.attempt.set(0);
            self.store.link.set(Link::Live);
        }
        if let Some(event) = event {
            self.set_clock(&event);
            let next = self.store.apply(event);
            if next != Next::Nothing {
                self.snapshot_wanted.set(true);
            }
            if next == Next::Soon {
                // With the next tick: each page has its own, and not all of them ask at once.
                self.snapshot.set(f64::MIN);
                return;
            }
        }
        self.fetch_snapshot();
    }

    /// A greeting carries the server's time. Any other event may have waited on its way, so its
    /// time is at most the server's: then the largest difference to ours is the best.
    fn set_clock(&self, event: &LiveEvent) {
        let offset = format::milliseconds(event.at) - browser::now();
        let is_greeting = matches!(event.payload, Payload::Hello(_));
        if is_greeting || self.offset.get().is_none_or(|known| offset > known) {
            self.offset.set(Some(offset));
            self.tick_clock();
        }
    }

    fn tick_clock(&self) {
        if !self.store.loaded.get_untracked() {
            return;
        }
        let known = self.offset.get().unwrap_or_else(|| {
            // Until an event was heard: the page was delivered a moment ago.
            let offset = format::milliseconds(self.store.now.get_untracked()) - browser::now();
            self.offset.set(Some(offset));
            offset
        });
        self.store.now.set(format::timestamp(browser::now() + known));
    }

    /// The viewer has chosen another range.
    fn look_back(self: &Rc<Self>, look: Look) {
        if look.is_live() {
            // Known already, but for the marks.
            for of in [Subject::Host, Subject::Application] {
                self.store.past(of).look_back(None, None);
            }
        }
        self.snapshot_wanted.set(true);
        self.snapshot.set(f64::MIN);
        self.fetch_snapshot();
    }

    /// Every second: the clock, the past when it has moved on by a point, and whether the link
    /// still is one.
    fn tick(self: &Rc<Self>) {
        let zone = Zone::Local(browser::minutes_east_of_utc());
        if self.store.zone.get_untracked() != zone {
            self.store.zone.set(zone);
        }
        self.tick_clock();
        let age = browser::now() - self.snapshot.get();
        let lasts = past_lasts(self.store.look.get_untracked(), self.store.now.get_untracked());
        if !browser::is_hidden() && age > lasts {
            self.snapshot_wanted.set(true);
        }
        self.fetch_snapshot();
        let silence = browser::now() - self.heard.get();
        let opening = self.socket.borrow().as_ref().map(|open| open.socket.ready_state() == WebSocket::CONNECTING);
        match opening {
            Some(true) if silence > OPEN_LIMIT => self.lose(),
            // The link is not called lost for this: it may be only the collector that is silent.
            Some(false) if silence > self.store.push_seconds.get_untracked() * 3_000.0 + 5_000.0 => {
                self.socket.replace(None);
                self.open();
            }
            _ => {}
        }
    }

    /// The link is gone: say so, and try again after a pause.
    fn lose(self: &Rc<Self>) {
        self.tick_clock();
        self.close();
        if !matches!(self.store.link.get_untracked(), Link::Lost(_)) {
            self.store.link.set(Link::Lost(self.store.now.get_untracked()));
        }
        let pause = backoff::pause(self.attempt.get(), browser::random());
        self.attempt.set(self.attempt.get().saturating_add(1));
        let connection = Rc::clone(self);
        self.retry.set(set_timeout_with_handle(move || connection.open(), pause).ok());
    }

    /// The network or the viewer is back: no reason to wait any longer.
    fn at_once(self: &Rc<Self>) {
        self.attempt.set(0);
        self.open();
    }

    fn close(&self) {
        if let Some(retry) = self.retry.take() {
            retry.clear();
        }
        self.socket.replace(None);
    }

    /// Asks for the snapshot that is wanted, but not again and again.
    fn fetch_snapshot(self: &Rc<Self>) {
        let now = browser::now();
        let is_lost = matches!(self.store.link.get_untracked(), Link::Lost(_));
        if is_lost || !self.snapshot_wanted.get() || now - self.snapshot.get() < SNAPSHOT_PAUSE {
            return;
        }
        self.snapshot_wanted.set(false);
        self.snapshot.set(now);
        let connection = Rc::clone(self);
        spawn_local(async move {
            match snapshot(connection.store.look.get_untracked().search()).await.and_then(|text| read(&text)) {
                Ok(snapshot) => connection.store.seed(&snapshot),
                Err(_) => connection.snapshot_wanted.set(true),
            }
        });
    }
}
