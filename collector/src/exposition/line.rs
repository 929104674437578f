//! One line, taken apart. What its parts mean together is `assembly`'s.

use std::borrow::Cow;

use super::{Expected, Format, Problem};

/// A label as it stands in the line.
pub(super) type Label<'a> = (&'a str, Cow<'a, str>);

/// What a line says; the labels of a sample are beside it.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'a> {
    /// Nothing that counts.
    Nothing,
    /// What type a metric has.
    Type(&'a str, Type),
    /// `# EOF`
    End,
    /// A number of the series of this name.
    Sample(&'a str, f64),
}

/// What `# TYPE` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Unknown,
}

impl Type {
    fn of(word: &str, format: Format) -> Option<Self> {
        match (word, format) {
            ("counter", _) => Some(Self::Counter),
            ("gauge", _) | ("info" | "stateset", Format::OpenMetrics) => Some(Self::Gauge),
            ("histogram", _) => Some(Self::Histogram),
            ("gaugehistogram", Format::OpenMetrics) => Some(Self::GaugeHistogram),
            ("summary", _) => Some(Self::Summary),
            ("untyped", Format::Prometheus) | ("unknown", Format::OpenMetrics) => Some(Self::Unknown),
            _ => None,
        }
    }
}

/// Takes a line apart, and adds a sample's labels to `labels`, which are empty.
pub(super) fn read<'a>(line: &'a str, format: Format, labels: &mut Vec<Label<'a>>) -> Result<Line<'a>, Problem> {
    let mut cursor = Cursor { rest: line, format };
    match format {
        Format::Prometheus => {
            cursor.skip_blanks();
            if cursor.rest.is_empty() {
                return Ok(Line::Nothing);
            }
        }
        Format::OpenMetrics if line == "# EOF" => return Ok(Line::End),
        Format::OpenMetrics => {}
    }
    if cursor.rest.starts_with('#') { comment(&cursor) } else { cursor.sample(labels) }
}

/// `# TYPE name type`, `# HELP name text`, `# UNIT name unit`, and in Prometheus' text any comment.
fn comment<'a>(cursor: &Cursor<'a>) -> Result<Line<'a>, Problem> {
    let (text, format) = (&cursor.rest[1..], cursor.format);
    let word = |text: &'a str| match format {
        Format::Prometheus => {
            let text = text.trim_start_matches(is_blank);
            text.split_once(is_blank).unwrap_or((text, ""))
        }
        Format::OpenMetrics => text.split_once(' ').unwrap_or((text, "")),
    };
    let strict = format == Format::OpenMetrics;
    if strict && !text.starts_with(' ') {
        return Err(Problem::unexpected(Expected::Keyword, cursor.rest));
    }
    let (keyword, rest) = word(text.strip_prefix(' ').unwrap_or(text));
    // To Prometheus a keyword with nothing behind it, not even a blank, is a comment like any other.
    let is_alone = !strict && text.trim_start_matches(is_blank) == keyword;
    let is_known = matches!(keyword, "TYPE" | "HELP") || (strict && keyword == "UNIT");
    if is_alone || !is_known {
        return if strict { Err(Problem::unexpected(Expected::Keyword, cursor.rest)) } else { Ok(Line::Nothing) };
    }
    let (name, rest) = word(rest);
    let mut name_cursor = Cursor { rest: name, format };
    name_cursor.name(Expected::MetricName, is_metric_name_byte)?;
    if !name_cursor.rest.is_empty() {
        return Err(Problem::unexpected(Expected::SpaceAfterName, name_cursor.rest));
    }
    match keyword {
        "TYPE" => {
            let found = if strict { rest } else { rest.trim_matches(is_blank) };
            let found_type = Type::of(found, format).ok_or_else(|| Problem::Type(found.to_owned()))?;
            Ok(Line::Type(name, found_type))
        }
        "UNIT" if !rest.is_empty() && name.strip_suffix(rest).is_none_or(|stem| !stem.ends_with('_')) => {
            Err(Problem::Unit { name: name.to_owned(), unit: rest.to_owned() })
        }
        _ => Ok(Line::Nothing),
    }
}

/// The part of a line that is not read yet.
struct Cursor<'a> {
    rest: &'a str,
    format: Format,
}

