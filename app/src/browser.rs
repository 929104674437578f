//! The few things only a browser knows. On the server every question has a neutral answer, so
//! that whoever asks needs no `cfg`.

#[cfg_attr(feature = "hydrate", path = "browser/wasm.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "browser/none.rs")]
mod here;

pub use here::*;
