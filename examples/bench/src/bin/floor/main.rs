//! The yardstick: the least that a server can do.
//!
//! `a` reads no JSON: each message gets the same answer, which shows what the socket costs. `b` is
//! the least that a correct JSON-RPC server on tokio-tungstenite can do: one task for a connection,
//! one borrowed parse, the answer written by hand, one flush for all that was ready; a batch is read
//! and answered member by member. It checks no limits, cancels nothing and knows its methods by
//! heart. The runtime is that of the server that
//! it is compared with.

#![expect(clippy::print_stdout, reason = "a program that says where it listens")]

mod answer;
mod batch;
mod connection;
mod cursor;
mod groups;
mod request;

use std::sync::Arc;

use bench::Checked;
use connection::{Connection, Reply};
use groups::Groups;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Checked {
    let reply = match std::env::args().nth(1).as_deref() {
        Some("a") => Reply::Fixed,
        Some("b") => Reply::CallFuture,
        _ => return Err("usage: floor a|b".into()),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let groups = Arc::new(Groups::default());
    loop {
        let (stream, _) = listener.accept().await?;
        let groups = groups.clone();
        tokio::spawn(async move {
            // Its only error is that the connection has ended.
            if let Ok(mut connection) = Connection::accept(stream, reply, groups).await {
                let _ended = connection.run().await;
            }
        });
    }
}
