//! Programs that show what the framework does. Each ends by itself, so the tests can run it.
//!
//! `fleet` is the main one: a server calls its clients back, inside a call of another client.

#![forbid(unsafe_code)]

/// The README's code, for the compiler to check and the tests to run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
