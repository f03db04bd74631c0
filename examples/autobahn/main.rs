//! Our transport, alone, for the Autobahn test suite: it echoes text, as a server and as a client.
//!
//! `run` has the suite test both; what it said stands in `AUTOBAHN.md`.

#![allow(clippy::print_stdout, reason = "it tells where it listens and how far it is")]

mod args;
mod client;
mod echo;
mod handshake;
mod server;

use std::error::Error;

use args::{Command, HELP};
use rpc_core::Limits;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    match Command::from_env()? {
        Command::Help => println!("{HELP}"),
        Command::Server { listen } => server::serve(&listen).await?,
        Command::Client { url } => client::run_cases(&url).await?,
    }
    Ok(())
}

/// What the suite's largest cases need: messages of 16 MiB, and 4 MiB in fragments of 64 bytes.
/// Times and rates are for a connection, and there is none above this.
fn limits() -> Limits {
    let mut limits = Limits::server();
    limits.message_in = 16 * 1024 * 1024;
    limits.fragments = 2 * 4 * 1024 * 1024 / 64;
    limits
}
