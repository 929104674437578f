//! Why a text could not be read.

use super::Format;

/// A line is malformed, and with it the whole scrape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not {}: {problem}; {}", .format.name(), .problem.remedy())]
pub struct ParseError {
    /// Which, from 1.
    pub line: usize,
    /// What the text is said to be.
    pub format: Format,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A web page came instead: of a login, an error, or an address without metrics.
    #[error("it is a web page")]
    WebPage,
    /// Bytes that are no text.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// Something else stands where this should be.
    #[error("expected {expected}, found {found:?}")]
    Unexpected {
        /// What should be there.
        expected: &'static str,
        /// The beginning of what is there.
        found: String,
    },
    /// A label's value has no end.
    #[error("the value of label {0} has no closing quote")]
    OpenQuote(String),
    /// Two labels of one name.
    #[error("label {0} is there twice")]
    LabelTwice(String),
    /// It ends as lines do on Windows.
    #[error("it ends with a carriage return")]
    CarriageReturn,
    /// A type that the format does not have.
    #[error("{0:?} is no type of a metric")]
    Type(String),
    /// In OpenMetrics a metric's name ends with its unit.
    #[error("the name {name} does not end with its unit {unit}")]
    Unit {
        /// The metric's name.
        name: String,
        /// Its unit.
        unit: String,
    },
    /// OpenMetrics ends with `# EOF`; without it the answer was cut.
    #[error("the text ends without # EOF")]
    NoEnd,
    /// Something follows that end.
    #[error("there is more after # EOF")]
    AfterEnd,
}

impl Problem {
    /// What stands at the beginning of `rest` instead of what was expected.
    pub(super) fn unexpected(expected: &'static str, rest: &str) -> Self {
        Self::Unexpected { expected, found: excerpt(rest) }
    }

    fn remedy(&self) -> &'static str {
        match self {
            Self::WebPage => "give the address of the application's metrics, often /metrics",
            Self::NotUtf8 => "have the application write its labels and help texts in UTF-8",
            Self::Unexpected { .. } | Self::OpenQuote(_) | Self::Type(_) | Self::Unit { .. } => {
                "correct what the application writes: promtool check metrics shows what is wrong with it"
            }
            Self::LabelTwice(_) => "have the application name each label of a series once",
            Self::CarriageReturn => "have the application end its lines with \\n alone",
            Self::NoEnd => "the answer was cut off: see whether the application or a proxy before it ends it early",
            Self::AfterEnd => "have the application write # EOF once, as its last line",
        }
    }
}

/// So much of a malformed line is shown.
const EXCERPT_CHARACTERS: usize = 40;

fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARACTERS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
