//! A whole connection, whatever the other end sends and however the application uses it meanwhile:
//! no panic, no text that is not JSON, no answer that nobody has asked for and none twice; every call
//! is resolved within its deadline; and after the end nothing is left.
//!
//! The first byte of the input says which end is attacked: `s` a server, `c` a client. After it come
//! lines, each a step; see [`Script::step`]. After `S` and `C` come the bytes of the WebSocket as they
//! are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use rpc_core::transport::{Endpoint, EndpointConfig, Role, WebSocket};
use rpc_core::types::GoAway;
use rpc_core::{CloseCode, Context, ErrorObject, Limits, Peer, Router, Streaming, service};
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::frames::{self, CLOSE, CONTINUATION, PING, TEXT, frame};
use crate::tally::{self, Tally};

/// More steps than this prove nothing new.
const STEPS: usize = 60;

/// Plays a script, or writes bytes as they are.
pub fn check(input: &[u8]) {
    let Some((&kind, rest)) = input.split_first() else { return };
    let role = match kind {
        b's' | b'S' => Role::Server,
        b'c' | b'C' => Role::Client,
        _ => return,
    };
    crate::paused(async {
        let mut script = Script::begin(role);
        if kind.is_ascii_uppercase() {
            script.tally = None;
            script.write(rest).await;
        } else {
            for line in crate::text(rest).lines().take(STEPS) {
                script.step(line).await;
            }
        }
        script.end().await;
    });
}

/// One connection, and what was done with it.
struct Script {
    role: Role,
    peer: Peer,
    /// Handlers and streams that are alive.
    alive: Arc<AtomicUsize>,
    carrier: JoinHandle<()>,
    out: WriteHalf<DuplexStream>,
    incoming: ReadHalf<DuplexStream>,
    /// What the attacked end has sent.
    seen: Vec<u8>,
    is_deaf: bool,
    /// Calls of the attacked end.
    calls: Vec<JoinHandle<()>>,
    /// Those with a stream: each item gives them more time, so only the end is sure to come.
    sends: Vec<JoinHandle<()>>,
    /// What was asked for; `None` when bytes were sent whose meaning we do not know.
    tally: Option<Tally>,
    /// Requests that are sure to be answered while the connection lives.
    sure: Vec<String>,
}

impl Script {
    fn begin(role: Role) -> Self {
        let (near, far) = tokio::io::duplex(600);
        let alive = Arc::new(AtomicUsize::new(0));
        let limits = limits();
        let setup = EndpointConfig::new(services(&alive), limits.clone());
        let endpoint = Endpoint::new(setup);
        endpoint.set_extended(false);
        let peer = endpoint.peer();
        let connection = endpoint.connect(WebSocket::new(near, role, Bytes::new(), &limits));
        let carrier = tokio::spawn(connection.map(drop));
        let (incoming, out) = tokio::io::split(far);
        let (seen, calls, sends, sure) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let tally = Some(Tally::default());
        Self {
            role,
            peer,
            alive,
            carrier,
            out,
            incoming,
            seen,
            is_deaf: false,
            calls,
            sends,
            tally,
            sure,
        }
    }

