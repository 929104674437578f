//! What the panel of the business metrics says.

/// Its words in one language.
#[derive(Debug)]
pub struct BusinessWords {
    /// Page `/business`, and the panel.
    pub business: &'static str,
    /// What is counted: today, in a zone.
    pub today: fn(zone: &str) -> String,
    /// The link from the panel to its page.
    pub all: &'static str,
    /// The first are shown, and this many more exist.
    pub more: fn(count: usize) -> String,
    /// More than yesterday at the same time: the difference, and where it makes sense the same in %.
    pub increased: fn(difference: &str) -> String,
    /// Less than then.
    pub decreased: fn(difference: &str) -> String,
    /// As many as then.
    pub unchanged: &'static str,
    /// It is not known how many there were then.
    pub no_yesterday: &'static str,
    /// It is not known how many there are.
    pub not_counted: &'static str,
    /// Title of the week.
    pub week: &'static str,
    /// The weekdays from Sunday on, short.
    pub weekdays: [&'static str; 7],
    /// Today in the week, short.
    pub today_short: &'static str,
    /// Today in the week, in words: it is not over.
    pub so_far: &'static str,
    /// Column of a table.
    pub metric: &'static str,
    /// No newer reading has come since.
    pub old: fn(moment: &str) -> String,
}
