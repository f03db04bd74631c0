//! Servers of the field, each played by traits: what wallets, agents and editors connect to.
//!
//! `field_server FAMILY` serves one family of clients on a free port, until it is ended. The first line on stdout says
//! where it listens. `field_server FAMILY --stdio` serves the process that has started it, as that family does: in lines,
//! or with the heads of language servers.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to people")]

mod back;
mod ethereum;
mod feed;
mod language;
mod mcp;
mod mcp_rounds;
mod solana;
mod substrate;
mod topics;

use std::error::Error;

use rpc_core::set_panic_hook;
use rpc_core::transport::Framing;

const USAGE: &str = "usage: field_server ethereum | language | mcp | mcp_rounds | solana | substrate | topics \
    [--stdio]";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::WARN)
        .init();
    set_panic_hook();
    let is_piped = std::env::args().nth(2).as_deref() == Some("--stdio");
    let server = match std::env::args().nth(1).as_deref() {
        Some("ethereum") => ethereum::server(),
        Some("language") if is_piped => language::server().framing(Framing::ContentLength),
        Some("language") => language::server(),
        Some("mcp") if is_piped => mcp::services(),
        Some("mcp") => mcp::server(),
        Some("mcp_rounds") => mcp_rounds::services(),
        Some("solana") => solana::server(),
        Some("substrate") => substrate::server(),
        Some("topics") => topics::server(),
        _ => return Err(USAGE.into()),
    };
    if is_piped {
        return Ok(server.serve_stdio().await?);
    }
    let bound = server.bind("127.0.0.1:0").await?;
    println!("listening on {}", bound.url());
    bound.serve().await;
    Ok(())
}
