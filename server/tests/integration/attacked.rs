//! Attacks on the running program, over the wire as an attacker has it: each must come to nothing.

mod fuzzed;
mod injection;
mod line;
mod markup;
mod origins;
mod parameters;
mod secrets;
mod slow;
mod traversal;

use collector::rules::{DEFAULT_FILE, Rules};

use crate::helpers::Place;

/// Switches all alerts off, whatever the machine is at.
fn no_rules(place: &Place) {
    let rules = Rules::read("").unwrap();
    let off = rules.iter().map(|rule| format!("[[rule]]\nalert = '{}'\nenabled = false\n", rule.name));
    std::fs::write(place.path().join(DEFAULT_FILE), off.collect::<String>()).unwrap();
}
