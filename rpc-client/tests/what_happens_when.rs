//! The rows of the page `what_happens_when`: what a client and its server see of an event.

mod wire;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use rpc_client::{Client, Reconnect, State};
use rpc_core::{CallError, CloseCode, Fate, Limits, Link, StreamError, Streaming, service};
use rpc_server::{Connecting, Rejection, Server, ServerBuilder, Sessions};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use wire::{States, Wire, client, quick, soon};

#[service]
trait Work {
    /// Answers when it is let on.
    async fn slow(&self) -> u32;
    #[subscription]
    async fn numbers(&self) -> Streaming<u32>;
}

#[derive(Clone)]
struct Worker {
    begun: Arc<Semaphore>,
    goes_on: Arc<Semaphore>,
}

impl Worker {
    fn new() -> Self {
        let none = || Arc::new(Semaphore::new(0));
        Self { begun: none(), goes_on: none() }
    }
}

impl Work for Worker {
    async fn slow(&self) -> u32 {
        self.begun.add_permits(1);
        self.goes_on.acquire().await.unwrap().forget();
        7
    }

    /// 0, and then nothing.
    async fn numbers(&self) -> Streaming<u32> {
        let (sender, stream) = Streaming::channel(1);
        tokio::spawn(async move {
            let _ = sender.send(0).await;
            sender.closed().await;
        });
        stream
    }
}

/// What the hooks of a server have seen.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn add(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    async fn until(&self, expected: &[&str]) {
        let seen = || self.0.lock().unwrap().clone();
        soon(async {
            while seen() != expected {
                sleep(Duration::from_millis(1)).await;
                assert!(seen().len() <= expected.len(), "{:?}", seen());
            }
        })
        .await;
    }
}

fn server(worker: &Worker, seen: &Seen, keep: Duration) -> ServerBuilder {
    let (opened, linked, gone) = (seen.clone(), seen.clone(), seen.clone());
    let mut limits = Limits::server();
    limits.session_keep = keep;
    Server::builder()
        .limits(limits)
        .service(WorkServer::new(worker.clone()))
        .sessions(Sessions::new())
        .reconnect_after(Duration::ZERO, Duration::from_millis(10))
        .on_open(move |_| {
            opened.add("open");
            async {}
        })
        .on_link(move |_, link| linked.add(if link == Link::Up { "up" } else { "away" }))
        .on_disconnect(move |_, reason| {
            gone.add(format!("gone {}", reason.code.map_or(0, CloseCode::value)));
            async {}
        })
}

/// A client with a call on its way and a stream, and its server behind a wire that can be cut.
struct World {
    worker: Worker,
    seen: Seen,
    server: Server,
    wire: Wire,
    client: Client,
    states: States,
    numbers: Streaming<u32>,
    slow: tokio::task::JoinHandle<Result<u32, CallError>>,
    hooks: Arc<AtomicUsize>,
}

impl World {
    async fn new(keep: Duration) -> Self {
        Self::with(keep, |builder| builder).await
    }

    async fn with(keep: Duration, change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        let (worker, seen) = (Worker::new(), Seen::default());
        let server = change(server(&worker, &seen, keep)).bind("127.0.0.1:0").await.unwrap();
        let server = server.spawn();
        let wire = Wire::to(server.local_addr().unwrap()).await;
        let (builder, mut states) = client(quick());
        let hooks = Arc::<AtomicUsize>::default();
        let runs = hooks.clone();
        let builder = builder.on_session(move |_| {
            runs.fetch_add(1, Ordering::SeqCst);
            async {}
        });
        let client = soon(builder.connect(wire.url())).await.unwrap();
        states.up().await;
        let work = WorkClient::new(client.peer());
        let mut numbers = soon(work.numbers()).await.unwrap();
        assert_eq!(soon(numbers.next()).await, Some(Ok(0)));
        let slow = tokio::spawn(work.slow().into_future());
        soon(worker.begun.acquire()).await.unwrap().forget();
        Self { worker, seen, server, wire, client, states, numbers, slow, hooks }
    }

    async fn expect_resumed(mut self) {
        assert_eq!(self.states.up().await.to_string(), "up, session resumed");
        self.worker.goes_on.add_permits(1);
        assert_eq!(soon(self.slow).await.unwrap().unwrap(), 7);
        assert_eq!(self.hooks.load(Ordering::SeqCst), 1);
        assert!(self.numbers.next().now_or_never().is_none(), "no gap");
        assert_eq!(self.server.peers().len(), 1);
    }

    /// The session is another one.
    async fn expect_fresh(&mut self) {
        let state = self.states.up().await;
        assert!(matches!(state, State::Fresh { lost_calls: 1, gaps: 1, .. }), "{state}");
        let lost = soon(&mut self.slow).await.unwrap();
        assert!(
            matches!(lost, Err(CallError::Closed { fate: Fate::MaybeExecuted, .. })),
            "{lost:?}"
        );
        assert_eq!(soon(self.numbers.next()).await, Some(Err(StreamError::Gap { missed: 0 })));
        assert_eq!(soon(self.numbers.next()).await, Some(Ok(0)), "the stream goes on");
        assert_eq!(self.hooks.load(Ordering::SeqCst), 2);
    }

