//! Windows of streams that grow over a long link, and what that may take.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use rpc_core::memory::{self, Faults, Pipe};
use rpc_core::transport::{
    Accepted, ConnectionEvent, Endpoint, EndpointConfig, LinkError, PeerRegistry, Received,
    SessionMode, Transport,
};
use rpc_core::{Limits, Peer, Router, Streaming, service};
use tokio::time::{Instant, Sleep, sleep, timeout};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The round trip of the link.
const ROUND_TRIP: Duration = Duration::from_millis(100);

/// A delayed pipe with probes, which are answered after the round trip.
struct Long {
    pipe: Pipe,
    /// The answers that are on their way.
    asked: VecDeque<Pin<Box<Sleep>>>,
    answered: u64,
}

impl Transport for Long {
    fn poll_receive(&mut self, cx: &mut TaskContext<'_>, allowance: usize) -> Poll<Received> {
        while self.asked.front_mut().is_some_and(|answer| answer.as_mut().poll(cx).is_ready()) {
            self.asked.pop_front();
            self.answered += 1;
        }
        self.pipe.poll_receive(cx, allowance)
    }

    fn message(&self) -> &[u8] {
        self.pipe.message()
    }

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), LinkError>> {
        self.pipe.poll_ready(cx)
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.pipe.send(message)
    }

    fn poll_flush(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), LinkError>> {
        self.pipe.poll_flush(cx)
    }

    fn received_bytes(&self) -> u64 {
        self.pipe.received_bytes() + self.answered
    }

    fn ping(&mut self) -> Result<bool, LinkError> {
        self.asked.push_back(Box::pin(sleep(ROUND_TRIP)));
        Ok(true)
    }

    fn answered_probes(&self) -> u64 {
        self.answered
    }
}

#[service]
trait Chunks {
    /// As many chunks of 16 KiB as the other end takes.
    #[subscription]
    fn chunks(&self) -> Streaming<String>;
}

struct Endless;

impl Chunks for Endless {
    fn chunks(&self) -> Streaming<String> {
        Streaming::new(stream::repeat("x".repeat(16 * KIB)))
    }
}

/// One who takes chunks over a long link, and the registry of that end.
fn taker(registry: &PeerRegistry, change: impl FnOnce(&mut Limits)) -> Peer {
    let mut limits = Limits::client();
    change(&mut limits);
    let mut config = EndpointConfig::new(Router::new(), limits);
    config.registry = registry.clone();
    let taker = Endpoint::new(config);
    let services = Router::new().service(ChunksServer::new(Endless));
    let offers = Endpoint::new(EndpointConfig::new(services, Limits::server()));
    let (near, far) = memory::transports(64 * MIB);
    near.faults().delay(ROUND_TRIP / 2);
    taker.set_extended(true);
    offers.set_extended(false);
    let peer = taker.peer();
    tokio::spawn(taker.connect(Long { pipe: near, asked: VecDeque::new(), answered: 0 }));
    tokio::spawn(offers.connect(far));
    peer
}

async fn open(peer: &Peer) -> Streaming<String> {
    ChunksClient::new(peer.clone()).chunks().await.unwrap()
}

/// Takes so many bytes. Returns how long that took.
async fn take(stream: &mut Streaming<String>, bytes: usize) -> Duration {
    let begun = Instant::now();
    let mut taken = 0;
    while taken < bytes {
        taken += stream.next().await.unwrap().unwrap().len();
    }
    begun.elapsed()
}

/// With a window of 64 KiB these 12 MiB would take 19 s.
#[tokio::test(start_paused = true)]
async fn a_stream_fills_a_long_link_when_its_taker_is_quick() {
    let registry = PeerRegistry::new();
    let mut stream = open(&taker(&registry, |limits| limits.stream_window_max = 4 * MIB)).await;
    let took = take(&mut stream, 12 * MIB).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(registry.stream_windows(), 4 * MIB - 64 * KIB);
    let took = take(&mut stream, 8 * MIB).await;
    assert!(took <= 3 * ROUND_TRIP, "4 MiB in each round trip: {took:?}");
    drop(stream);
    assert_eq!(registry.stream_windows(), 0);
}

#[tokio::test(start_paused = true)]
async fn windows_stay_as_they_are_where_nothing_may_be_lent() {
    let registry = PeerRegistry::new();
    let mut stream = open(&taker(&registry, |limits| limits.stream_windows = 0)).await;
    let took = take(&mut stream, MIB).await;
    assert!(took >= 15 * ROUND_TRIP, "{took:?}");
    assert_eq!(registry.stream_windows(), 0);
}

/// A slow taker gives back what it was lent when it was quick.
#[tokio::test(start_paused = true)]
async fn the_window_of_a_taker_who_becomes_slow_shrinks() {
    let registry = PeerRegistry::new();
    let mut stream = open(&taker(&registry, |limits| limits.stream_window_max = MIB)).await;
    take(&mut stream, 4 * MIB).await;
    assert_eq!(registry.stream_windows(), MIB - 64 * KIB);
    for _ in 0..200 {
        take(&mut stream, 16 * KIB).await;
        sleep(10 * ROUND_TRIP).await;
    }
    assert_eq!(registry.stream_windows(), 0);
}

