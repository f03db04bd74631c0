//! A session outlives its links: another transport takes the place of the one before, and all that belongs to the
//! session goes on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rpc_core::memory::{self, Pipe};
use rpc_core::transport::{
    Accepted, Connection, ConnectionEvent, Endpoint, EndpointConfig, PeerRegistry, SessionMode,
};
use rpc_core::{
    CallError, CloseCode, CloseReason, Context, Fate, Limits, Peer, Result, Router, StreamError,
    Streaming, service,
};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::sleep;

#[service]
trait Work {
    /// Answers when it is let on.
    async fn slow(&self, cx: &Context) -> Result<u32>;
    /// Answers when it is let on, and is of no use to a caller who is away.
    #[method(stop_while_away)]
    async fn draw(&self) -> u32;
    /// The same, after all that came before.
    #[method(stop_while_away, ordered)]
    async fn draw_last(&self) -> u32;
    async fn echo(&self, text: String) -> String;
    async fn count(&self, cx: &Context) -> Result<u32>;
    async fn join(&self, cx: &Context) -> Result<()>;
    #[subscription]
    async fn ticks(&self) -> Streaming<u32>;
}

#[service]
trait Hears {
    #[notification]
    async fn pushed(&self, text: String);
}

#[derive(Default)]
struct Worker {
    goes_on: Notify,
    /// How many drawings have begun, and how many have ended in any way.
    drawings: (AtomicU32, AtomicU32),
}

impl Worker {
    async fn draw(&self) -> u32 {
        /// Counts when it is dropped.
        struct Ends<'a>(&'a AtomicU32);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (begun, ended) = &self.drawings;
        begun.fetch_add(1, Ordering::Relaxed);
        let _ends = Ends(ended);
        self.goes_on.notified().await;
        9
    }

    fn drawings(&self) -> (u32, u32) {
        let (begun, ended) = &self.drawings;
        (begun.load(Ordering::Relaxed), ended.load(Ordering::Relaxed))
    }
}

impl Work for std::sync::Arc<Worker> {
    async fn slow(&self, _: &Context) -> Result<u32> {
        self.goes_on.notified().await;
        Ok(7)
    }

    async fn draw(&self) -> u32 {
        Worker::draw(self).await
    }

    async fn draw_last(&self) -> u32 {
        Worker::draw(self).await
    }

    async fn echo(&self, text: String) -> String {
        text
    }

    /// Counts on the connection.
    async fn count(&self, cx: &Context) -> Result<u32> {
        let count = cx.peer().value::<u32>().map_or(1, |before| *before + 1);
        cx.peer().set_value(count);
        Ok(count)
    }

    async fn join(&self, cx: &Context) -> Result<()> {
        cx.peer().join_group("all").map_err(|_| rpc_core::ErrorObject::internal())
    }

    async fn ticks(&self) -> Streaming<u32> {
        let (sender, stream) = Streaming::channel(1);
        tokio::spawn(async move {
            for tick in 0.. {
                if sender.send(tick).await.is_err() {
                    return;
                }
                sleep(Duration::from_secs(1)).await;
            }
        });
        stream
    }
}

struct Ears(mpsc::UnboundedSender<String>);

impl Hears for Ears {
    async fn pushed(&self, text: String) {
        let _ = self.0.send(text);
    }
}

/// The two ends of a session: a server that accepts links, and a client that is given links.
struct Pair {
    client: Peer,
    links: mpsc::UnboundedSender<Pipe>,
    events: mpsc::UnboundedReceiver<ConnectionEvent>,
    task: JoinHandle<CloseReason>,
    server: EndpointConfig,
    worker: std::sync::Arc<Worker>,
    heard: mpsc::UnboundedReceiver<String>,
}

