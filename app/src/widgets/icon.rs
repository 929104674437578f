//! Pictures of one stroke or fill, in the colour of the text around them.

use leptos::prelude::*;

/// What an icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The product's mark.
    Pulse,
    /// A tick.
    Check,
    /// An exclamation mark.
    Exclamation,
    /// A cross.
    Cross,
    /// Three dots.
    Dots,
    /// A sun.
    Sun,
    /// A moon.
    Moon,
    /// A circle, half of it filled.
    Half,
    /// An arrow to the right.
    Right,
}

impl Shape {
    /// The strokes, in a box of 18 x 18.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Pulse => "M1.5 9H5l2.6-6.5 4 11L14.2 8l1 1h1.3",
            Self::Check => "M4.5 9.3L7.7 12.4L13.5 6",
            Self::Exclamation => "M9 4.5V9.7M9 13.1V13.3",
            Self::Cross => "M5.5 5.5L12.5 12.5M12.5 5.5L5.5 12.5",
            Self::Dots => "M4.6 9H4.7M9 9H9.1M13.3 9H13.4",
            Self::Sun => {
                "M9 5.8A3.2 3.2 0 1 0 9 12.2A3.2 3.2 0 1 0 9 5.8M9 1.8V2.8M9 15.2V16.2M1.8 9H2.8M15.2 9H16.2\
                 M3.9 3.9L4.6 4.6M13.4 13.4L14.1 14.1M14.1 3.9L13.4 4.6M4.6 13.4L3.9 14.1"
            }
            Self::Moon => "M14.8 10.6A6.2 6.2 0 1 1 7.4 3.2A5 5 0 0 0 14.8 10.6Z",
            Self::Half => {
                "M9 2.5A6.5 6.5 0 1 0 9 15.5A6.5 6.5 0 1 0 9 2.5ZM9 2.5V15.5M9 5H12.7M9 8H14.6M9 11H14.3M9 14H12"
            }
            Self::Right => "M3.5 9H14M10 5L14 9L10 13",
        }
    }
}

/// An icon beside words; it says nothing that they do not.
pub fn icon(shape: Shape) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 18 18" aria-hidden="true" focusable="false">
            <path d=shape.path()/>
        </svg>
    }
}