/// The streams of a connection share what it may be lent, and the connections what all may be.
#[tokio::test(start_paused = true)]
async fn no_more_is_lent_than_a_connection_and_all_together_may_have() {
    let registry = PeerRegistry::new();
    let change = |limits: &mut Limits| {
        (limits.stream_windows, limits.stream_windows_total) = (MIB, 3 * MIB / 2);
    };
    let peer = taker(&registry, change);
    let [mut one, mut two] = [open(&peer).await, open(&peer).await];
    tokio::join!(take(&mut one, 4 * MIB), take(&mut two, 4 * MIB));
    let of_one = registry.stream_windows();
    assert!((MIB / 2..=MIB).contains(&of_one), "{of_one}");
    let mut other = open(&taker(&registry, change)).await;
    tokio::join!(take(&mut one, 4 * MIB), take(&mut two, 4 * MIB), take(&mut other, 4 * MIB));
    let of_all = registry.stream_windows();
    assert!(of_all > of_one, "something is left for another connection");
    assert!(of_all <= 3 * MIB / 2, "{of_all}");
    // What a connection was lent comes back with its end.
    peer.close(rpc_core::CloseCode::NORMAL, "enough");
    peer.closed().await;
    drop((one, two));
    let of_other = registry.stream_windows();
    assert!(of_other < of_all, "{of_other}");
    drop(other);
    assert_eq!(registry.stream_windows(), 0);
}

#[service]
trait Log {
    #[notification]
    async fn write(&self, text: String);
    /// Is answered after all that was written.
    #[method(ordered)]
    async fn written(&self);
}

struct Quick;

impl Log for Quick {
    async fn write(&self, _: String) {}
    async fn written(&self) {}
}

/// A client that has a session over a long link, and its registry.
fn with_session(change: impl FnOnce(&mut Limits)) -> (Peer, PeerRegistry, Faults) {
    let mut limits = Limits::client();
    change(&mut limits);
    let mut config = EndpointConfig::new(Router::new(), limits);
    config.sessions = SessionMode::Ask;
    let (client, registry) = (Endpoint::new(config.clone()), config.registry);
    let mut config =
        EndpointConfig::new(Router::new().service(LogServer::new(Quick)), Limits::server());
    config.sessions = SessionMode::Grant;
    let server = Endpoint::new(config);
    server.set_extended(false);
    let (near, far) = memory::transports(64 * MIB);
    near.faults().delay(ROUND_TRIP / 2);
    let (peer, cuts) = (client.peer(), near.faults());
    tokio::spawn(async move {
        let mut connection = client.without_link();
        connection.attach(Long { pipe: near, asked: VecDeque::new(), answered: 0 }, true);
        while !matches!(connection.next_event().await, ConnectionEvent::Closed(_)) {}
    });
    tokio::spawn(async move {
        match server.accept(far, |_, _| true).await {
            Accepted::Fresh(connection) => drop(connection.await),
            Accepted::Resumed(_) => unreachable!("there is one link"),
        }
    });
    (peer, registry, cuts)
}

/// Writes so many bytes. Returns how long that took, with the answer that all has come.
async fn write(peer: &Peer, bytes: usize) -> Duration {
    let (log, begun) = (LogClient::new(peer.clone()), Instant::now());
    for _ in 0..bytes / (16 * KIB) {
        log.write("x".repeat(16 * KIB)).await.unwrap();
    }
    log.written().await.unwrap();
    begun.elapsed()
}

/// With `queue` alone, 1 MiB would be on its way in each round trip.
#[tokio::test(start_paused = true)]
async fn a_session_fills_a_long_link_and_gives_back_what_it_needs_no_more() {
    let (peer, registry, _) = with_session(|_| {});
    let took = write(&peer, 48 * MIB).await;
    assert!(took < 25 * ROUND_TRIP, "{took:?}");
    // What was taken in is acknowledged within 5 s.
    sleep(Duration::from_secs(11)).await;
    assert_eq!(registry.stream_windows(), 0);
    let (peer, registry, _) = with_session(|limits| limits.stream_windows = 0);
    let took = write(&peer, 8 * MIB).await;
    assert!(took > 7 * ROUND_TRIP, "{took:?}");
    assert_eq!(registry.stream_windows(), 0);
}

/// What was on its way when the link is lost exceeds what may wait without a link, and is kept all the same.
#[tokio::test(start_paused = true)]
async fn a_session_whose_window_has_grown_outlives_its_link() {
    let (peer, registry, link) = with_session(|limits| {
        (limits.stream_windows, limits.message_out) = (MIB, 64 * KIB);
    });
    let writer = tokio::spawn({
        let peer = peer.clone();
        async move { write(&peer, 500 * MIB).await }
    });
    sleep(30 * ROUND_TRIP).await;
    assert_eq!(registry.stream_windows(), MIB);
    link.cut();
    assert!(timeout(Duration::from_secs(5), peer.closed()).await.is_err(), "it may come back");
    assert!(!writer.is_finished());
    writer.abort();
    peer.close(rpc_core::CloseCode::NORMAL, "enough");
    peer.closed().await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(registry.stream_windows(), 0);
}
