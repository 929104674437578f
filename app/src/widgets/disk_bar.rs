//! How full a file system is.

use collector::Mount;

use super::html::Html;
use super::icon::Shape;
use crate::format;
use crate::words::Words;

/// Over this many % a file system is nearly full (the rule HighDisk).
const HIGH: f64 = 90.0;
/// Over this many % it is as good as full (the rule CriticalDisk).
const CRITICAL: f64 = 95.0;

/// A mount point, its bar and its size.
pub fn disk_bar(html: &mut Html, words: &Words, mount: &Mount) {
    let usage = mount.disk_usage();
    html.element("<li class=\"disk\"><span class=\"disk-mount\" title=\"", &mount.mount, "\">").text(&mount.mount);
    html.mark("</span>");
    disk_mark(html, words, usage);
    let size = format::part_of(mount.used_bytes, mount.total_bytes);
    html.element("<span class=\"disk-size\">", &size, "</span>");
    disk_share(html, usage);
    html.mark("</li>");
}

/// A bar and the same in %.
pub fn disk_share(html: &mut Html, usage: f64) {
    let width = format::fixed(usage.clamp(0.0, 100.0), 2);
    html.mark("<span class=\"disk-share ").mark(class(usage));
    html.element(
        "\"><svg class=\"disk-bar\" aria-hidden=\"true\"><rect width=\"",
        &width,
        "%\" height=\"100%\" rx=\"3\"/></svg>",
    );
    html.element("<b class=\"disk-percent\">", &format::percent(usage), " %</b></span>");
}

/// A word and an icon when a file system is nearly full: the bar's colour says it only to some.
pub fn disk_mark(html: &mut Html, words: &Words, usage: f64) {
    let (shape, text) = match class(usage) {
        "disk-critical" => (Shape::Cross, words.disk_critical),
        "disk-high" => (Shape::Exclamation, words.disk_high),
        _ => return,
    };
    html.mark("<span class=\"disk-mark ").mark(class(usage)).mark("\">").icon(shape).text(text).mark("</span>");
}

fn class(usage: f64) -> &'static str {
    match usage {
        usage if usage > CRITICAL => "disk-critical",
        usage if usage > HIGH => "disk-high",
        _ => "",
    }
}