    /// One step: a word, and what it takes. What is none changes nothing.
    async fn step(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let masks = self.role == Role::Server;
        match word {
            // What the other end sends: a message, the first part of one, the last, any bytes, a ping,
            // a close, and a request that must be answered.
            ">" => {
                self.tally = self.tally.take().map(|tally| tally.with(rest, &limits()));
                self.write(&frame(true, TEXT, rest.as_bytes(), masks)).await;
            }
            "+" => self.write_unknown(&frame(false, TEXT, rest.as_bytes(), masks)).await,
            "~" => self.write_unknown(&frame(true, CONTINUATION, rest.as_bytes(), masks)).await,
            "=" => self.write_unknown(&hex(rest)).await,
            "ping" => self.write(&frame(true, PING, rest.as_bytes(), masks)).await,
            "end" => self.write(&frame(true, CLOSE, &[3, 232], masks)).await,
            "ask" => self.ask(rest).await,
            "gone" => drop(self.out.shutdown().await),
            "deaf" => self.is_deaf = true,
            "hear" => self.is_deaf = false,
            "wait" => {
                let ms = rest.parse().unwrap_or(0).min(100_000);
                self.hear(Duration::from_millis(ms)).await;
            }
            // What its application does.
            "call" => self.call(self.peer.call::<Box<RawValue>>(rest, (1, "x")).map(drop)),
            "brief" => {
                let brief = Duration::from_millis(rest.parse().unwrap_or(0).min(20_000));
                self.call(self.peer.call::<()>("brief", ()).timeout(brief).map(drop));
            }
            "note" => self.call(self.peer.notify(rest, ("x".repeat(300),)).map(drop)),
            "batch" => self.batch(),
            "sub" => self.subscribe(rest),
            "send" => {
                let stream = Streaming::new(stream::iter(0..rest.parse().unwrap_or(3)));
                let sum = SinkClient::new(self.peer.clone()).sum(stream);
                self.sends.push(tokio::spawn(sum.map(drop)));
            }
            "drop" => {
                if let Some(call) = self.calls.pop() {
                    call.abort();
                }
            }
            "close" => self.peer.close(CloseCode::NORMAL, rest),
            "drain" => {
                let news = GoAway::new(rest);
                self.peer.drain(CloseCode::RESTARTING, &news, Duration::from_secs(5));
            }
            _ => {}
        }
    }

