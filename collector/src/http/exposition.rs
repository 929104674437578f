//! The text that a scraper gets, from what `prometheus-client` writes, which is OpenMetrics.

use std::fmt::{self, Write};

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use super::accept::Form;

/// All of a registry.
pub(super) fn text(registry: &Registry, form: Form) -> Result<String, fmt::Error> {
    match form {
        Form::OpenMetrics => {
            let mut text = String::new();
            encode(&mut text, registry)?;
            Ok(text)
        }
        Form::Prometheus => {
            let mut text = PrometheusText::default();
            encode(&mut text, registry)?;
            Ok(text.text)
        }
    }
}

/// Makes of OpenMetrics, as it is written, Prometheus' text format 0.0.4: there a counter's family
/// has the name of its samples, with `_total`; there are fewer types, no exemplars, no units, no end.
#[derive(Debug, Default)]
struct PrometheusText {
    text: String,
    /// Where the line begins that is being written.
    line: usize,
    /// Where the HELP line begins whose TYPE is to come, for only that says which name it gets.
    help: Option<usize>,
}

impl Write for PrometheusText {
    fn write_str(&mut self, mut piece: &str) -> fmt::Result {
        while let Some(end) = piece.find('\n') {
            let (line, rest) = piece.split_at(end + 1);
            self.text.push_str(line);
            self.end_line();
            piece = rest;
        }
        self.text.push_str(piece);
        Ok(())
    }
}

impl PrometheusText {
    fn end_line(&mut self) {
        let line = self.text.get(self.line..).unwrap_or_default();
        if let Some(rest) = line.strip_prefix("# ") {
            let keyword = rest.split([' ', '\n']).next().unwrap_or_default();
            match keyword {
                "HELP" => self.help = Some(self.line),
                "TYPE" => self.end_type(),
                _ => self.text.truncate(self.line),
            }
        } else if let Some(exemplar) = exemplar(line) {
            self.text.truncate(self.line + exemplar);
            self.text.push('\n');
        }
        self.line = self.text.len();
    }

    /// Rewrites the TYPE line, and the HELP line before it, where the name or the type is another.
    fn end_type(&mut self) {
        let line = self.text.get(self.line..).unwrap_or_default().trim_end();
        let mut words = line.splitn(4, ' ').skip(2);
        let (name, kind) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (suffix, kind) = match kind {
            "counter" => ("_total", "counter"),
            "info" => ("_info", "gauge"),
            "stateset" => ("", "gauge"),
            "unknown" => ("", "untyped"),
            _ => {
                self.help = None;
                return;
            }
        };
        let start = self.help.take().unwrap_or(self.line);
        let help = self.text.get(start..self.line).and_then(|help| help.strip_prefix("# HELP ")?.strip_prefix(name));
        let help = help.map(|help| format!("# HELP {name}{suffix}{help}")).unwrap_or_default();
        let lines = format!("{help}# TYPE {name}{suffix} {kind}\n");
        self.text.truncate(start);
        self.text.push_str(&lines);
    }
}

/// Where in a sample's line its exemplar begins; ` # ` in a label's value is none.
fn exemplar(line: &str) -> Option<usize> {
    const START: &str = " # ";
    if !line.contains(START) {
        return None;
    }
    let (mut quoted, mut escaped) = (false, false);
    line.bytes().enumerate().find_map(|(place, byte)| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b' ' if !quoted && line.get(place..).is_some_and(|rest| rest.starts_with(START)) => return Some(place),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(open_metrics: &str) -> String {
        let mut text = PrometheusText::default();
        // In pieces, as an encoder writes.
        for piece in open_metrics.split_inclusive(['_', ' ', '\n', '"']) {
            text.write_str(piece).unwrap();
        }
        let mut whole = PrometheusText::default();
        whole.write_str(open_metrics).unwrap();
        assert_eq!(whole.text, text.text);
        text.text
    }

    #[test]
    fn counters_get_the_name_of_their_samples_and_gauges_stay() {
        let open_metrics = "# HELP a_b Counts.\n# TYPE a_b counter\n# UNIT a_b bytes\na_b_total 1\n\
                            # HELP g Is.\n# TYPE g gauge\ng{x=\"# TYPE a_b counter\"} 2\n# EOF\n";
        let expected = "# HELP a_b_total Counts.\n# TYPE a_b_total counter\na_b_total 1\n\
                        # HELP g Is.\n# TYPE g gauge\ng{x=\"# TYPE a_b counter\"} 2\n";
        assert_eq!(converted(open_metrics), expected);
    }

    #[test]
    fn types_that_the_older_text_lacks_become_their_nearest() {
        let open_metrics = "# HELP build Is.\n# TYPE build info\nbuild_info{v=\"1\"} 1\n\
                            # HELP u Who knows.\n# TYPE u unknown\nu 1\n# TYPE c counter\nc_total 1\n# EOF\n";
        let expected = "# HELP build_info Is.\n# TYPE build_info gauge\nbuild_info{v=\"1\"} 1\n\
                        # HELP u Who knows.\n# TYPE u untyped\nu 1\n# TYPE c_total counter\nc_total 1\n";
        assert_eq!(converted(open_metrics), expected);
    }

    #[test]
    fn exemplars_go_and_what_only_looks_like_one_stays() {
        let open_metrics = "a_total{x=\"1 # {\\\" # {\"} 1 # {id=\"7\"} 0.5 1.5\na_total{x=\"\\\\\"} 2 # {} 1\n\
                            a_total{x=\"日本 # {}\"} 3\n# EOF\n";
        let expected = "a_total{x=\"1 # {\\\" # {\"} 1\na_total{x=\"\\\\\"} 2\na_total{x=\"日本 # {}\"} 3\n";
        assert_eq!(converted(open_metrics), expected);
    }
}
