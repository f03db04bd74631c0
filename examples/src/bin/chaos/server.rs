//! The server. It lives on a runtime of its own, so that it can crash: all that it did stops in the middle.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rpc_core::{Limits, Peer};
use rpc_server::{Connecting, Rejection, Server, ServerStats, Sessions, StatusCode};
use tokio::runtime::{Builder, Runtime};
use tokio::time::interval;

use crate::Result;
use crate::actors::Actor;
use crate::books::{Books, Event, FaultKind};
use crate::contract::{MemberClient, WorkServer};
use crate::random::Random;
use crate::work::{End, Worker};

/// The group that all clients are in.
const ALL: &str = "all";

/// How long the server keeps a session without a link.
pub(crate) const KEEP: Duration = Duration::from_secs(2);

/// One life of the server.
pub(crate) struct Life {
    runtime: Runtime,
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    number: u64,
    books: Arc<Books>,
}

impl Life {
    pub(crate) async fn begin(books: &Arc<Books>, life: u64, random: Random) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let server = runtime.spawn(start(books.clone(), life, random)).await??;
        let address = server.local_addr().ok_or("a server on TCP has an address")?;
        Ok(Self { runtime, server, address, number: life, books: books.clone() })
    }

    /// Ends the life by a shutdown: what runs may come to its end.
    pub(crate) async fn shut_down(self, grace: Duration) {
        self.server.shutdown(grace).await;
        self.end();
    }

    /// Ends the life at once, in the middle of everything.
    pub(crate) fn crash(self) {
        self.books.write(|pages| pages.crashed.insert(self.number));
        self.end();
    }

    fn end(self) {
        let ServerStats { sessions, replayed, malformed, .. } = self.server.stats();
        self.books.count(Event::Resumed, sessions.resumed);
        self.books.count(Event::TakenOver, sessions.taken_over);
        self.books.count(Event::Replayed, replayed);
        self.books.count(Event::Malformed, malformed);
        self.runtime.shutdown_background();
    }
}

async fn start(books: Arc<Books>, life: u64, mut random: Random) -> Result<Server> {
    let (of_open, of_end) = (books.clone(), books.clone());
    let mut actors = random.fork();
    let actors = std::sync::Mutex::new(move || actors.fork());
    let mut limits = impatient(Limits::server());
    limits.session_keep = KEEP;
    let server = Server::builder()
        .service(WorkServer::new(Worker { books: books.clone(), end: End::Server { life } }))
        .limits(limits)
        .sessions(Sessions::new())
        .reconnect_after(Duration::from_millis(50), Duration::from_millis(400))
        .on_connect(admit)
        .on_open(move |peer| {
            let random = (actors.lock().expect("a random number"))();
            let books = of_open.clone();
            async move { open(&peer, &books, life, random).await }
        })
        .on_disconnect(move |peer, _| {
            of_end.closes(peer.id());
            async {}
        })
        .bind("127.0.0.1:0")
        .await?
        .spawn();
    tokio::spawn(push(server.clone(), books));
    Ok(server)
}

/// Finds out soon that a link is dead.
pub(crate) fn impatient(mut limits: Limits) -> Limits {
    limits.ping = Duration::from_millis(500);
    limits.dead_after = Duration::from_millis(1500);
    limits.handshake = Duration::from_secs(2);
    limits.ack_after = Duration::from_millis(500);
    limits
}

/// Gives each client its name, by which the server knows the client again.
async fn admit(connecting: Connecting) -> Result<(), Rejection> {
    let name = connecting.header("x-name").unwrap_or_default().to_owned();
    let named = connecting.peer().identify(name);
    named.map_err(|error| Rejection::new(StatusCode::BAD_REQUEST, error.to_string()))
}

/// A session begins: the client is told its name, and the server begins to work on it.
async fn open(peer: &Peer, books: &Arc<Books>, life: u64, random: Random) {
    let client = peer.identity().and_then(|name| name.parse().ok()).unwrap_or_default();
    books.opens(peer.id(), client, life);
    // An error means that the session has ended already.
    if MemberClient::new(peer.clone()).begun(peer.id()).await.is_ok()
        && peer.join_group(ALL).is_ok()
    {
        let end = End::Server { life };
        let actor = Actor { peer: peer.clone(), books: books.clone(), end, client };
        actor.spawn(4, random);
    }
}

/// Pushes numbers to all clients.
async fn push(server: Server, books: Arc<Books>) {
    let mut number = 0;
    let mut tick = interval(Duration::from_millis(10));
    while !books.is_over() {
        tick.tick().await;
        number += 1;
        if MemberClient::new(server.group(ALL)).pushed(number).await.is_err() {
            books.fault(FaultKind::SilentGap, format!("push {number} could not be sent"));
        }
        books.count(Event::Push, 1);
    }
}
