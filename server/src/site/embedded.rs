//! The files in the program: the site as it was when the program was built.

/// Name and content of each.
static FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/files.rs"));

pub(super) fn read(name: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, content)| *content)
}

/// A build leaves one of each, so that there is no newer one.
pub(super) fn named(folder: &str, start: &str, end: &str) -> Option<String> {
    FILES.iter().find_map(|(path, _)| {
        let name = path.strip_prefix(folder)?;
        (name.starts_with(start) && name.ends_with(end)).then(|| name.to_owned())
    })
}
