//! Attacks on the running program, over the wire as an attacker has it: each must come to nothing.

mod markup;
mod slow;
