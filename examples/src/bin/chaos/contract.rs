//! What both ends offer each other, and what only clients offer.

use rpc_core::{Context, ErrorObject, Progress, Streaming, service};

/// Names one call, so that both ends can write down what became of it.
pub(crate) type Token = u64;

/// What both ends do for each other.
#[service(namespace = "work")]
pub(crate) trait Work {
    /// Waits, and answers the token.
    async fn echo(&self, token: Token, ms: u64) -> Token;

    /// Answers the text.
    async fn long(&self, token: Token, text: String) -> String;

    /// Reports the numbers from 1 to `count`.
    async fn steps(&self, token: Token, count: u64, progress: Progress<u64>) -> Token;

    /// Counts the items, which must be the numbers from 0.
    async fn sum(&self, token: Token, items: Streaming<u64>) -> Result<u64, ErrorObject>;

    /// Gives the numbers from 0, one in each `ms`.
    async fn count(&self, up_to: u64, ms: u64) -> Streaming<u64>;

    /// Notes of one sender have the numbers from 1.
    #[notification]
    async fn note(&self, cx: &Context, number: u64, padding: &str);
}

/// What the server tells its clients.
#[service(namespace = "member")]
pub(crate) trait Member {
    /// The first message of each session.
    #[notification]
    async fn begun(&self, session: &str);

    /// Pushed to the group of all clients. One server counts its pushes from 1.
    #[notification]
    async fn pushed(&self, number: u64);
}
