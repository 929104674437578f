//! The ways a request ends, each of which is counted once and leaves nothing in flight.

use std::convert::Infallible;
use std::future::{pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use collector::http::{HttpMetrics, Route};
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::helpers::{Matched, in_flight, matched, request, requests, scrape, value};

/// A body of exactly these steps, the last one first; nobody asks after the end.
struct Steps(Vec<Poll<Option<Result<&'static str, &'static str>>>>);

impl Body for Steps {
    type Data = &'static [u8];
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let step = self.0.pop().unwrap();
        step.map(|frame| frame.map(|text| text.map(|text| Frame::data(text.as_bytes()))))
    }
}

fn text(status: StatusCode) -> Response<Full<&'static [u8]>> {
    let mut response = Response::new(Full::new(&b"soup"[..]));
    *response.status_mut() = status;
    response
}

type Polled<B> = Poll<Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>>;

fn poll<B: Body + Unpin>(body: &mut B) -> Polled<B> {
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn the_matched_route_is_the_label_and_never_the_path() {
    let metrics = HttpMetrics::default();
    let service = metrics.layer(matched).layer(service_fn(async |request: Request<()>| {
        let is_matched = request.extensions().get::<Matched>().is_some();
        Ok::<_, Infallible>(text(if is_matched { StatusCode::OK } else { StatusCode::NOT_FOUND }))
    }));
    for (method, route) in [("GET", Some("/recipes/{id}")), ("BREW", Some("/recipes/{id}")), ("HEAD", None)] {
        let response = service.clone().oneshot(request(method, route)).await.unwrap();
        response.into_body().collect().await.unwrap();
    }
    assert_eq!(requests(&metrics, "GET", "/recipes/{id}", 200).await, 1.0);
    assert_eq!(requests(&metrics, "_OTHER", "/recipes/{id}", 200).await, 1.0);
    assert_eq!(requests(&metrics, "HEAD", "unmatched", 404).await, 1.0);
    assert!(!scrape(&metrics, "").await.contains("raw"));
}

#[tokio::test]
async fn a_route_that_is_known_only_with_the_answer_goes_before_the_one_of_the_request() {
    let metrics = HttpMetrics::default();
    let service = metrics.layer(matched).layer(service_fn(async |_: Request<()>| {
        let mut response = text(StatusCode::OK);
        response.extensions_mut().insert(Route("/inner/{id}"));
        Ok::<_, Infallible>(response)
    }));
    drop(service.oneshot(request("GET", Some("/{*rest}"))).await.unwrap());
    assert_eq!(requests(&metrics, "GET", "/inner/{id}", 200).await, 1.0);
    assert_eq!(requests(&metrics, "GET", "/{*rest}", 200).await, 0.0);
}

#[tokio::test]
async fn a_request_ends_when_the_last_of_its_body_was_handed_over_and_not_before() {
    let metrics = HttpMetrics::default();
    let service = metrics.layer(matched).layer(service_fn(|_: Request<()>| {
        let steps = vec![Poll::Ready(None), Poll::Pending, Poll::Ready(Some(Ok("so")))];
        ready(Ok::<_, Infallible>(Response::new(Steps(steps))))
    }));
    let mut body = service.oneshot(request("GET", Some("/slow"))).await.unwrap().into_body();
    assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(_)))));
    assert!(poll(&mut body).is_pending());
    assert_eq!((in_flight(&metrics).await, requests(&metrics, "GET", "/slow", 200).await), (1.0, 0.0));
    assert!(matches!(poll(&mut body), Poll::Ready(None)));
    assert_eq!((in_flight(&metrics).await, requests(&metrics, "GET", "/slow", 200).await), (0.0, 1.0));
    drop(body);
    assert_eq!((in_flight(&metrics).await, requests(&metrics, "GET", "/slow", 200).await), (0.0, 1.0));
}

#[tokio::test]
async fn a_body_that_fails_or_is_dropped_counts_with_the_status_that_was_sent() {
    let metrics = HttpMetrics::default();
    let service = metrics.layer(matched).layer(service_fn(|_: Request<()>| {
        let steps = vec![Poll::Ready(Some(Err("the disk is gone"))), Poll::Ready(Some(Ok("so")))];
        ready(Ok::<_, Infallible>(Response::new(Steps(steps))))
    }));
    let mut failing = service.clone().oneshot(request("GET", Some("/failing"))).await.unwrap().into_body();
    assert!(matches!(poll(&mut failing), Poll::Ready(Some(Ok(_)))));
    assert!(matches!(poll(&mut failing), Poll::Ready(Some(Err(_)))));
    assert_eq!(requests(&metrics, "GET", "/failing", 200).await, 1.0);
    let mut left = service.oneshot(request("GET", Some("/left"))).await.unwrap().into_body();
    assert!(matches!(poll(&mut left), Poll::Ready(Some(Ok(_)))));
    drop(left);
    assert_eq!((in_flight(&metrics).await, requests(&metrics, "GET", "/left", 200).await), (0.0, 1.0));
}

