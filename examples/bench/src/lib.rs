//! What the programs of the benchmark share: the trait that is called, and the readings that are
//! taken of a process.

#![forbid(unsafe_code)]

use rpc_core::service;

pub use cases::{Checked, usage};
pub use times::Times;

mod times;

/// The method that everyone calls, in both directions.
#[service]
pub trait Adder {
    /// The sum.
    async fn add(&self, a: i64, b: i64) -> i64;
}

/// What is sent there without an answer.
#[service]
pub trait Pile {
    /// Puts a text onto the pile.
    #[notification]
    fn put(&self, text: &str);

    /// The bytes of all texts.
    fn height(&self) -> u64;
}
