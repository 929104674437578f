//! Why a text could not be read.

use super::{Expected, Format};
use crate::InJapanese;

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
        expected: Expected,
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
    pub(super) fn unexpected(expected: Expected, rest: &str) -> Self {
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

impl InJapanese for ParseError {
    fn ja(&self) -> String {
        let format = match self.format {
            Format::Prometheus => "Prometheus のテキスト形式",
            Format::OpenMetrics => "OpenMetrics のテキスト形式",
        };
        format!("{} 行目が {format}ではありません: {}。{}", self.line, self.problem.ja(), self.problem.remedy_ja())
    }
}

impl InJapanese for Problem {
    fn ja(&self) -> String {
        match self {
            Self::WebPage => "Web ページです".to_owned(),
            Self::NotUtf8 => "UTF-8 ではありません".to_owned(),
            Self::Unexpected { expected, found } => {
                format!("{}が必要なところに「{found}」があります", expected.ja())
            }
            Self::OpenQuote(label) => format!("ラベル「{label}」の値に閉じる引用符がありません"),
            Self::LabelTwice(label) => format!("ラベル「{label}」が 2 回あります"),
            Self::CarriageReturn => "行末に復帰文字 (CR) があります".to_owned(),
            Self::Type(found) => format!("「{found}」というメトリクスの型はありません"),
            Self::Unit { name, unit } => format!("名前「{name}」が単位「{unit}」で終わっていません"),
            Self::NoEnd => "最後に「# EOF」がありません".to_owned(),
            Self::AfterEnd => "「# EOF」のあとに続きがあります".to_owned(),
        }
    }
}

impl Problem {
    fn remedy_ja(&self) -> &'static str {
        match self {
            Self::WebPage => "アプリケーションのメトリクスのアドレス（多くは /metrics）を指定してください",
            Self::NotUtf8 => "アプリケーションがラベルと HELP を UTF-8 で出力するようにしてください",
            Self::Unexpected { .. } | Self::OpenQuote(_) | Self::Type(_) | Self::Unit { .. } => {
                "アプリケーションの出力を直してください。「promtool check metrics」で誤りを確認できます"
            }
            Self::LabelTwice(_) => "アプリケーションが系列の各ラベルを 1 回だけ出力するようにしてください",
            Self::CarriageReturn => "アプリケーションが行末を \\n だけにするようにしてください",
            Self::NoEnd => {
                "応答が途中で切れています。アプリケーションまたは手前のプロキシが途中で終えていないか確認してください"
            }
            Self::AfterEnd => "アプリケーションが「# EOF」を最後の行に 1 回だけ出力するようにしてください",
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
