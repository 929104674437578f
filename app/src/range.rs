//! What of the past the graphs show: one choice for the page, in its address, so that a link shows
//! the same picture and the back button the one before.

/// A span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    /// A quarter of an hour, moving on with every reading.
    #[default]
    Live,
    /// An hour until now.
    Hour,
    /// Six hours until now.
    SixHours,
    /// 24 hours until now.
    Day,
    /// Seven days until now.
    Week,
    /// 30 days until now.
    Month,
    /// After the first until the second, both in seconds since the epoch.
    Between(i64, i64),
}

impl Range {
    /// All that end now, shortest first.
    pub const ALL: [Self; 6] = [Self::Live, Self::Hour, Self::SixHours, Self::Day, Self::Week, Self::Month];
    /// Seconds of the shortest and the longest span.
    const LENGTHS: std::ops::RangeInclusive<i64> = 10..=10 * 366 * 24 * 3_600;

    /// As in the address; one between two times has no name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "15m",
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Between(..) => "",
        }
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
            Self::Between(from, to) => to - from,
        }
    }

    /// The one of this length that ends now; the live one for any other.
    #[must_use]
    pub fn of_seconds(seconds: i64) -> Self {
        Self::ALL.into_iter().find(|range| range.seconds() == seconds).unwrap_or_default()
    }
}

/// An earlier time that is seen beside the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// None.
    #[default]
    Nothing,
    /// The same time a day before.
    Day,
    /// The same time a week before.
    Week,
}

impl Compare {
    /// All, the least first.
    pub const ALL: [Self; 3] = [Self::Nothing, Self::Day, Self::Week];

    /// As in the address.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Day => "1d",
            Self::Week => "7d",
        }
    }

    /// How much earlier.
    #[must_use]
    pub fn seconds(self) -> i64 {
        match self {
            Self::Nothing => 0,
            Self::Day => 24 * 3_600,
            Self::Week => 7 * 24 * 3_600,
        }
    }
}

/// The range of a page, and what it is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The span of time.
    pub range: Range,
    /// The earlier one beside it.
    pub compare: Compare,
}

/// A link to the page at `path`. All links are relative, and every page is at the same depth: so they are right under any
/// base path.
#[must_use]
pub fn here(path: &str) -> String {
    format!("./{}", path.rsplit('/').next().unwrap_or_default())
}

impl Look {
    /// The one in the part of an address after its `?`. What makes no sense there counts as not said.
    #[must_use]
    pub fn of_search(search: &str) -> Self {
        let (mut look, mut from, mut to) = (Self::default(), None, None);
        for (name, value) in search.trim_start_matches('?').split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "range" => {
                    look.range = Range::ALL.into_iter().find(|range| range.name() == value).unwrap_or_default();
                }
                "from" => from = second(value),
                "to" => to = second(value),
                "compare" => {
                    look.compare = Compare::ALL.into_iter().find(|other| other.name() == value).unwrap_or_default();
                }
                _ => {}
            }
        }
        if let (Some(from), Some(to)) = (from, to)
            && Range::LENGTHS.contains(&(to - from))
        {
            look.range = Range::Between(from, to);
        }
        look
    }

    /// As in an address after its `?`; empty where there is nothing to say.
    #[must_use]
    pub fn search(self) -> String {
        let mut search = match self.range {
            Range::Live => String::new(),
            Range::Between(from, to) => format!("from={from}&to={to}"),
            other => format!("range={}", other.name()),
        };
        if self.compare != Compare::Nothing {
            if !search.is_empty() {
                search.push('&');
            }
            search.push_str("compare=");
            search.push_str(self.compare.name());
        }
        search
    }

    /// What a link to `path` with it is.
    #[must_use]
    pub fn link(self, path: &str) -> String {
        let search = self.search();
        if search.is_empty() { path.to_owned() } else { format!("{path}?{search}") }
    }

    /// The same with another range.
    #[must_use]
    pub fn with(self, range: Range) -> Self {
        Self { range, ..self }
    }

    /// The span of time, seen from `now`: after the one time and until the other.
    #[cfg(feature = "ssr")]
    #[must_use]
    pub fn span(self, now: jiff::Timestamp) -> (jiff::Timestamp, jiff::Timestamp) {
        let at = |second| jiff::Timestamp::from_second(second).unwrap_or(now);
        match self.range {
            Range::Between(from, to) => (at(from), at(to)),
            range => (at(now.as_second() - range.seconds()), now),
        }
    }

    /// Whether the graphs show what arrives live, and nothing has to be asked for.
    #[must_use]
    pub fn is_live(self) -> bool {
        self == Self::default()
    }
}

/// Seconds since the epoch: as a number, or as a form without script sends a local time, which is
/// in UTC there: `2026-11-27T05:30`.
fn second(text: &str) -> Option<i64> {
    if let Ok(second) = text.parse() {
        // A year of five digits is a mistake.
        return (0..=253_402_300_799).contains(&second).then_some(second);
    }
    #[cfg(feature = "ssr")]
    {
        let text = text.replace("%3A", ":");
        let long = if text.len() == "2026-11-27T05:30".len() { format!("{text}:00Z") } else { format!("{text}Z") };
        long.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
    }
    #[cfg(not(feature = "ssr"))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_its_look_and_nonsense_to_the_live_one() {
        let ranges = Range::ALL.into_iter().chain([Range::Between(1_000, 1_060)]);
        for (range, compare) in ranges.flat_map(|range| Compare::ALL.map(|compare| (range, compare))) {
            let look = Look { range, compare };
            let link = look.link("/system");
            assert_eq!(Look::of_search(link.strip_prefix("/system").unwrap()), look, "{link}");
        }
        let nonsense =
            ["", "?", "range=", "range=1y", "xrange=7d", "range=7d%20", "from=1", "from=9&to=1", "from=a&to=b"];
        for search in nonsense.into_iter().chain(["from=0&to=5", "from=-100&to=0", "from=1&to=99999999999999999999"]) {
            assert!(Look::of_search(search).is_live(), "{search}");
        }
        assert_eq!(Look::of_search("a=b&range=7d").range, Range::Week);
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn a_form_without_script_sends_times_in_utc() {
        let look = Look::of_search("from=2026-11-27T05%3A30&to=2026-11-27T06:30:15");
        assert_eq!(look.range, Range::Between(1_795_757_400, 1_795_757_400 + 3_615));
    }
}
