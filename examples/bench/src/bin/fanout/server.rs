//! The server, which tells all clients the same.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bench::{Checked, usage};
use rpc_core::{Change, Context, Limits, Live, Streaming, Topic};
use rpc_server::Server;
use serde_json::value::{RawValue, to_raw_value};
use tokio::process::Command;
use tokio::sync::watch;

use crate::told::{HearsClient, Rows, Tells, TellsServer};

/// How often the clients are told.
const ROUNDS: u64 = 20;

/// How it is told.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Group,
    Topic,
    Whole,
    Live,
}

/// The cost of the messages.
pub(crate) struct Told {
    /// Items, over all clients.
    pub(crate) count: u64,
    /// Their bytes of JSON text.
    pub(crate) bytes: u64,
    pub(crate) cpu_ns: u64,
}

/// Counts the items that the clients have reported.
#[derive(Clone, Copy, Default)]
struct Heard {
    count: u64,
    bytes: u64,
}

#[derive(Clone)]
struct Board {
    topic: Topic<Box<RawValue>>,
    live: Live<Rows>,
    heard: watch::Sender<Heard>,
}

impl Tells for Board {
    fn join(&self, cx: &Context) {
        cx.peer().join_group("all").expect("no client is in many groups");
    }

    fn events(&self) -> Streaming<Box<RawValue>> {
        self.topic.subscribe()
    }

    fn values(&self) -> Streaming<Box<RawValue>> {
        self.topic.subscribe()
    }

    fn changes(&self) -> Streaming<Change<Rows>> {
        self.live.subscribe()
    }

    fn heard(&self, count: u64, bytes: u64) {
        self.heard.send_replace(Heard { count, bytes });
    }
}

impl Board {
    fn new() -> Self {
        let rows = (0..500).map(|row| {
            (format!("row {row:04}"), vec![row, 4_000_000_000, 5_000_000_000, 6_000_000_000])
        });
        // 18 numbers of eleven digits make a row of 200 bytes.
        let rows = rows.map(|(name, mut row)| {
            row.resize(18, 7_000_000_000);
            (name, row)
        });
        Self {
            topic: Topic::new(),
            live: Live::new(rows.collect()),
            heard: watch::Sender::default(),
        }
    }

    /// Changes one row of a hundred.
    fn change(&self, round: u64) {
        self.live.update(|rows| {
            for row in
                rows.values_mut().skip(usize::try_from(round % 100).unwrap_or(0)).step_by(100)
            {
                row.fill(8_000_000_000 + round);
            }
        });
    }

    async fn tell(&self, kind: Kind, server: &Server, round: u64) -> Checked<()> {
        match kind {
            Kind::Group => {
                let event = event()?;
                HearsClient::new(server.group("all")).event(&event).await?;
            }
            Kind::Topic => _ = self.topic.publish(event()?)?,
            Kind::Whole => {
                self.change(round);
                _ = self.topic.publish(self.live.read(to_raw_value)?)?;
            }
            Kind::Live => self.change(round),
        }
        Ok(())
    }

    /// Waits until the clients have reported this number of items.
    async fn wait(&self, count: u64) -> Checked<Heard> {
        let mut heard = self.heard.subscribe();
        let all = heard.wait_for(|heard| heard.count >= count);
        Ok(*tokio::time::timeout(Duration::from_secs(120), all).await??)
    }
}

fn event() -> serde_json::Result<Box<RawValue>> {
    to_raw_value(&"x".repeat(98))
}

/// Sends to this number of clients, and measures this process.
pub(crate) async fn tell(kind: Kind, clients: usize) -> Checked<Told> {
    let board = Board::new();
    let mut limits = Limits::server();
    limits.connections = clients + 1;
    let server =
        Server::builder().service(TellsServer::shared(Arc::new(board.clone()))).limits(limits);
    let server = server.bind("127.0.0.1:0").await?.spawn();
    let url = format!("ws://{}/", server.local_addr().ok_or("the server has no address")?);
    let name = match kind {
        Kind::Group => "group",
        Kind::Topic => "topic",
        Kind::Whole => "whole",
        Kind::Live => "live",
    };
    let mut child = Command::new(std::env::current_exe()?)
        .args(["clients", &url, name, &clients.to_string()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let clients = clients as u64;
    // The clients tell what they have heard when all are connected. A live value begins with its first item.
    let mut heard = board.wait_connected(&server, clients).await?;
    let begun = heard;
    let cpu = usage::cpu_nanoseconds("self")?;
    for round in 1..=ROUNDS {
        board.tell(kind, &server, round).await?;
        heard = board.wait(begun.count + round * clients).await?;
    }
    let cpu_ns = usage::cpu_nanoseconds("self")? - cpu;
    let (count, bytes) = (heard.count - begun.count, heard.bytes - begun.bytes);
    server.shutdown(Duration::ZERO).await;
    child.kill().await?;
    Ok(Told { count, bytes, cpu_ns })
}

impl Board {
    /// Waits until all clients take what they are told.
    async fn wait_connected(&self, server: &Server, clients: u64) -> Checked<Heard> {
        let mut heard = self.heard.subscribe();
        heard.changed().await?;
        while (server.peers().len() as u64) < clients || self.takers(server) < clients {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // What came with the subscriptions is heard, and nothing else is on its way.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let heard = *heard.borrow();
        Ok(heard)
    }

    fn takers(&self, server: &Server) -> u64 {
        let grouped = server.group("all").members().len();
        grouped.max(self.topic.takers()).max(self.live.watchers()) as u64
    }
}
