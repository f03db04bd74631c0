//! A connection outlives its link: another transport takes the place of the one before, and all that belongs to the
//! connection goes on.

use std::time::Duration;

use rpc_core::memory::{self, Pipe};
use rpc_core::transport::{Connection, Endpoint, EndpointConfig, LinkEnd, PeerRegistry};
use rpc_core::{
    CallError, CloseCode, CloseReason, Context, Limits, Peer, Result, Router, Streaming, service,
};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::sleep;

#[service]
trait Work {
    /// Answers when it is let on.
    async fn slow(&self, cx: &Context) -> Result<u32>;
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
}

impl Work for std::sync::Arc<Worker> {
    async fn slow(&self, _: &Context) -> Result<u32> {
        self.goes_on.notified().await;
        Ok(7)
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

/// One end in a task, which takes other links.
struct End {
    peer: Peer,
    links: mpsc::UnboundedSender<Pipe>,
    task: JoinHandle<CloseReason>,
}

impl End {
    fn start(config: EndpointConfig, pipe: Pipe) -> Self {
        let endpoint = Endpoint::new(config);
        endpoint.set_extended(true);
        let peer = endpoint.peer();
        let (links, incoming) = mpsc::unbounded_channel();
        let task = tokio::spawn(carry(endpoint.connect(pipe), incoming));
        Self { peer, links, task }
    }

    fn attach(&self, pipe: Pipe) {
        self.links.send(pipe).unwrap();
    }
}

async fn carry(
    mut connection: Connection,
    mut links: mpsc::UnboundedReceiver<Pipe>,
) -> CloseReason {
    loop {
        tokio::select! {
            end = connection.link_end() => {
                if let LinkEnd::Closed(reason) = end {
                    assert_eq!(connection.link_end().await, LinkEnd::Closed(reason.clone()), "as before");
                    return reason;
                }
            }
            Some(link) = links.recv() => connection.attach(link),
        }
    }
}

struct Pair {
    near: End,
    far: End,
    worker: std::sync::Arc<Worker>,
    registry: PeerRegistry,
    heard: mpsc::UnboundedReceiver<String>,
}

impl Pair {
    fn start() -> Self {
        let (near, far) = memory::transports(64 * 1024);
        let worker = std::sync::Arc::<Worker>::default();
        let (ears, heard) = mpsc::unbounded_channel();
        let config = EndpointConfig::new(
            Router::new().service(WorkServer::new(worker.clone())),
            Limits::server(),
        );
        let registry = config.registry.clone();
        let far = End::start(config, far);
        let mut limits = Limits::client();
        limits.queue = 2000;
        let config =
            EndpointConfig::new(Router::new().service(HearsServer::new(Ears(ears))), limits);
        Self { near: End::start(config, near), far, worker, registry, heard }
    }

    fn replace(&self) {
        let (near, far) = memory::transports(64 * 1024);
        self.near.attach(near);
        self.far.attach(far);
    }
}

#[tokio::test(start_paused = true)]
async fn everything_goes_on_over_another_link() {
    let mut pair = Pair::start();
    let work = WorkClient::new(pair.near.peer.clone());
    let id = pair.far.peer.id().to_owned();
    assert_eq!(work.count().await.unwrap(), 1);
    work.join().await.unwrap();
    let mut ticks = work.ticks().await.unwrap();
    assert_eq!(ticks.next().await.unwrap().unwrap(), 0);
    let slow = work.slow().start();
    sleep(Duration::from_millis(100)).await;
    for round in 1..4_u32 {
        pair.replace();
        sleep(Duration::from_millis(100)).await;
        assert_eq!(work.echo("on".into()).await.unwrap(), "on");
        assert_eq!(work.count().await.unwrap(), round + 1, "the value of the connection stays");
        pair.registry.group("all").notify("pushed", ("to all",)).await.unwrap();
        assert_eq!(pair.heard.recv().await.unwrap(), "to all");
        assert_eq!(ticks.next().await.unwrap().unwrap(), round, "no item is missing");
    }
    pair.worker.goes_on.notify_one();
    assert_eq!(slow.await.unwrap(), 7, "its handler ran on");
    assert_eq!(pair.far.peer.id(), id);
    assert_eq!(pair.registry.peers().len(), 1);
    pair.near.peer.close(CloseCode::NORMAL, "done");
    assert_eq!(pair.far.task.await.unwrap().code, Some(CloseCode::NORMAL));
}

/// What is said while there is no link is said when there is one, also after longer than a link may be slow.
#[tokio::test(start_paused = true)]
async fn calls_wait_for_the_next_link() {
    let pair = Pair::start();
    let work = WorkClient::new(pair.near.peer.clone());
    work.echo(String::new()).await.unwrap();
    let (near, far) = memory::transports(64 * 1024);
    pair.near.attach(near); // its other end is not read: it is as good as none
    sleep(Duration::from_secs(1)).await;
    let waits = work.echo("waited".into()).no_timeout().start();
    let given_up = work.echo("too late".into()).timeout(Duration::from_secs(5)).await;
    assert!(matches!(given_up, Err(CallError::Timeout { .. })), "{given_up:?}");
    sleep(Duration::from_secs(60)).await;
    assert!(!pair.near.peer.is_closed() && !pair.far.peer.is_closed());
    pair.far.attach(far);
    assert_eq!(waits.await.unwrap(), "waited");
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_link_can_be_closed() {
    let pair = Pair::start();
    WorkClient::new(pair.near.peer.clone()).echo(String::new()).await.unwrap();
    let (near, far) = memory::transports(64 * 1024);
    drop(far);
    pair.near.attach(near);
    sleep(Duration::from_secs(1)).await;
    assert!(!pair.near.peer.is_closed() && !pair.far.peer.is_closed());
    let left = WorkClient::new(pair.near.peer.clone()).echo("left".into()).start();
    pair.near.peer.close(CloseCode::NORMAL, "enough");
    assert_eq!(pair.near.task.await.unwrap().code, Some(CloseCode::NORMAL));
    assert!(matches!(left.await, Err(CallError::Closed { .. })));
    pair.far.peer.close(CloseCode::NORMAL, "enough");
    assert_eq!(pair.far.task.await.unwrap().code, Some(CloseCode::NORMAL));
    assert_eq!(pair.registry.peers().len(), 0);
}

/// Without a link nothing can leave, which is no fault of the other end: a full queue closes nothing, however long it
/// stays full.
#[tokio::test(start_paused = true)]
async fn a_full_queue_without_a_link_is_no_slow_reader() {
    let pair = Pair::start();
    let work = WorkClient::new(pair.near.peer.clone());
    work.echo(String::new()).await.unwrap();
    let (near, far) = memory::transports(64 * 1024);
    drop(far);
    pair.near.attach(near);
    sleep(Duration::from_secs(1)).await;
    let calls: Vec<_> = (0..4).map(|_| work.echo("x".repeat(1000)).no_timeout().start()).collect();
    sleep(Duration::from_secs(60)).await;
    assert!(pair.near.peer.stats().queue_bytes > 2000, "the queue is full");
    assert!(!pair.near.peer.is_closed());
    pair.replace();
    for call in calls {
        assert_eq!(call.await.unwrap().len(), 1000);
    }
}

/// A pipe has no probes, and tells by itself that it is lost.
#[tokio::test(start_paused = true)]
async fn a_medium_without_probes_is_not_given_up_for_its_silence() {
    let pair = Pair::start();
    let work = WorkClient::new(pair.near.peer.clone());
    for _ in 0..3 {
        sleep(Duration::from_secs(600)).await;
        assert_eq!(work.echo("here".into()).await.unwrap(), "here");
    }
}
