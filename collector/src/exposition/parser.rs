//! From pieces of text to lines to series.

use jiff::Timestamp;

use super::assembly::Assembly;
use super::line::{Label, Line, read};
use super::{Format, Limits, ParseError, Parsed, Problem};

/// Reads a text as it comes in, in pieces of any size.
///
/// ```
/// use collector::exposition::{Format, Limits, Parser};
/// use jiff::Timestamp;
///
/// let mut parser = Parser::new(Format::Prometheus, Limits::default());
/// parser.feed(b"# TYPE jobs coun")?;
/// parser.feed(b"ter\njobs{queue=\"mail\"} 3\n")?;
/// let parsed = parser.finish(Timestamp::UNIX_EPOCH)?;
/// assert_eq!(parsed.exposition.series[0].labels["queue"], "mail");
/// # Ok::<(), collector::exposition::ParseError>(())
/// ```
#[derive(Debug)]
pub struct Parser {
    format: Format,
    limits: Limits,
    assembly: Assembly,
    /// The last line, of which the end has not come yet.
    unfinished: Vec<u8>,
    /// Whether that is too long and nothing of it counts.
    too_long: bool,
    ended: bool,
    lines: usize,
    /// Room for the labels of a line.
    labels: Vec<Label<'static>>,
}

impl Parser {
    /// A reader of one text.
    #[must_use]
    pub fn new(format: Format, limits: Limits) -> Self {
        Self {
            format,
            limits,
            assembly: Assembly::new(limits),
            unfinished: Vec::new(),
            too_long: false,
            ended: false,
            lines: 0,
            labels: Vec::new(),
        }
    }

    /// Reads the next piece.
    ///
    /// # Errors
    ///
    /// When a line is malformed. Nothing of the text counts then.
    pub fn feed(&mut self, mut text: &[u8]) -> Result<(), ParseError> {
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = text.split_at(end);
            text = &rest[1..];
            if self.unfinished.is_empty() && !self.too_long {
                self.line(line)?;
            } else {
                self.keep(line);
                self.unfinished_line()?;
            }
        }
        self.keep(text);
        Ok(())
    }

    /// What was read.
    ///
    /// # Errors
    ///
    /// When the last line is malformed, or the text has no end where it must.
    pub fn finish(mut self, at: Timestamp) -> Result<Parsed, ParseError> {
        if !self.unfinished.is_empty() || self.too_long {
            self.unfinished_line()?;
        }
        if self.format == Format::OpenMetrics && !self.ended {
            self.lines += 1;
            return Err(self.error(Problem::NoEnd));
        }
        Ok(self.assembly.finish(at))
    }

    fn keep(&mut self, text: &[u8]) {
        let room = self.limits.line_bytes.saturating_sub(self.unfinished.len());
        self.too_long |= text.len() > room;
        self.unfinished.extend_from_slice(&text[..text.len().min(room)]);
    }

    fn unfinished_line(&mut self) -> Result<(), ParseError> {
        let mut line = std::mem::take(&mut self.unfinished);
        if std::mem::take(&mut self.too_long) {
            self.left_out(&line)?;
        } else {
            self.line(&line)?;
        }
        line.clear();
        self.unfinished = line;
        Ok(())
    }

    /// Of a line that is too long.
    fn left_out(&mut self, beginning: &[u8]) -> Result<(), ParseError> {
        self.lines += 1;
        if self.ended {
            return Err(self.error(Problem::AfterEnd));
        }
        match beginning.trim_ascii_start().first() {
            Some(b'#') => {}
            Some(b'<') => return Err(self.error(Problem::WebPage)),
            _ => self.assembly.leave_out_line(),
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), ParseError> {
        if line.len() > self.limits.line_bytes {
            return self.left_out(line);
        }
        self.lines += 1;
        if self.ended {
            return Err(self.error(Problem::AfterEnd));
        }
        let mut labels = recycled(std::mem::take(&mut self.labels));
        let outcome = match std::str::from_utf8(line) {
            Err(_) => Err(Problem::NotUtf8),
            Ok(text) if text.ends_with('\r') => Err(Problem::CarriageReturn),
            Ok(text) if text.trim_start().starts_with('<') => Err(Problem::WebPage),
            Ok(text) => read(text, self.format, &mut labels),
        };
        let outcome = match outcome {
            Ok(Line::Nothing) => Ok(()),
            Ok(Line::Type(name, found)) => {
                self.assembly.set_type(name, found);
                Ok(())
            }
            Ok(Line::End) => {
                self.ended = true;
                Ok(())
            }
            Ok(Line::Sample(name, value)) => self.assembly.add(name, &mut labels, value),
            Err(problem) => Err(problem),
        };
        self.labels = recycled(labels);
        outcome.map_err(|problem| self.error(problem))
    }

    fn error(&self, problem: Problem) -> ParseError {
        ParseError { line: self.lines, format: self.format, problem }
    }
}

/// The same room, for labels of another line: collecting what is empty keeps the allocation.
fn recycled<'a>(mut labels: Vec<Label<'_>>) -> Vec<Label<'a>> {
    labels.clear();
    labels.into_iter().map_while(|_| None).collect()
}
