//! How far back the graphs look: one choice for the page, in its address, so that a link shows
//! the same picture.

/// A span of time until now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    /// A quarter of an hour, moving on with every reading.
    #[default]
    Live,
    /// An hour.
    Hour,
    /// Six hours.
    SixHours,
    /// 24 hours.
    Day,
    /// Seven days.
    Week,
    /// 30 days.
    Month,
}

impl Range {
    /// All there are, shortest first.
    pub const ALL: [Self; 6] = [Self::Live, Self::Hour, Self::SixHours, Self::Day, Self::Week, Self::Month];

    /// As in the address.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "15m",
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// The range of this name; the live one for any other.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|range| range.name() == name).unwrap_or_default()
    }

    /// The range in the part of an address after its `?`.
    #[must_use]
    pub fn of_search(search: &str) -> Self {
        let pairs = search.trim_start_matches('?').split('&');
        pairs.filter_map(|pair| pair.strip_prefix("range=")).next_back().map(Self::of_name).unwrap_or_default()
    }

    /// What a link to `path` with this range is.
    #[must_use]
    pub fn link(self, path: &str) -> String {
        match self {
            Self::Live => path.to_owned(),
            other => format!("{path}?range={}", other.name()),
        }
    }

    /// The range of this length; the live one for any other.
    #[must_use]
    pub fn of_seconds(seconds: i64) -> Self {
        Self::ALL.into_iter().find(|range| range.seconds() == seconds).unwrap_or_default()
    }

    /// Its length.
    #[must_use]
    pub fn seconds(self) -> i64 {
        match self {
            Self::Live => 15 * 60,
            Self::Hour => 3_600,
            Self::SixHours => 6 * 3_600,
            Self::Day => 24 * 3_600,
            Self::Week => 7 * 24 * 3_600,
            Self::Month => 30 * 24 * 3_600,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_its_range_and_nonsense_to_the_live_one() {
        for range in Range::ALL {
            let link = range.link("/system");
            let search = link.strip_prefix("/system").unwrap();
            assert_eq!(Range::of_search(search), range);
        }
        for search in ["", "?", "range=", "range=1y", "xrange=7d", "range=7d%20"] {
            assert_eq!(Range::of_search(search), Range::Live, "{search}");
        }
        assert_eq!(Range::of_search("a=b&range=7d"), Range::Week);
    }
}
