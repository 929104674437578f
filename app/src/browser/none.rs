//! No browser.

use crate::theme::Theme;

/// Applies nothing.
pub fn apply_theme(_theme: Theme) {}

/// Follows nothing.
pub fn on_system_theme_change(_changed: impl Fn() + 'static) {}

/// No window, no title.
pub fn set_title(_title: &str) {}
