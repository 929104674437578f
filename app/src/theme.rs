//! Light or dark: the system's setting, unless the cookie `theme` says otherwise.

use leptos::prelude::*;

/// What the viewer chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// The value of the cookie and of the switch.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The value of `data-theme` on `<html>`; the system's setting needs none.
    #[must_use]
    pub fn attribute(self) -> Option<&'static str> {
        (self != Self::System).then(|| self.name())
    }

    /// The theme of a cookie or a `data-theme`; anything unknown is the system's.
    #[must_use]
    pub fn from_name(name: Option<&str>) -> Self {
        match name {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }
}

/// The theme of this page.
#[derive(Clone, Copy, Debug)]
pub struct PageTheme {
    /// The viewer's choice.
    pub choice: RwSignal<Theme>,
}

impl PageTheme {
    /// The theme the page was delivered with.
    #[must_use]
    pub fn new(choice: Theme) -> Self {
        Self { choice: RwSignal::new(choice) }
    }

    /// Switches at once, and for the pages to come.
    pub fn choose(self, theme: Theme) {
        self.choice.set(theme);
        crate::browser::apply_theme(theme);
    }
}
