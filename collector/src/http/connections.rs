//! Open connections: as many as there are services made for one.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::series::Series;

/// Makes a counted service for each connection: see [`super::HttpMetrics::count_connections`].
#[derive(Clone, Debug)]
pub struct CountConnections<M> {
    inner: M,
    series: Arc<Series>,
}

impl<M> CountConnections<M> {
    pub(super) fn new(inner: M, series: Arc<Series>) -> Self {
        Self { inner, series }
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
        CountedFuture { future: self.inner.call(target), series: Arc::clone(&self.series) }
    }
}

pin_project! {
    /// A counted service to come.
    #[derive(Debug)]
    pub struct CountedFuture<F> {
        #[pin]
        future: F,
        series: Arc<Series>,
    }
}

impl<F: Future<Output = Result<S, E>>, S, E> Future for CountedFuture<F> {
    type Output = Result<Counted<S>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let made = ready!(this.future.poll(context));
        let open = || Arc::new(Connection::new(Arc::clone(this.series)));
        Poll::Ready(made.map(|service| Counted { service, _open: open() }))
    }
}

/// The service of one connection, which is open until the last clone of this is dropped.
#[derive(Clone, Debug)]
pub struct Counted<S> {
    service: S,
    _open: Arc<Connection>,
}

/// An open connection, until it is dropped.
#[derive(Debug)]
pub struct Connection(Arc<Series>);

impl Connection {
    pub(super) fn new(series: Arc<Series>) -> Self {
        series.connections.fetch_add(1, Ordering::Relaxed);
        Self(series)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
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
