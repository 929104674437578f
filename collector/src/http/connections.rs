//! Open connections: as many as there are services made for one.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use prometheus_client::metrics::gauge::Gauge;
use tower_service::Service;

/// Makes a counted service for each connection: see [`super::HttpMetrics::count_connections`].
#[derive(Clone, Debug)]
pub struct CountConnections<M> {
    inner: M,
    open: Gauge,
}

impl<M> CountConnections<M> {
    pub(super) fn new(inner: M, open: Gauge) -> Self {
        Self { inner, open }
    }
}

impl<M: Service<T>, T> Service<T> for CountConnections<M> {
    type Response = Counted<M::Response>;
    type Error = M::Error;
    type Future = CountedFuture<M::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), M::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, target: T) -> Self::Future {
        CountedFuture { future: self.inner.call(target), open: self.open.clone() }
    }
}

pin_project! {
    /// A counted service to come.
    #[derive(Debug)]
    pub struct CountedFuture<F> {
        #[pin]
        future: F,
        open: Gauge,
    }
}

impl<F: Future<Output = Result<S, E>>, S, E> Future for CountedFuture<F> {
    type Output = Result<Counted<S>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let made = ready!(this.future.poll(context));
        Poll::Ready(made.map(|service| {
            this.open.inc();
            Counted { service, _open: Arc::new(Open(this.open.clone())) }
        }))
    }
}

/// The service of one connection, which is open until the last clone of this is dropped.
#[derive(Clone, Debug)]
pub struct Counted<S> {
    service: S,
    _open: Arc<Open>,
}

#[derive(Debug)]
struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl<S: Service<R>, R> Service<R> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.service.call(request)
    }
}
