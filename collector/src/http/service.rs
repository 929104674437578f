//! The layer itself: times a request until the last byte of its answer is handed over.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::{Extensions, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::Route;
use super::answers::Verb;
use super::series::{self, Series};

/// The client went away before the answer began (nginx' own code).
const CLIENT_CLOSED_REQUEST: u16 = 499;
const INTERNAL_SERVER_ERROR: u16 = 500;

/// Puts [`HttpService`] around a service: see [`super::HttpMetrics::layer`].
#[derive(Clone, Debug)]
pub struct HttpLayer {
    series: Arc<Series>,
    route: fn(&Extensions) -> Option<&str>,
}

impl HttpLayer {
    pub(super) fn new(series: Arc<Series>, route: fn(&Extensions) -> Option<&str>) -> Self {
        Self { series, route }
    }
}

impl<S> Layer<S> for HttpLayer {
    type Service = HttpService<S>;

    fn layer(&self, inner: S) -> HttpService<S> {
        HttpService { inner, layer: self.clone() }
    }
}

/// A service whose requests are counted and timed.
#[derive(Clone, Debug)]
pub struct HttpService<S> {
    inner: S,
    layer: HttpLayer,
}

impl<S, B, R> Service<Request<B>> for HttpService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let HttpLayer { series, route } = &self.layer;
        let route = series.route(route(request.extensions()));
        let method = Verb::of(request.method());
        let mut pending = Pending::new(Arc::clone(series), route, method);
        let future = self.inner.call(request);
        pending.status = CLIENT_CLOSED_REQUEST;
        ResponseFuture { future, pending: Some(pending) }
    }
}

/// A request that is being answered. Its end, whatever way it comes, is when this is dropped.
#[derive(Debug)]
struct Pending {
    series: Arc<Series>,
    route: series::Route,
    method: Verb,
    /// What is counted if it ended now. While the service's own code runs that is 500: it could
    /// only end by a panic, wherever that is caught.
    status: u16,
    start: Instant,
}

impl Pending {
    fn new(series: Arc<Series>, route: series::Route, method: Verb) -> Self {
        series.in_flight.fetch_add(1, Ordering::Relaxed);
        Self { series, route, method, status: INTERNAL_SERVER_ERROR, start: Instant::now() }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.series.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.series.answered(self.route, self.method, self.status, self.start.elapsed());
    }
}

pin_project! {
    /// The answer to come.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        future: F,
        pending: Option<Pending>,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(pending) = this.pending {
            pending.status = INTERNAL_SERVER_ERROR;
        }
        // No more than one match, for an answer is moved by every other step.
        match this.future.poll(context) {
            Poll::Pending => {
                if let Some(pending) = this.pending {
                    pending.status = CLIENT_CLOSED_REQUEST;
                }
                Poll::Pending
            }
            // A service that fails has no answer of its own, and 500 stays.
            Poll::Ready(Err(error)) => {
                *this.pending = None;
                Poll::Ready(Err(error))
            }
            Poll::Ready(Ok(response)) => {
                let mut pending = this.pending.take();
                if let Some(pending) = &mut pending {
                    pending.status = response.status().as_u16();
                    if let Some(Route(route)) = response.extensions().get() {
                        pending.route = pending.series.route(Some(route));
                    }
                }
                Poll::Ready(Ok(response.map(|body| ResponseBody { body, pending })))
            }
        }
    }
}

pin_project! {
    /// The answer's body; the request has been answered when it ends.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        body: B,
        pending: Option<Pending>,
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            *this.pending = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
