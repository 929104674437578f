//! How full a file system is.

use collector::Mount;
use leptos::prelude::*;

use super::icon::{Icon, Shape};
use crate::format;
use crate::words::use_words;

/// Over this many % a file system is nearly full (the rule HighDisk).
const HIGH: f64 = 90.0;
/// Over this many % it is as good as full (the rule CriticalDisk).
const CRITICAL: f64 = 95.0;

/// A mount point, its bar and its size.
#[component]
pub fn DiskBar(
    /// The file system.
    mount: Mount,
) -> impl IntoView {
    view! {
        <li class="disk">
            <span class="disk-mount" title=mount.mount.clone()>{mount.mount.clone()}</span>
            <DiskMark usage=mount.disk_usage()/>
            <span class="disk-size">{format::part_of(mount.used_bytes, mount.total_bytes)}</span>
            <DiskShare usage=mount.disk_usage()/>
        </li>
    }
}

/// A bar and the same in %.
#[component]
pub fn DiskShare(
    /// % 0-100.
    usage: f64,
) -> impl IntoView {
    let width = format!("{:.2}%", usage.clamp(0.0, 100.0));
    view! {
        <span class=format!("disk-share {}", class(usage))>
            <svg class="disk-bar" aria-hidden="true"><rect width=width height="100%" rx="3"/></svg>
            <b class="disk-percent">{format::percent(usage)} " %"</b>
        </span>
    }
}

/// A word and an icon when a file system is nearly full: the bar's colour says it only to some.
#[component]
pub fn DiskMark(
    /// % 0-100.
    usage: f64,
) -> impl IntoView {
    let words = use_words();
    let (shape, text) = match class(usage) {
        "disk-critical" => (Shape::Cross, words.disk_critical),
        "disk-high" => (Shape::Exclamation, words.disk_high),
        _ => return None,
    };
    Some(view! { <span class=format!("disk-mark {}", class(usage))><Icon shape/>{text}</span> })
}

fn class(usage: f64) -> &'static str {
    match usage {
        usage if usage > CRITICAL => "disk-critical",
        usage if usage > HIGH => "disk-high",
        _ => "",
    }
}