    async fn ask(&mut self, rest: &str) {
        let (method, params) =
            [("echo", "[7]"), ("nap", "[30]"), ("big", "[2000]"), ("fail", "[]")]
                [rest.bytes().map(usize::from).sum::<usize>() % 4];
        let id = format!(r#""sure{}""#, self.sure.len());
        let text =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        self.tally = self.tally.take().map(|tally| tally.with(&text, &limits()));
        self.sure.push(id);
        self.write(&frame(true, TEXT, text.as_bytes(), self.role == Role::Server)).await;
    }

    fn call(&mut self, call: impl Future<Output = ()> + Send + 'static) {
        self.calls.push(tokio::spawn(call));
    }

    fn batch(&mut self) {
        let batch = self.peer.batch();
        let calls = [batch.call::<()>("a", ()), batch.call::<()>("b", (1,))];
        self.call(async move {
            drop(batch.send().await);
            for call in calls {
                drop(call.await);
            }
        });
    }

    /// Subscribes, and takes so many items.
    fn subscribe(&mut self, items: &str) {
        let items = items.parse().unwrap_or(2);
        let call = self.peer.subscribe::<Box<RawValue>>("ticks", "unsubscribe_ticks", ());
        self.call(async move {
            if let Ok(stream) = call.await {
                // A stream has no deadline.
                let taken = stream.take(items).for_each(|_| sleep(Duration::from_millis(1)));
                let _ = timeout(Duration::from_secs(20), taken).await;
            }
        });
    }

    async fn write_unknown(&mut self, bytes: &[u8]) {
        self.tally = None;
        self.write(bytes).await;
    }

    /// Writes as much as the other end takes.
    async fn write(&mut self, mut bytes: &[u8]) {
        for _ in 0..100 {
            let write = timeout(Duration::from_millis(1), self.out.write_all_buf(&mut bytes));
            if write.await.is_ok() {
                return;
            }
            self.hear(Duration::from_millis(1)).await;
        }
        // The rest of a frame is missing: nothing that follows means what it says.
        (self.tally, self.sure) = (None, Vec::new());
        drop(self.out.shutdown().await);
    }

    /// Reads for so long, unless it is deaf.
    async fn hear(&mut self, time: Duration) {
        if self.is_deaf {
            return sleep(time).await;
        }
        let end = tokio::time::Instant::now() + time;
        let read = async {
            while self.incoming.read_buf(&mut self.seen).await.is_ok_and(|read| read > 0) {}
        };
        let _ = timeout(time, read).await;
        tokio::time::sleep_until(end).await;
    }

    async fn end(mut self) {
        self.is_deaf = false;
        // Beyond every deadline, and every span after which an end gives up.
        self.hear(Duration::from_secs(32)).await;
        self.is_sound();
        for call in &self.calls {
            assert!(call.is_finished(), "a call outlives its deadline: {:?}", self.peer);
        }
        drop(self.out.shutdown().await);
        self.hear(Duration::from_secs(60)).await;
        assert!(self.peer.is_closed(), "it outlives its link");
        assert!(self.peer.closed().now_or_never().is_some());
        assert!(self.carrier.is_finished());
        assert!(self.sends.iter().all(JoinHandle::is_finished), "a call outlives its connection");
        let stats = self.peer.stats();
        let left = [stats.in_flight, stats.pending, stats.subscriptions, stats.queue_bytes];
        assert_eq!(left, [0; 4], "{stats:?}");
        assert!(stats.serving.is_empty());
        assert_eq!(
            self.alive.load(Ordering::SeqCst),
            0,
            "handlers or streams that are still alive"
        );
    }

    /// Looks at what was sent.
    fn is_sound(&self) {
        let texts = frames::texts(&self.seen, self.role == Role::Client);
        let answers = texts.iter().flat_map(|text| tally::answers(text));
        let answers: Vec<String> = answers.collect();
        let Some(tally) = &self.tally else { return };
        tally.covers(&answers);
        if !self.peer.is_closed() {
            for id in &self.sure {
                assert!(answers.contains(id), "{id} was not answered");
            }
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|it| it.to_digit(16)).map(|it| it as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn limits() -> Limits {
    let mut limits = Limits::server();
    limits.message_in = 4000;
    limits.message_out = 4000;
    limits.queue = 2000;
    limits.inflight_requests = 4;
    limits.live_handlers = 8;
    limits.inflight_bytes = 3000;
    limits.waiting_notifications = 3;
    limits.calls_on_wire = 3;
    limits.pending_calls = 8;
    limits.batch = 4;
    limits.subscriptions = 3;
    limits.streams = 3;
    limits.stream_window = 500;
    limits.fragments = 6;
    limits.read_buffer = 64;
    limits
}

#[service]
trait Sink {
    async fn sum(&self, values: Streaming<i64>) -> i64;
}

/// Counts itself.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Adds(Arc<AtomicUsize>);

impl Sink for Adds {
    async fn sum(&self, values: Streaming<i64>) -> i64 {
        let _alive = Alive::new(&self.0);
        values.fold(0, |sum, value| async move { value.map_or(sum, |value| sum ^ value) }).await
    }
}

fn services(alive: &Arc<AtomicUsize>) -> Router {
    let counted = || alive.clone();
    let [nap, bounce, ticks, note] = [counted(), counted(), counted(), counted()];
    let short = |ms: u64| Duration::from_millis(ms.min(60_000));
    Router::new()
        .method("echo", |_: Context, (value,): (Box<RawValue>,)| async move { Ok(value) })
        .method(
            "big",
            |_: Context, (bytes,): (usize,)| async move { Ok("x".repeat(bytes.min(10_000))) },
        )
        .method("fail", |_: Context, (): ()| async { Err::<(), _>(ErrorObject::new(7, "no")) })
        .method("nap", move |_: Context, (ms,): (u64,)| {
            let alive = Alive::new(&nap);
            async move {
                let _alive = alive;
                sleep(short(ms)).await;
                Ok(())
            }
        })
        .method("last", |_: Context, (): ()| async { Ok(()) })
        .ordered("last")
        .method("bounce", move |cx: Context, (): ()| {
            let alive = Alive::new(&bounce);
            async move {
                let _alive = alive;
                let back = cx.peer().call::<Box<RawValue>>("back", ()).await;
                back.map_err(|error| ErrorObject::new(1, error.to_string()))
            }
        })
        .subscription("ticks", "unsubscribe_ticks", move |_: Context, (count, ms): (u32, u64)| {
            let alive = Alive::new(&ticks);
            async move {
                let items = stream::iter(0..count.min(50)).then(move |tick| {
                    let _alive = &alive;
                    sleep(short(ms)).map(move |()| tick)
                });
                Ok(Streaming::new(items))
            }
        })
        .notification("note", move |_: Context, (ms,): (u64,)| {
            let alive = Alive::new(&note);
            async move {
                let _alive = alive;
                sleep(short(ms)).await;
            }
        })
        .service(SinkServer::new(Adds(counted())))
}
