//! The timetable.

mod save;

pub(crate) use save::{Saving, save_all, save_regularly};
