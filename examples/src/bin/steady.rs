//! A client that stays connected: it prints its states, and the ticks of a reference server.
//!
//! `steady URL [LIMIT=VALUE]…`, such as `steady ws://127.0.0.1:9944 ping=2s dead_after=5s`. Kill the server and start
//! it again, cut the network, or stop this process for a while, and see what is told.

#![allow(clippy::print_stdout, reason = "a program that talks to people")]

use std::env;
use std::error::Error;

use rpc_client::{Client, Reconnect};
use rpc_core::{Limits, StreamError, Streaming, service};

/// The part of the reference server that is of interest here.
#[service]
trait Reference {
    #[subscription]
    fn ticks(&self, count: u64, every_ms: u64) -> Streaming<u64>;
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().ok_or("usage: steady URL [LIMIT=VALUE]…")?;
    let mut limits = Limits::client();
    for limit in arguments {
        let (name, value) = limit.split_once('=').ok_or("a limit is NAME=VALUE")?;
        limits.set(name, value)?;
    }
    let client = Client::builder()
        .limits(limits)
        .reconnect(Reconnect::default().wait_for_first(true))
        .on_state(|state| println!("state: {state}"))
        .connect(url)
        .await?;
    let mut ticks = ReferenceClient::new(client.peer()).ticks(0, 20).await?;
    while let Some(tick) = ticks.next().await {
        match tick {
            Ok(tick) => println!("tick: {tick}"),
            // The stream goes on: the server is another one, or has forgotten this client.
            Err(StreamError::Gap { .. }) => println!("gap"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
