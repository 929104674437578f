//! The server draws a page once and follows nothing.

use super::LiveStore;

/// Does nothing.
pub fn connect(_store: LiveStore) {}
