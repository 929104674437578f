//! One websocket of the live feed.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use collector::access::Caller;
use futures_util::task::{AtomicWaker, noop_waker_ref};
use futures_util::{Sink, Stream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::event::Event;
use super::wire::Wire;
use crate::connections::Connection;

/// Events a client may be behind, besides those it asked for, before it is moved to the newest.
const QUEUE: usize = 8;
/// A client that takes longer to take one event is cut off; it will come back.
const SEND_LIMIT: Duration = Duration::from_secs(20);
/// A client that was asked for a sign of life and gave none for so long is gone.
const SILENCE: Duration = Duration::from_secs(75);

/// A websocket, upgraded from one of our connections.
pub(super) type Socket = WebSocketStream<Wire<Connection>>;

/// A client: its socket, which both its own task and the hub use, and how the hub wakes the task.
#[derive(Debug)]
pub(super) struct Client {
    line: Mutex<Line>,
    caller: Caller,
    task: AtomicWaker,
}

#[derive(Debug)]
struct Line {
    socket: Socket,
    /// Whether all that was handed to the socket is out.
    is_flushed: bool,
    /// Not yet handed to the socket.
    queue: VecDeque<Message>,
    /// Number of the newest event that it has or need not have.
    seen: u64,
    /// Events to send that it asked for by `since`.
    backlog: usize,
    /// Since when it owes a sign of life.
    asked: Option<Instant>,
    /// Since when the socket has taken nothing.
    stuck: Option<Instant>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// What is queued is the last that it gets.
    Closing,
    /// It is cut off.
    Gone,
}

impl Client {
    /// A client that gets these messages first and then every event after number `seen`.
    pub(super) fn new(socket: Socket, first: VecDeque<Message>, seen: u64, caller: Caller) -> Self {
        let backlog = first.len();
        let (asked, stuck, state) = (None, None, State::Open);
        let line = Line { socket, is_flushed: false, queue: first, seen, backlog, asked, stuck, state };
        Self { line: Mutex::new(line), caller, task: AtomicWaker::new() }
    }

    /// Who it is.
    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Reads what the client says, and writes what the hub could not, until the client has gone or
    /// been told good-bye. To be polled by the client's own task only.
    pub(super) fn poll_end(&self, context: &mut Context<'_>) -> Poll<()> {
        self.task.register(context.waker());
        let mut line = self.line();
        loop {
            match Pin::new(&mut line.socket).poll_next(context) {
                Poll::Ready(Some(Ok(Message::Close(_)) | Err(_)) | None) => {
                    if line.state == State::Open {
                        line.state = State::Gone;
                    }
                    return Poll::Ready(());
                }
                Poll::Ready(Some(Ok(_))) => line.asked = None,
                Poll::Pending => break,
            }
        }
        match (line.state, line.write(context)) {
            (State::Gone, _) | (_, Poll::Ready(Err(_))) | (State::Closing, Poll::Ready(Ok(()))) => Poll::Ready(()),
            (State::Open | State::Closing, _) => Poll::Pending,
        }
    }

    /// Waits, once it has ended, until the client has closed the connection from its end, too.
    pub(super) fn poll_gone(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut line = self.line();
        if line.state != State::Closing {
            return Poll::Ready(());
        }
        loop {
            match ready!(Pin::new(&mut line.socket).poll_next(context)) {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Poll::Ready(()),
                Some(Ok(_)) => {}
            }
        }
    }

    /// Sends an event, unless the client has it. Never waits: what the socket does not take now
    /// is left to the client's own task. Answers whether the event was for this client.
    pub(super) fn send(&self, event: &Event, now: Instant) -> bool {
        let mut line = self.line();
        if event.seq <= line.seen || line.state != State::Open {
            return false;
        }
        line.seen = event.seq;
        let written = line.put(event);
        if written > 0 {
            if written < event.frame.len() {
                self.flush(&mut line, now);
            }
            return true;
        }
        if line.queue.len() >= QUEUE + line.backlog {
            // It sees from the numbers that it missed some. There is never a queue to work off.
            line.queue.clear();
            line.backlog = 0;
        }
        self.hand_over(&mut line, Message::Text(event.text.clone()), now);
        true
    }

    /// Asks for a sign of life; ends a client that gave none to the last times it was asked.
    pub(super) fn ping(&self, now: Instant) {
        let mut line = self.line();
        if now.duration_since(*line.asked.get_or_insert(now)) > SILENCE {
            line.state = State::Gone;
            self.task.wake();
        } else if line.queue.is_empty() {
            self.hand_over(&mut line, Message::Ping(Default::default()), now);
        }
    }

    /// Says good-bye; nothing follows.
    pub(super) fn close(&self, bye: Message, now: Instant) {
        let mut line = self.line();
        if line.state != State::Open {
            return;
        }
        line.state = State::Closing;
        line.queue.clear();
        self.hand_over(&mut line, bye, now);
        self.task.wake();
    }

    fn hand_over(&self, line: &mut Line, message: Message, now: Instant) {
        line.queue.push_back(message);
        self.flush(line, now);
    }

    fn flush(&self, line: &mut Line, now: Instant) {
        // By the client's own task, where there is something for it to do.
        match line.write(&mut Context::from_waker(noop_waker_ref())) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) => self.task.wake(),
            Poll::Pending => {
                let since = *line.stuck.get_or_insert(now);
                if now.duration_since(since) > SEND_LIMIT {
                    line.state = State::Gone;
                }
                self.task.wake();
            }
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Writes an event past the socket, which would copy it, where that is done with all that came before. Answers how
    /// many bytes are out: with none, the event is not sent.
    fn put(&mut self, event: &Event) -> usize {
        if !self.is_flushed || !self.queue.is_empty() {
            return 0;
        }
        let context = &mut Context::from_waker(noop_waker_ref());
        match self.socket.get_mut().poll_put(context, &event.frame) {
            Poll::Ready(Ok(written)) => written,
            // The socket will come upon it, too.
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        }
    }

    /// Hands the queue to the socket, as far as that takes it.
    fn write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut socket = Pin::new(&mut self.socket);
        loop {
            ready!(socket.as_mut().poll_ready(context))?;
            let Some(message) = self.queue.pop_front() else { break };
            self.backlog = self.backlog.min(self.queue.len());
            socket.as_mut().start_send(message)?;
        }
        let flushed = socket.poll_flush(context);
        self.is_flushed = matches!(flushed, Poll::Ready(Ok(())));
        if self.is_flushed {
            self.stuck = None;
        }
        flushed
    }
}
