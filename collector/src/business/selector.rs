//! Which scraped counters a setting means.

use std::fmt::Write as _;

use crate::Labels;
use crate::exposed::{Exposed, ExposedValue};
use crate::sample::is_metric_name;

/// `orders_total` or `orders_total{state="paid"}`: the counters of this name that have these labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    name: String,
    labels: Labels,
}

impl Selector {
    /// Reads what is written as in Prometheus' text format; `None` when it is not.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (name, rest) = match text.split_once('{') {
            Some((name, rest)) => (name.trim_end(), Some(rest.strip_suffix('}')?)),
            None => (text, None),
        };
        let labels = rest.map_or_else(|| Some(Labels::new()), labels)?;
        is_metric_name(name).then(|| Self { name: name.to_owned(), labels })
    }

    /// The value of a counter that is meant, or the number of observations of a histogram whose
    /// `_count` is; `None` for what is not meant or does not count.
    pub(super) fn value(&self, exposed: &Exposed) -> Option<f64> {
        let value = match &exposed.value {
            ExposedValue::Counter(value) => {
                let is_meant = exposed.name == self.name || exposed.name.strip_suffix("_total") == Some(&self.name);
                is_meant.then_some(*value)
            }
            ExposedValue::Histogram(histogram) => {
                (self.name.strip_suffix("_count") == Some(&exposed.name)).then(|| histogram.count())
            }
            ExposedValue::Gauge(_) => None,
        };
        let has_labels = self.labels.iter().all(|(name, value)| exposed.labels.get(name) == Some(value));
        value.filter(|_| has_labels)
    }
}

/// Name and labels of a series, as in Prometheus' text format.
pub(super) fn series(exposed: &Exposed) -> String {
    let mut text = exposed.name.clone();
    for (index, (name, value)) in exposed.labels.iter().enumerate() {
        let _ = write!(text, "{}{name}={value:?}", if index == 0 { '{' } else { ',' });
    }
    if !exposed.labels.is_empty() {
        text.push('}');
    }
    text
}

fn labels(mut text: &str) -> Option<Labels> {
    let mut labels = Labels::new();
    loop {
        text = text.trim_start();
        if text.is_empty() {
            return Some(labels);
        }
        let (name, rest) = text.split_once('=')?;
        let name = name.trim_end();
        if !is_metric_name(name) || name.contains(':') {
            return None;
        }
        let (value, rest) = quoted(rest.trim_start())?;
        labels.insert(name.to_owned(), value);
        text = rest.trim_start();
        match text.strip_prefix(',') {
            Some(rest) => text = rest,
            None if text.is_empty() => {}
            None => return None,
        }
    }
}

/// What is between quotes, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.strip_prefix('"')?.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => match characters.next()? {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exposed(name: &str, labels: &[(&str, &str)], value: f64) -> Exposed {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Exposed { name: name.to_owned(), labels, value: ExposedValue::Counter(value) }
    }

    #[test]
    fn a_selector_takes_the_counters_that_have_its_labels_and_maybe_others() {
        let paid = exposed("orders_total", &[("state", "paid"), ("shop", "a,b")], 3.0);
        for (text, meant) in [
            ("orders_total", true),
            ("orders", true),
            (" orders_total{state=\"paid\"} ", true),
            ("orders_total{ shop = \"a,b\" , state=\"paid\",}", true),
            ("orders_total{}", true),
            ("orders_total{state=\"open\"}", false),
            ("orders_total{country=\"jp\"}", false),
            ("order", false),
        ] {
            assert_eq!(Selector::parse(text).unwrap().value(&paid).is_some(), meant, "{text}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for text in
            ["", "{a=\"b\"}", "a b", "a{", "a{b}", "a{b=c}", "a{b=\"c}", "a{b=\"c\" d=\"e\"}", "a{1=\"b\"}", "1a"]
        {
            assert_eq!(Selector::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}") {
            let _ = Selector::parse(&text);
        }
    }
}