impl<'a> Cursor<'a> {
    /// `name{label="value",...} value [timestamp] [# exemplar]`
    fn sample(&mut self, labels: &mut Vec<Label<'a>>) -> Result<Line<'a>, Problem> {
        let name = self.name(Expected::MetricName, is_metric_name_byte)?;
        self.skip_blanks();
        if self.take('{') {
            self.labels(labels)?;
        }
        let value = number(self.field(Expected::Value)?)?;
        match self.format {
            Format::Prometheus => {
                self.skip_blanks();
                if !self.rest.is_empty() {
                    let timestamp = self.field(Expected::Timestamp)?;
                    timestamp.parse::<i64>().map_err(|_| Problem::unexpected(Expected::Milliseconds, timestamp))?;
                    self.skip_blanks();
                }
            }
            Format::OpenMetrics => self.timestamp_and_exemplar()?,
        }
        match self.rest.is_empty() {
            true => Ok(Line::Sample(name, value)),
            false => Err(Problem::unexpected(Expected::End, self.rest)),
        }
    }

    fn timestamp_and_exemplar(&mut self) -> Result<(), Problem> {
        if !self.rest.is_empty() && !self.rest.starts_with(" #") {
            seconds(self.field(Expected::Timestamp)?)?;
        }
        let Some(exemplar) = self.rest.strip_prefix(" # ") else { return Ok(()) };
        self.rest = exemplar;
        if !self.take('{') {
            return Err(Problem::unexpected(Expected::ExemplarLabels, self.rest));
        }
        self.labels(&mut Vec::new())?;
        number(self.field(Expected::ExemplarValue)?)?;
        if !self.rest.is_empty() {
            seconds(self.field(Expected::ExemplarTimestamp)?)?;
        }
        Ok(())
    }

    /// What follows `{`, with the closing brace.
    fn labels(&mut self, labels: &mut Vec<Label<'a>>) -> Result<(), Problem> {
        loop {
            self.skip_blanks();
            if self.take('}') {
                return Ok(());
            }
            let name = self.name(Expected::LabelName, is_label_name_byte)?;
            self.skip_blanks();
            if !self.take('=') {
                return Err(Problem::unexpected(Expected::Equals, self.rest));
            }
            self.skip_blanks();
            if !self.take('"') {
                return Err(Problem::unexpected(Expected::LabelValue, self.rest));
            }
            let value = self.quoted().ok_or_else(|| Problem::OpenQuote(name.to_owned()))?;
            labels.push((name, value));
            self.skip_blanks();
            // As Prometheus has it: a comma may follow the last label, and in its own format none
            // is needed between two.
            let comma = self.take(',');
            if !comma && self.format == Format::OpenMetrics && !self.rest.starts_with('}') {
                return Err(Problem::unexpected(Expected::Comma, self.rest));
            }
        }
    }

    /// What follows a quote, with the closing one. Of escapes there are `\\`, `\"` and `\n`; any
    /// other backslash stands for itself.
    fn quoted(&mut self) -> Option<Cow<'a, str>> {
        let text = self.rest;
        let end = text.find(['"', '\\'])?;
        if text.as_bytes()[end] == b'"' {
            self.rest = &text[end + 1..];
            return Some(Cow::Borrowed(&text[..end]));
        }
        let mut value = text[..end].to_owned();
        let mut characters = text[end..].chars();
        loop {
            match characters.next()? {
                '"' => break,
                '\\' => match characters.next()? {
                    'n' => value.push('\n'),
                    escaped @ ('\\' | '"') => value.push(escaped),
                    other => value.extend(['\\', other]),
                },
                other => value.push(other),
            }
        }
        self.rest = characters.as_str();
        Some(Cow::Owned(value))
    }

    fn name(&mut self, expected: Expected, is_of_name: fn(u8) -> bool) -> Result<&'a str, Problem> {
        let end = self.rest.bytes().position(|byte| !is_of_name(byte)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty() || name.as_bytes()[0].is_ascii_digit() {
            return Err(Problem::unexpected(expected, self.rest));
        }
        self.rest = rest;
        Ok(name)
    }

    /// What stands between blanks; exactly one before it in OpenMetrics.
    fn field(&mut self, expected: Expected) -> Result<&'a str, Problem> {
        let text = match self.format {
            Format::Prometheus => self.rest.trim_start_matches(is_blank),
            Format::OpenMetrics => {
                self.rest.strip_prefix(' ').ok_or_else(|| Problem::unexpected(Expected::Space, self.rest))?
            }
        };
        let end = text.find(is_blank).unwrap_or(text.len());
        let (field, rest) = text.split_at(end);
        if field.is_empty() {
            return Err(Problem::unexpected(expected, text));
        }
        self.rest = rest;
        Ok(field)
    }

    fn take(&mut self, expected: char) -> bool {
        let rest = self.rest.strip_prefix(expected);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Blanks between the parts of a line are of Prometheus' text only.
    fn skip_blanks(&mut self) {
        if self.format == Format::Prometheus {
            self.rest = self.rest.trim_start_matches(is_blank);
        }
    }
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

fn is_metric_name_byte(byte: u8) -> bool {
    is_label_name_byte(byte) || byte == b':'
}

fn is_label_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// As Go's `strconv.ParseFloat`: what is too large for a number is none.
pub(super) fn number(text: &str) -> Result<f64, Problem> {
    let number = text.parse::<f64>().ok();
    let says_infinite = || text.trim_start_matches(['+', '-']).starts_with(['i', 'I']);
    number
        .filter(|number| !number.is_infinite() || says_infinite())
        .ok_or_else(|| Problem::unexpected(Expected::Number, text))
}

fn seconds(text: &str) -> Result<f64, Problem> {
    let number = number(text).ok().filter(|number| number.is_finite());
    number.ok_or_else(|| Problem::unexpected(Expected::Seconds, text))
}