#[tokio::test]
async fn the_body_keeps_its_length_and_says_when_there_is_nothing_in_it() {
    let metrics = HttpMetrics::default();
    let service =
        metrics.layer(matched).layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(text(StatusCode::OK))));
    let body = service.oneshot(request("GET", None)).await.unwrap().into_body();
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(4), false));
    let empty = Full::<&'static [u8]>::default();
    let service =
        metrics.layer(matched).layer(service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(Response::new(empty)))));
    assert!(service.oneshot(request("GET", None)).await.unwrap().into_body().is_end_stream());
}

#[tokio::test]
async fn a_client_that_goes_away_before_the_answer_counts_as_499() {
    let metrics = HttpMetrics::default();
    let mut service =
        metrics.layer(matched).layer(service_fn(|_: Request<()>| pending::<Result<Response<Steps>, Infallible>>()));
    // Before the first poll, and after it.
    drop(service.call(request("GET", Some("/never"))));
    let mut waiting = Box::pin(service.call(request("GET", Some("/never"))));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(in_flight(&metrics).await, 1.0);
    drop(waiting);
    assert_eq!((in_flight(&metrics).await, requests(&metrics, "GET", "/never", 499).await), (0.0, 2.0));
}

#[tokio::test]
async fn a_service_that_panics_counts_as_500_wherever_the_panic_is_caught() {
    let metrics = HttpMetrics::default();
    // In its future, in a task of its own, where the runtime catches it.
    let service = metrics.layer(matched).layer(service_fn(async |request: Request<()>| {
        assert!(request.extensions().get::<Matched>().is_none(), "it panics");
        Ok::<_, Infallible>(text(StatusCode::OK))
    }));
    let task = tokio::spawn(service.clone().oneshot(request("GET", Some("/task"))));
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(requests(&metrics, "GET", "/task", 500).await, 1.0);
    // Caught around the poll; the future is dropped later, when nothing panics any more.
    let mut answer = Box::pin(service.oneshot(request("GET", Some("/poll"))));
    let caught =
        poll_fn(|context| Poll::Ready(catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))).is_err()));
    assert!(caught.await);
    drop(answer);
    assert_eq!(requests(&metrics, "GET", "/poll", 500).await, 1.0);
    // Before there is a future at all.
    let mut service = metrics.layer(matched).layer(service_fn(|request: Request<()>| {
        assert!(request.extensions().get::<Matched>().is_none(), "it panics");
        ready(Ok::<_, Infallible>(text(StatusCode::OK)))
    }));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(service.call(request("GET", Some("/call")))))).is_err());
    assert_eq!((in_flight(&metrics).await, requests(&metrics, "GET", "/call", 500).await), (0.0, 1.0));
}

#[tokio::test]
async fn a_service_that_fails_counts_as_500() {
    let metrics = HttpMetrics::default();
    let service =
        metrics.layer(matched).layer(service_fn(async |_: Request<()>| Err::<Response<Steps>, _>("no database")));
    assert_eq!(service.oneshot(request("POST", Some("/users"))).await.map(drop), Err("no database"));
    assert_eq!((in_flight(&metrics).await, requests(&metrics, "POST", "/users", 500).await), (0.0, 1.0));
}

#[tokio::test]
async fn connections_are_open_as_long_as_their_service_or_what_was_made_of_it() {
    let metrics = HttpMetrics::default();
    let open = async || value(&metrics, "http_active_connections").await.unwrap();
    let mut make = metrics.count_connections(service_fn(async |refused: bool| {
        let service = service_fn(async |(): ()| Ok::<_, Infallible>("soup"));
        if refused { Err("refused") } else { Ok(service) }
    }));
    let one = make.ready().await.unwrap().call(false).await.unwrap();
    let of_a_request = one.clone();
    let two = make.ready().await.unwrap().call(false).await.unwrap();
    assert_eq!(make.ready().await.unwrap().call(true).await.map(drop), Err("refused"));
    assert_eq!(open().await, 2.0);
    drop(one);
    assert_eq!(open().await, 2.0);
    assert_eq!(of_a_request.oneshot(()).await, Ok("soup"));
    assert_eq!(open().await, 1.0);
    let websocket = metrics.connection();
    drop(two);
    assert_eq!(open().await, 1.0);
    drop(websocket);
    assert_eq!(open().await, 0.0);
}
