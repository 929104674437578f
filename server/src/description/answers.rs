//! The refusals that many routes share, each for its description alone.
#![expect(dead_code, reason = "handlers answer with an `ApiError`, which has any status")]

use utoipa::IntoResponses;

use super::ErrorBody;

/// A parameter or a field is not valid: nothing has changed.
#[derive(IntoResponses)]
#[response(status = 400)]
pub(crate) struct Invalid(ErrorBody);

/// It comes from a page of another site: nothing has changed.
#[derive(IntoResponses)]
#[response(status = 403)]
pub(crate) struct Foreign(ErrorBody);

/// There is no such thing (any more).
#[derive(IntoResponses)]
#[response(status = 404)]
pub(crate) struct Missing(ErrorBody);

/// What it needs does not answer now; the message says when to try again.
#[derive(IntoResponses)]
#[response(status = 503)]
pub(crate) struct Unavailable(ErrorBody);

/// The body has another media type than the route takes.
#[derive(IntoResponses)]
#[response(status = 415)]
pub(crate) struct Unsupported(ErrorBody);

/// The body is JSON, and not of the form that is described.
#[derive(IntoResponses)]
#[response(status = 422)]
pub(crate) struct Misshapen(ErrorBody);

/// What may go wrong with whatever is pushed.
#[derive(IntoResponses)]
pub(crate) enum Pushed {
    /// It is not valid: nothing of it was taken.
    #[response(status = 400)]
    Invalid(ErrorBody),
    /// It comes from a page of another site.
    #[response(status = 403)]
    Foreign(ErrorBody),
    /// It took too long to arrive.
    #[response(status = 408)]
    Slow(ErrorBody),
    /// It is larger than `application.body_limit_mib`.
    #[response(status = 413)]
    TooLarge(ErrorBody),
    /// It has another media type or encoding.
    #[response(status = 415)]
    Unsupported(ErrorBody),
    /// There are too many requests from there; the header Retry-After says how long to wait.
    #[response(status = 429)]
    TooMany(ErrorBody),
    /// It cannot be kept now; the header Retry-After says how long to wait.
    #[response(status = 503)]
    Unavailable(ErrorBody),
}
