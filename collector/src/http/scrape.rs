//! Answers scrapes on a thread of its own: a registry of 100,000 series takes a while to write, in
//! which a worker of the application's runtime would answer nobody else.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use http::header::{CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use prometheus_client::registry::Registry;

use super::accept::Form;
use super::exposition;

const FAILED: &str = "a collector of this application failed; its log may say more\n";

/// Writes the text of one registry, for one scrape after the other.
#[derive(Debug)]
pub(super) struct Scrapes {
    registry: Arc<Registry>,
    /// The thread is there from the first scrape on, and ends with this.
    thread: OnceLock<Option<Sender<Job>>>,
}

#[derive(Debug)]
struct Job {
    form: Form,
    answer: Arc<Mutex<Answer>>,
}

#[derive(Debug)]
enum Answer {
    Awaited(Option<Waker>),
    Written(Option<String>),
}

impl Scrapes {
    pub(super) fn of(registry: Registry) -> Self {
        Self { registry: Arc::new(registry), thread: OnceLock::new() }
    }

    pub(super) fn response(&self, request: &HeaderMap) -> Scrape {
        let form = Form::asked_for(request);
        let answer = Arc::new(Mutex::new(Answer::Awaited(None)));
        let job = Job { form, answer: Arc::clone(&answer) };
        let refused = match self.thread.get_or_init(|| spawn(Arc::clone(&self.registry))) {
            Some(thread) => thread.send(job).err().map(|refused| refused.0),
            None => Some(job),
        };
        if let Some(job) = refused {
            // There is no other thread to be had.
            job.write(&self.registry);
        }
        Scrape { form, answer }
    }
}

fn spawn(registry: Arc<Registry>) -> Option<Sender<Job>> {
    let (sender, jobs) = mpsc::channel();
    let work = move |jobs: Receiver<Job>| jobs.iter().for_each(|job| job.write(&registry));
    let thread = std::thread::Builder::new().name("scrape".to_owned()).spawn(move || work(jobs));
    thread.ok().map(|_| sender)
}

impl Job {
    fn write(self, registry: &Registry) {
        // Whoever asked may have gone away in the meantime.
        if Arc::strong_count(&self.answer) > 1 {
            // A collector of the application's own may panic, and the next scrape is to be answered all the same.
            let text = catch_unwind(AssertUnwindSafe(|| exposition::text(registry, self.form)));
            let written = Answer::Written(text.ok().and_then(Result::ok));
            let before = std::mem::replace(&mut *self.answer.lock().unwrap_or_else(PoisonError::into_inner), written);
            if let Answer::Awaited(Some(waker)) = before {
                waker.wake();
            }
        }
    }
}

/// The answer to a scrape, to come.
#[derive(Debug)]
pub struct Scrape {
    form: Form,
    answer: Arc<Mutex<Answer>>,
}

impl Future for Scrape {
    type Output = Response<String>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Response<String>> {
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let text = match &mut *answer {
            Answer::Written(text) => text.take(),
            Answer::Awaited(waker) => {
                *waker = Some(context.waker().clone());
                return Poll::Pending;
            }
        };
        let (status, content_type, text) = match text {
            Some(text) => (StatusCode::OK, self.form.content_type(), text),
            None => {
                let plain = HeaderValue::from_static("text/plain; charset=utf-8");
                (StatusCode::INTERNAL_SERVER_ERROR, plain, FAILED.to_owned())
            }
        };
        let mut response = Response::new(text);
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
        Poll::Ready(response)
    }
}