async fn carry(
    mut connection: Connection,
    mut links: mpsc::UnboundedReceiver<Pipe>,
    events: mpsc::UnboundedSender<ConnectionEvent>,
) -> CloseReason {
    loop {
        tokio::select! {
            event = connection.next_event() => {
                let _ = events.send(event.clone());
                if let ConnectionEvent::Closed(reason) = event {
                    assert_eq!(connection.next_event().await, ConnectionEvent::Closed(reason.clone()));
                    return reason;
                }
            }
            Some(link) = links.recv() => connection.attach(link, true),
        }
    }
}

impl Pair {
    fn start() -> Self {
        Self::with(|_| {}, |_| {})
    }

    fn with(
        client: impl FnOnce(&mut EndpointConfig),
        server: impl FnOnce(&mut EndpointConfig),
    ) -> Self {
        let worker = std::sync::Arc::<Worker>::default();
        let services = Router::new().service(WorkServer::new(worker.clone()));
        let mut config = EndpointConfig::new(services, Limits::server());
        config.sessions = SessionMode::Grant;
        server(&mut config);
        let server = config;

        let (ears, heard) = mpsc::unbounded_channel();
        let services = Router::new().service(HearsServer::new(Ears(ears)));
        let mut config = EndpointConfig::new(services, Limits::client());
        config.sessions = SessionMode::Ask;
        config.answers_malformed = false;
        client(&mut config);
        let endpoint = Endpoint::new(config);
        let client = endpoint.peer();
        let ((links, incoming), (sender, events)) =
            (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let task = tokio::spawn(carry(endpoint.without_link(), incoming, sender));
        Self { client, links, events, task, server, worker, heard }
    }

    fn registry(&self) -> PeerRegistry {
        self.server.registry.clone()
    }

    fn work(&self) -> WorkClient {
        WorkClient::new(self.client.clone())
    }

    /// Gives both ends another link.
    fn link(&self) {
        let (near, far) = memory::transports(64 * 1024);
        self.links.send(near).unwrap();
        let endpoint = Endpoint::new(self.server.clone());
        endpoint.set_extended(false);
        tokio::spawn(async move {
            match endpoint.accept(far, |_, _| true).await {
                Accepted::Fresh(connection) => drop(connection.await),
                Accepted::Resumed(_) => {}
            }
        });
    }

    /// Gives the client a link whose other end is gone.
    fn dead_link(&self) {
        let (near, _) = memory::transports(64 * 1024);
        self.links.send(near).unwrap();
    }

    async fn is_up(&mut self) -> bool {
        loop {
            if let ConnectionEvent::Up { resumed, .. } = self.events.recv().await.unwrap() {
                return resumed;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn everything_goes_on_over_another_link() {
    let mut pair = Pair::start();
    pair.link();
    assert!(!pair.is_up().await);
    let work = pair.work();
    assert_eq!(work.count().await.unwrap(), 1);
    work.join().await.unwrap();
    let mut ticks = work.ticks().await.unwrap();
    assert_eq!(ticks.next().await.unwrap().unwrap(), 0);
    let slow = work.slow().start();
    sleep(Duration::from_millis(100)).await;
    let id = pair.registry().peers()[0].id().to_owned();
    for round in 1..4_u32 {
        pair.link();
        assert!(pair.is_up().await, "resumed");
        assert_eq!(work.echo("on".into()).await.unwrap(), "on");
        assert_eq!(work.count().await.unwrap(), round + 1, "the value of the session stays");
        pair.registry().group("all").notify("pushed", ("to all",)).await.unwrap();
        assert_eq!(pair.heard.recv().await.unwrap(), "to all");
        assert_eq!(ticks.next().await.unwrap().unwrap(), round, "no item is missing");
    }
    pair.worker.goes_on.notify_one();
    assert_eq!(slow.await.unwrap(), 7, "its handler ran on");
    let peers = pair.registry().peers();
    assert_eq!((peers.len(), peers[0].id()), (1, &*id));
    pair.client.close(CloseCode::NORMAL, "done");
    assert_eq!(pair.task.await.unwrap().code, Some(CloseCode::NORMAL));
    assert_eq!(peers[0].closed().await.code, Some(CloseCode::NORMAL));
}

/// What is said while there is no link is said when there is one, also after longer than a link may be slow.
/// Told the other way around, the connection would seem to have a link, and a client that waits longer after each loss
/// would begin with the shortest wait each time.
#[tokio::test(start_paused = true)]
async fn a_link_that_ends_at_once_was_up_before_it_is_lost() {
    let mut pair = Pair::start();
    for _ in 0..3 {
        pair.dead_link();
        let up = pair.events.recv().await.unwrap();
        assert!(matches!(up, ConnectionEvent::Up { resumed: false, .. }), "{up:?}");
        let lost = pair.events.recv().await.unwrap();
        assert!(matches!(lost, ConnectionEvent::Lost { .. }), "{lost:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_the_next_link() {
    let mut pair = Pair::start();
    pair.link();
    let work = pair.work();
    work.echo(String::new()).await.unwrap();
    pair.dead_link();
    sleep(Duration::from_secs(1)).await;
    let waits = work.echo("waited".into()).no_timeout().start();
    let given_up = work.echo("too late".into()).timeout(Duration::from_secs(5)).await;
    assert!(matches!(given_up, Err(CallError::Timeout { .. })), "{given_up:?}");
    sleep(Duration::from_secs(60)).await;
    assert!(!pair.client.is_closed());
    pair.link();
    pair.is_up().await;
    assert!(pair.is_up().await, "resumed");
    assert_eq!(waits.await.unwrap(), "waited");
}

#[tokio::test(start_paused = true)]
async fn methods_that_are_of_no_use_to_others_stop_while_their_caller_is_away() {
    let mut pair = Pair::start();
    pair.link();
    let work = pair.work();
    work.echo(String::new()).await.unwrap();
    let (slow, draws) = (work.slow().start(), work.draw().start());
    let kept = work.draw().idempotency_key("kept").start();
    let last = work.draw_last().start();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(pair.worker.drawings(), (2, 0));
    // Another link that takes over is no loss.
    pair.link();
    pair.is_up().await;
    assert!(pair.is_up().await, "resumed");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(pair.worker.drawings(), (2, 0));
    pair.dead_link();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(pair.worker.drawings(), (2, 1), "the one without a key");
    pair.link();
    assert!(pair.is_up().await, "resumed");
    let (draws, last) = (draws.await.unwrap_err(), last.await.unwrap_err());
    assert_eq!(draws.fate(), Some(Fate::MaybeExecuted));
    let why = "the caller lost its link while the request ran";
    assert!(draws.to_string().contains(why), "{draws}");
    assert!(matches!(last, CallError::Busy), "it had not begun: {last:?}");
    pair.worker.goes_on.notify_waiters();
    assert_eq!((slow.await.unwrap(), kept.await.unwrap()), (7, 9));
    assert_eq!(pair.worker.drawings(), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_link_can_be_closed() {
    let pair = Pair::start();
    pair.link();
    pair.work().echo(String::new()).await.unwrap();
    let registry = pair.registry();
    let far = pair.registry().peers()[0].clone();
    pair.dead_link();
    sleep(Duration::from_secs(1)).await;
    assert!(!pair.client.is_closed() && !far.is_closed());
    let left = pair.work().echo("left".into()).start();
    pair.client.close(CloseCode::NORMAL, "enough");
    assert_eq!(pair.task.await.unwrap().code, Some(CloseCode::NORMAL));
    assert!(matches!(left.await, Err(CallError::Closed { .. })));
    far.close(CloseCode::NORMAL, "enough");
    far.closed().await;
    assert_eq!(registry.peers().len(), 0);
}

/// Without a link nothing can leave, which is no fault of the other end: a full queue closes nothing, however long it
/// stays full.
#[tokio::test(start_paused = true)]
async fn a_full_queue_without_a_link_is_no_slow_reader() {
    let small = |config: &mut EndpointConfig| {
        let mut limits = Limits::client();
        limits.queue = 2000;
        config.limits = limits.into();
    };
    let pair = Pair::with(small, |_| {});
    pair.link();
    let work = pair.work();
    work.echo(String::new()).await.unwrap();
    pair.dead_link();
    sleep(Duration::from_secs(1)).await;
    let calls: Vec<_> = (0..4).map(|_| work.echo("x".repeat(1000)).no_timeout().start()).collect();
    sleep(Duration::from_secs(60)).await;
    assert!(pair.client.stats().queue_bytes > 2000, "the queue is full");
    assert!(!pair.client.is_closed());
    pair.link();
    for call in calls {
        assert_eq!(call.await.unwrap().len(), 1000);
    }
}

/// A pipe has no probes, and tells by itself that it is lost.
#[tokio::test(start_paused = true)]
async fn a_medium_without_probes_is_not_given_up_for_its_silence() {
    let pair = Pair::start();
    pair.link();
    for _ in 0..3 {
        sleep(Duration::from_secs(600)).await;
        assert_eq!(pair.work().echo("here".into()).await.unwrap(), "here");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_keeps_a_session_for_a_time_and_then_the_client_begins_another_one() {
    let mut pair = Pair::start();
    pair.link();
    let work = pair.work();
    assert_eq!(work.count().await.unwrap(), 1);
    let mut ticks = work.ticks().await.unwrap();
    assert_eq!(ticks.next().await.unwrap().unwrap(), 0);
    let slow = work.slow().no_timeout().start();
    sleep(Duration::from_millis(6500)).await;
    pair.dead_link();
    let far = pair.registry().peers()[0].clone();
    sleep(Duration::from_secs(119)).await;
    assert!(!far.is_closed());
    sleep(Duration::from_secs(2)).await;
    assert!(far.is_closed() && pair.registry().is_empty());
    pair.link();
    pair.is_up().await;
    assert!(!pair.is_up().await, "a fresh session");
    let lost = slow.await;
    assert!(matches!(lost, Err(CallError::Closed { fate: Fate::MaybeExecuted, .. })), "{lost:?}");
    assert_eq!(work.count().await.unwrap(), 1, "the value belongs to the session");
    // The six items until the link was lost were taken in before.
    let mut items = Vec::new();
    while !matches!(items.last(), Some(Err(_))) {
        items.push(ticks.next().await.unwrap());
    }
    assert_eq!(items.pop(), Some(Err(StreamError::Gap { missed: 0 })));
    assert_eq!(items.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(ticks.next().await, Some(Ok(0)), "the subscription was made anew");
}

/// A subscription may be made twice, and other calls may not. The answer tells which of them a call is that is handed
/// on.
#[tokio::test(start_paused = true)]
async fn what_is_handed_on_to_a_session_that_ends_is_a_stream_with_a_gap_or_a_call_that_may_have_run()
 {
    let mut pair = Pair::start();
    pair.link();
    pair.is_up().await;
    let front = Router::new().forward("*", pair.client.clone());
    let (caller, _front) = memory::pair(Router::new(), front);
    let work = WorkClient::new(caller);
    let mut ticks = work.ticks().await.unwrap();
    assert_eq!(ticks.next().await, Some(Ok(0)));
    let draws = work.draw().no_timeout().start();
    sleep(Duration::from_millis(6500)).await;
    assert_eq!(pair.worker.drawings().0, 1);
    pair.dead_link();
    sleep(Duration::from_secs(121)).await;
    pair.link();
    assert!(!pair.is_up().await, "a fresh session");
    let lost = draws.await.unwrap_err();
    assert_eq!(lost.fate(), Some(Fate::MaybeExecuted), "{lost:?}");
    for tick in 1..=6 {
        assert_eq!(ticks.next().await, Some(Ok(tick)));
    }
    assert_eq!(
        ticks.next().await,
        Some(Err(StreamError::Gap { missed: 1 })),
        "how many is not known"
    );
    for tick in 0..3 {
        assert_eq!(ticks.next().await, Some(Ok(tick)), "the stream goes on");
    }
    assert_eq!(pair.worker.drawings().0, 1, "nothing ran twice");
    drop(ticks);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(pair.client.stats().subscriptions, 0);
}