    async fn expect_end(mut self, code: CloseCode) {
        let ended =
            |state: &State| matches!(state, State::Ended(reason) if reason.code == Some(code));
        self.states.until(ended).await;
        assert!(soon(self.slow).await.unwrap().is_err());
        self.seen.until(&["open", &format!("gone {}", code.value())]).await;
        assert_eq!(self.wire.accepted(), 1, "the client does not come back");
    }
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_cut() {
    let world = World::new(LONG).await;
    world.wire.cut();
    world.seen.until(&["open", "away", "up"]).await;
    world.expect_resumed().await;
}

/// A client that sleeps makes no attempt, as if its server could not be reached.
#[tokio::test]
async fn a_short_sleep() {
    let world = World::new(LONG).await;
    let address = world.server.local_addr();
    world.wire.lead_to(None);
    world.wire.cut();
    world.seen.until(&["open", "away"]).await;
    sleep(2 * SHORT).await;
    world.wire.lead_to(address);
    world.expect_resumed().await;
}

#[tokio::test]
async fn a_long_sleep() {
    let mut world = World::new(SHORT).await;
    let address = world.server.local_addr();
    world.wire.lead_to(None);
    world.wire.cut();
    world.seen.until(&["open", "away", "gone 0"]).await;
    world.wire.lead_to(address);
    world.expect_fresh().await;
    world.seen.until(&["open", "away", "gone 0", "open"]).await;
}

#[tokio::test]
async fn a_killed_server() {
    let mut world = World::new(LONG).await;
    let seen = Seen::default();
    let other = server(&world.worker, &seen, LONG).bind("127.0.0.1:0").await.unwrap().spawn();
    world.wire.lead_to(None);
    world.wire.cut();
    world.states.until(|state| matches!(state, State::Away { .. })).await;
    let waits = tokio::spawn(WorkClient::new(world.client.peer()).slow().into_future());
    world.wire.lead_to(other.local_addr());
    world.expect_fresh().await;
    seen.until(&["open"]).await;
    world.worker.goes_on.add_permits(2);
    assert_eq!(soon(waits).await.unwrap().unwrap(), 7);
}

#[tokio::test]
async fn a_restarted_server() {
    let mut world = World::new(LONG).await;
    let seen = Seen::default();
    let other = server(&world.worker, &seen, LONG).bind("127.0.0.1:0").await.unwrap().spawn();
    let old = world.server.clone();
    world.wire.lead_to(other.local_addr());
    let stops = tokio::spawn(async move { old.shutdown(LONG).await });
    // The call that runs may end: the grace is long.
    world.worker.goes_on.add_permits(1);
    assert_eq!(soon(&mut world.slow).await.unwrap().unwrap(), 7);
    soon(stops).await.unwrap();
    world.seen.until(&["open", "gone 1012"]).await;
    let state = world.states.up().await;
    assert!(matches!(state, State::Fresh { lost_calls: 0, gaps: 1, .. }), "{state}");
    seen.until(&["open"]).await;
}

#[tokio::test]
async fn a_kick() {
    let world = World::new(LONG).await;
    world.server.kick(|_| true, CloseCode::FORBIDDEN, "out");
    world.expect_end(CloseCode::FORBIDDEN).await;
}

#[tokio::test]
async fn an_expired_login() {
    let world = World::with(LONG, |builder| {
        builder.on_connect(|connecting: Connecting| async move {
            connecting.peer().set_expiry(Duration::from_millis(500));
            Ok::<_, Rejection>(())
        })
    })
    .await;
    world.expect_end(CloseCode::NOT_AUTHENTICATED).await;
}

/// The old connection hangs: neither end hears that it is gone.
#[tokio::test]
async fn another_network() {
    let world = World::new(LONG).await;
    world.wire.stall();
    world.client.reconnect_now();
    world.seen.until(&["open", "up"]).await;
    assert_eq!(world.server.stats().sessions.taken_over, 1);
    world.expect_resumed().await;
}

#[tokio::test]
async fn two_windows() {
    let world = World::new(LONG).await;
    let other = Client::builder().reconnect(Reconnect::default()).connect(world.wire.url()).await;
    let other = other.unwrap();
    // Behind the second call the server knows that the client knows of its session.
    for _ in 0..2 {
        drop(soon(WorkClient::new(other.peer()).numbers()).await.unwrap());
    }
    world.wire.cut();
    soon(async {
        while world.server.stats().sessions.resumed < 2 {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert_eq!(world.server.peers().len(), 2);
    assert_ne!(world.client.peer().id(), other.peer().id());
}

#[test]
fn each_row_names_its_test() {
    let page = include_str!("../docs/what_happens_when.md");
    let rows = page.lines().filter(|line| line.starts_with("| ")).skip(1);
    let named: Vec<_> = rows.map(|row| row.rsplit('`').nth(1).unwrap()).collect();
    let source = include_str!("what_happens_when.rs");
    let tests = source.split("#[tokio::test]\nasync fn ").skip(1);
    let tests: Vec<_> = tests.map(|test| test.split('(').next().unwrap()).collect();
    assert_eq!(named, tests);
}
