//! Small pieces that more than one page is made of.

mod disk_bar;
mod header;
mod html;
mod icon;
mod parts;
mod range_picker;
mod switches;
mod tile;
mod verdict;

pub use disk_bar::{disk_bar, disk_mark, disk_share};
pub use header::{Header, NAME};
pub use html::{Html, part, when};
pub use icon::{Icon, Shape};
pub use parts::Parts;
pub use tile::Tile;
pub use verdict::{VerdictStrip, host_name, window_title};
