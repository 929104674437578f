//! Which scraped counters a setting means.

use std::fmt::Write as _;

use crate::exposed::{Exposed, ExposedValue};
use crate::matchers::{Matchers, metric_name};

/// `orders_total` or `orders_total{state="paid"}`: the counters of this name that have these labels.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    name: String,
    labels: Matchers,
}

impl Selector {
    /// Reads what is written as in PromQL; `None` when it is not.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (name, rest) = metric_name(text)?;
        let (labels, rest) = Matchers::parse(rest).ok()?;
        rest.is_empty().then(|| Self { name: name.to_owned(), labels })
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
        value.filter(|_| self.labels.select(&exposed.labels))
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
            ("orders_total{state=~\"paid|sent\"}", true),
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
            assert!(Selector::parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}") {
            let _ = Selector::parse(&text);
        }
    }
}
