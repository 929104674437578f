//! All websockets of the live feed: one task hands every event to each of them.
//!
//! Not a task for each that waits for the event: to wake thousands of tasks, each of which looks
//! at its timer, its place in the feed and its socket, costs more than to write to thousands of
//! sockets one after the other. A client's own task wakes when the client says something, or
//! takes its events slower than they come.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use collector::access::Caller;
use collector::{Feed, Subscription};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::client::{Client, Socket};
use super::event::{Event, text};
use crate::access::{Gate, while_open};
use crate::state::{LiveClients, Stages};

/// How long nothing may be sent before clients are asked for a sign of life. Of one that is gone and still sent to, the
/// system sees it by what it does not acknowledge.
const PING: Duration = Duration::from_secs(30);
/// How often it is looked whose session has ended.
const LOOK: Duration = Duration::from_secs(1);
/// How long a client that was told good-bye may take to say it, too. Whoever closes a connection before that may take
/// the good-bye away from it.
const FAREWELL: Duration = Duration::from_secs(2);
/// Why a client is told to go, as of the HTTP status 401: it may come back once it has logged in.
const SESSION_ENDED: u16 = 4_401;
/// Clients written to before others may run, some four milliseconds of them: each time, the next ones may be the work of
/// another thread, on another processor that knows nothing of them.
const IN_A_ROW: usize = 512;

/// The hub. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    feed: Feed,
    clients: Mutex<Clients>,
    instruments: LiveClients,
    gate: Gate,
    /// How many there are.
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Clients {
    next: u64,
    /// In the order in which they came.
    connected: BTreeMap<u64, Connected>,
    /// What all of them were told at the end.
    bye: Option<Message>,
}

/// What is known of a client without a look into its memory, which of thousands is a thousand waits for it.
#[derive(Debug)]
struct Connected {
    client: Arc<Client>,
    /// [`while_open`] of its caller.
    while_open: Option<bool>,
}

impl Hub {
    /// A hub that hands on what this feed sends, until the program stops. Needs a runtime.
    pub(crate) fn start(feed: Feed, instruments: LiveClients, stages: Stages, gate: Gate) -> Self {
        // Before the first client can come: it must miss nothing.
        let subscription = feed.subscribe(None, Timestamp::now());
        let (clients, count) = (Mutex::default(), watch::Sender::new(0));
        let hub = Self(Arc::new(Inner { feed, clients, instruments, gate, count }));
        // Writes are counted against no budget of the runtime: the hub yields by itself.
        tokio::spawn(tokio::task::unconstrained(hub.clone().run(subscription, stages)));
        hub
    }

    /// Serves a client until it goes away: `hello`, what it missed after `since`, and every event.
    pub(super) async fn serve(self, socket: Socket, since: Option<u64>, caller: Caller) {
        let Some((number, client)) = self.enter(socket, since, caller) else { return };
        let _here = Here { hub: self, number };
        poll_fn(|context| client.poll_end(context)).await;
        // Where it has not gone by itself.
        let _ = tokio::time::timeout(FAREWELL, poll_fn(|context| client.poll_gone(context))).await;
    }

    /// Waits until no client is left.
    pub(crate) async fn empty(&self) {
        // The sender lives as long as this.
        let _ = self.0.count.subscribe().wait_for(|count| *count == 0).await;
    }

    fn enter(&self, socket: Socket, since: Option<u64>, caller: Caller) -> Option<(u64, Arc<Client>)> {
        // Under the lock, so that no event falls between what the subscription has of the past
        // and what the hub sends.
        let mut clients = self.clients();
        let mut subscription = self.0.feed.subscribe(since, Timestamp::now());
        let hello = serde_json::to_string(&subscription.hello).ok()?;
        let mut first = VecDeque::from([Message::Text(hello.into())]);
        for frame in subscription.take_backlog() {
            self.0.instruments.sent.inc();
            first.push_back(Message::Text(text(&frame)?));
        }
        let now = Instant::now();
        let client = Arc::new(Client::new(socket, first, subscription.hello.seq, caller));
        let number = clients.next;
        clients.next += 1;
        let while_open = while_open(client.caller());
        clients.connected.insert(number, Connected { client: Arc::clone(&client), while_open });
        if let Some(bye) = clients.bye.clone() {
            client.close(bye, now);
        }
        self.0.count.send_replace(clients.connected.len());
        self.0.instruments.connected.inc();
        Some((number, client))
    }

    async fn run(self, mut subscription: Subscription, mut stages: Stages) {
        let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + PING, PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                for_good = stages.closing() => {
                    let bye = bye(for_good);
                    self.clients().bye = Some(bye.clone());
                    self.each(|client, now| client.close(bye.clone(), now)).await;
                    return;
                }
                frame = subscription.next() => {
                    let Some(frame) = frame else { return };
                    let Some(event) = Event::new(&frame) else { continue };
                    let sent = &self.0.instruments.sent;
                    self.each(|client, now| {
                        if client.send(&event, now) {
                            sent.inc();
                        }
                    })
                    .await;
                    ping.reset();
                }
                _ = look.tick() => self.end_sessions().await,
                _ = ping.tick() => self.each(Client::ping).await,
            }
        }
    }

    /// Says good-bye to clients whose session has ended, or whose token, or role.
    async fn end_sessions(&self) {
        let is_open = self.0.gate.is_open();
        let clients = self.those(|connected| connected.while_open != Some(is_open));
        for some in clients.chunks(IN_A_ROW) {
            let still = self.0.gate.still(some.iter().map(|client| client.caller()), Timestamp::now());
            let now = Instant::now();
            for (client, _) in some.iter().zip(still).filter(|(_, still)| !still) {
                client.close(over(), now);
            }
            tokio::task::yield_now().await;
        }
    }

    async fn each(&self, act: impl Fn(&Client, Instant)) {
        let clients = self.those(|_| true);
        for some in clients.chunks(IN_A_ROW) {
            let now = Instant::now();
            some.iter().for_each(|client| act(client, now));
            tokio::task::yield_now().await;
        }
    }

    /// A copy, so that clients may come and go meanwhile.
    fn those(&self, are: impl Fn(&Connected) -> bool) -> Vec<Arc<Client>> {
        let clients = self.clients();
        let those = clients.connected.values().filter(|connected| are(connected));
        those.map(|connected| Arc::clone(&connected.client)).collect()
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.0.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The presence of a client, over when this is dropped.
struct Here {
    hub: Hub,
    number: u64,
}

impl Drop for Here {
    fn drop(&mut self) {
        let mut clients = self.hub.clients();
        clients.connected.remove(&self.number);
        self.hub.0.count.send_replace(clients.connected.len());
        drop(clients);
        self.hub.0.instruments.connected.dec();
    }
}

fn over() -> Message {
    Message::Close(Some(CloseFrame {
        code: CloseCode::from(SESSION_ENDED),
        reason: Utf8Bytes::from_static("the session has ended"),
    }))
}

fn bye(for_good: bool) -> Message {
    let (code, reason) = match for_good {
        true => (CloseCode::Away, "stopping"),
        false => (CloseCode::Restart, "new settings"),
    };
    Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }))
}
