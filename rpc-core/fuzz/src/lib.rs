//! What must hold whatever the other end sends; a fuzz target for each module here, by its name.
//!
//! The checks are plain functions of bytes. Every file in `seeds/`, and with it every crash that was put
//! there, comes first.

pub mod batches;
pub mod connection;
pub mod envelope;
mod exchange;
mod far;
mod frames;
pub mod ids;
pub mod streams;
mod tally;
pub mod websocket;

/// The text that an input begins with: the rest is lost, as a mutation in the middle of a character
/// would else waste the whole input.
fn text(input: &[u8]) -> &str {
    match std::str::from_utf8(input) {
        Ok(text) => text,
        Err(error) => {
            std::str::from_utf8(&input[..error.valid_up_to()]).expect("it was found valid so far")
        }
    }
}

/// Runs a check on a clock that stands still until all tasks wait for it.
fn paused(check: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a clock needs nothing of the system");
    runtime.block_on(check);
}
