//! Small pieces that more than one page is made of.

mod disk_bar;
mod drawn;
mod header;
mod html;
mod icon;
mod parts;
mod range_picker;
mod switches;
mod tile;
mod verdict;

pub use disk_bar::disk_bar;
#[cfg(feature = "ssr")]
pub(crate) use disk_bar::{disk_mark, disk_share};
pub use drawn::{drawn, drawn_section, write_section};
pub use header::{NAME, header};
pub use html::{Html, part, part_with_forms, when};
pub use icon::{Shape, icon};
pub use parts::parts;
pub use tile::Tile;
pub use verdict::{host_name, verdict_strip, window_icon, window_title};
