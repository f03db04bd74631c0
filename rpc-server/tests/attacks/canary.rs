//! A server under attack, and a client that must not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::stream;
use rpc_client::Client;
use rpc_core::transport::SessionStats;
use rpc_core::{Context, Limits, Router, Streaming};
use rpc_server::{Server, ServerBuilder, ServerStats};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::raw::Raw;
use crate::support::{echo, soon, until};
use crate::way::Way;

/// How long a link waits for a stream that is gone.
pub(crate) const MEND: Duration = Duration::from_millis(300);

/// A server, and a connection on which calls are made one after the other all the time.
pub(crate) struct Target {
    pub(crate) server: Server,
    pub(crate) way: Way,
    /// Handlers and streams that live, whatever the server counts.
    pub(crate) lives: Lives,
    client: Client,
    /// The id of the canary's connection, as the server knows it.
    id: String,
    calls: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Target {
    /// A server with the default limits.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A server whose limits are changed: its times, for all else is to hold as it stands. A link whose stream is gone is
    /// soon given up.
    pub(crate) async fn with(change: impl FnOnce(&mut Limits)) -> Self {
        let lives = Lives::default();
        let limits = crate::support::limits(|limits| {
            limits.mend = MEND;
            change(limits);
        });
        Self::of(echo().service(services(&lives)).limits(limits), lives).await
    }

    /// A server with a method `echo`, and more that counts `lives`.
    pub(crate) async fn of(builder: ServerBuilder, lives: Lives) -> Self {
        let (server, way) = Way::to(builder).await;
        let client = way.client(Client::builder()).await;
        let id = server.peers()[0].id().to_owned();
        let (calls, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let task = tokio::spawn({
            let (peer, calls, stop) = (client.peer(), calls.clone(), stop.clone());
            async move {
                while !stop.load(Ordering::SeqCst) {
                    let answer = peer.call::<String>("echo", ("tweet",)).await;
                    assert_eq!(answer.as_deref(), Ok("tweet"), "the canary was harmed");
                    calls.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { server, way, lives, client, id, calls, stop, task }
    }

    /// After an attack by who is still there, and now goes away.
    pub(crate) async fn unharmed_after(self, raw: Raw) {
        self.is_serving().await;
        drop(raw);
        self.unharmed().await;
    }

    /// A connection to attack with.
    pub(crate) async fn open(&self) -> Raw {
        self.way.open().await
    }

    /// Waits for calls of the canary that begin and end now, while the attack goes on.
    pub(crate) async fn is_serving(&self) {
        let before = self.calls.load(Ordering::SeqCst);
        until(|| self.calls.load(Ordering::SeqCst) > before + 10 || self.task.is_finished()).await;
        assert!(!self.task.is_finished(), "a call of the canary failed");
    }

    /// How many connections have ended with this code.
    pub(crate) fn closes(&self, code: &str) -> u64 {
        self.server.stats().closes.get(code).copied().unwrap_or_default()
    }

    /// Waits until one connection was closed for having exceeded this limit.
    pub(crate) async fn is_exceeded(&self, limit: &str) {
        until(|| self.server.stats().reasons.iter().any(|(reason, _)| reason.contains(limit)))
            .await;
        assert_eq!(self.closes("1008"), 1, "{:?}", self.server.stats().reasons);
    }

    /// After an attack: no call of the canary failed, and nothing is left of anything else.
    pub(crate) async fn unharmed(self) {
        self.is_serving().await;
        self.stop.store(true, Ordering::SeqCst);
        soon(self.task).await.expect("a call of the canary failed");
        self.client.peer().call::<String>("echo", ("the last",)).await.unwrap();
        let rest = async {
            while !is_at_rest(&self.server.stats()) || self.lives.now() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let rested = tokio::time::timeout(Duration::from_secs(20), rest).await.is_ok();
        assert!(rested, "{} live, {:?}", self.lives.now(), self.server.stats());
        assert_eq!(self.server.peers()[0].id(), self.id, "it is the same connection");
    }
}

/// Whether there is nothing but one idle connection.
fn is_at_rest(stats: &ServerStats) -> bool {
    let ServerStats { connections, guests, in_flight, pending, .. } = stats;
    let ServerStats { subscriptions, groups, queue_bytes, .. } = stats;
    let ServerStats { sessions: SessionStats { up, away, away_bytes, .. }, .. } = stats;
    let rest =
        [guests, in_flight, pending, subscriptions, groups, queue_bytes, up, away, away_bytes];
    *connections == 1 && rest.iter().all(|count| **count == 0)
}

/// How many of something are alive, and how many there were at most.
#[derive(Clone, Default)]
pub(crate) struct Lives(Arc<[AtomicUsize; 2]>);

impl Lives {
    /// One more, until what is returned is dropped.
    pub(crate) fn one(&self) -> Life {
        let now = self.0[0].fetch_add(1, Ordering::SeqCst) + 1;
        self.0[1].fetch_max(now, Ordering::SeqCst);
        Life(self.clone())
    }

    pub(crate) fn now(&self) -> usize {
        self.0[0].load(Ordering::SeqCst)
    }

    pub(crate) fn most(&self) -> usize {
        self.0[1].load(Ordering::SeqCst)
    }
}

pub(crate) struct Life(Lives);

impl Drop for Life {
    fn drop(&mut self) {
        self.0.0[0].fetch_sub(1, Ordering::SeqCst);
    }
}

/// What an attacker finds: methods that answer much, take anything, or never end.
fn services(lives: &Lives) -> Router {
    let [hangs, quiet, ticks, notes] = [(); 4].map(|()| lives.clone());
    Router::new()
        .method("big", |_: Context, (bytes,): (usize,)| async move { Ok("x".repeat(bytes)) })
        .method("any", |_: Context, _: Value| async { Ok(()) })
        .method("hang", move |_: Context, (): ()| {
            let life = hangs.one();
            async move {
                let _life = life;
                std::future::pending::<Result<(), _>>().await
            }
        })
        .subscription("quiet", "unquiet", move |_: Context, (): ()| {
            let life = quiet.one();
            async move {
                Ok(Streaming::new(stream::poll_fn(move |_| -> Poll<Option<()>> {
                    let _ = &life;
                    Poll::Pending
                })))
            }
        })
        .subscription("ticks", "untick", move |cx: Context, (): ()| {
            let life = ticks.one();
            async move {
                let _ = cx.peer().join_group("tickers");
                Ok(Streaming::new(stream::unfold(life, |life| async {
                    tokio::task::yield_now().await;
                    Some(("x".repeat(1000), life))
                })))
            }
        })
        .notification("note", move |_: Context, _: Value| {
            let life = notes.one();
            async move {
                let _life = life;
                tokio::task::yield_now().await;
            }
        })
}
