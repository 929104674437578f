//! The tower layer of feature `http`, around services that end in every way there is.

#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

mod ends;
mod helpers;
mod limits;
mod text;
