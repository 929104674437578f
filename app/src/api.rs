//! Server functions: what a page asks for once. What it is told without asking is `live`.

pub mod system;
