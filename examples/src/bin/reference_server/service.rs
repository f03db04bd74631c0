//! What the methods do.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rpc_core::schema::Offer;
use rpc_core::types::JoinError;
use rpc_core::{
    Base64, CallError, Change, Context, ErrorCode, ErrorObject, Progress, Result, RpcError,
    StreamError, Streaming, Topic,
};
use rpc_server::Server;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::caller::Caller;
use crate::contract::{
    CallerClient, Full, NoRoom, Reference, Reply, Stats, Step, Uploaded, Whoami, Xs,
};
use crate::counters::{Counters, within};

/// The longest chunk of `bytes`: an item is one message.
const LONGEST_CHUNK: u64 = 256 * 1024;

/// What all connections share.
pub(crate) struct Service {
    slept: AtomicU64,
    counters: Counters,
    news: Topic<Box<RawValue>>,
    /// Set before anyone is served.
    server: OnceLock<Server>,
}

impl Default for Service {
    fn default() -> Self {
        let news = Topic::builder().history(3).build();
        Self {
            slept: AtomicU64::default(),
            counters: Counters::default(),
            news,
            server: OnceLock::new(),
        }
    }
}

impl Service {
    /// Tells it of which server `stats` is to speak.
    pub(crate) fn belongs_to(&self, server: Server) {
        assert!(self.server.set(server).is_ok(), "it belongs to one server");
    }
}

impl Reference for Service {
    fn add(&self, a: i64, b: i64) -> Result<i64> {
        a.checked_add(b).ok_or_else(too_large)
    }

    fn echo(&self, value: Box<RawValue>) -> Box<RawValue> {
        value
    }

    fn greet(&self, name: &str, greeting: Option<String>) -> String {
        format!("{}, {name}", greeting.as_deref().unwrap_or("hello"))
    }

    async fn sleep(&self, ms: u64) -> u64 {
        sleep(Duration::from_millis(ms)).await;
        self.slept.fetch_add(1, Ordering::Relaxed);
        ms
    }

    fn slept(&self) -> u64 {
        self.slept.load(Ordering::Relaxed)
    }

    fn fail(&self, code: i64, message: String, data: Option<Box<RawValue>>) -> Result<()> {
        let mut error = ErrorObject::new(code, message);
        error.data = data;
        Err(error)
    }

    fn typed_fail(&self, max: u32) -> Result<(), Full> {
        Err(Full { max })
    }

    fn panic(&self) {
        panic!("somebody called `panic`");
    }

    fn big(&self, bytes: u64) -> Xs {
        Xs(bytes)
    }

    fn note(&self, cx: &Context, text: String) {
        caller(cx).note(text);
    }

    fn notes(&self, cx: &Context) -> Vec<String> {
        caller(cx).notes()
    }

    fn incr(&self, key: &str) -> Result<u64, NoRoom> {
        self.counters.incr(key)
    }

    fn count(&self, key: &str) -> u64 {
        self.counters.count(key)
    }

    fn counters(&self) -> Streaming<Change<BTreeMap<String, u64>>> {
        self.counters.watch()
    }

    fn announce(&self, value: Box<RawValue>) -> Result<usize> {
        let told = self.news.publish(value);
        told.map_err(|error| ErrorObject::new(ErrorCode::INVALID_PARAMS, error.to_string()))
    }

    fn news(&self) -> Streaming<Box<RawValue>> {
        self.news.subscribe()
    }

    async fn watch(
        &self,
        cx: &Context,
        method: &str,
        interval_ms: u64,
    ) -> Result<Streaming<Box<RawValue>>> {
        let changes: Streaming<Change<Box<RawValue>>> = take(cx, method).await?;
        let values = changes.watch().throttle(Duration::from_millis(interval_ms));
        Ok(Streaming::try_new(values.map(|value| value.map_err(broken_off))))
    }

    async fn relay(&self, cx: &Context, method: &str) -> Result<Streaming<Box<RawValue>>> {
        take(cx, method).await
    }

    fn mute(&self, cx: &Context, method: &str, muted: bool) -> Result<()> {
        if !muted {
            cx.peer().unmute(method);
            return Ok(());
        }
        cx.peer().mute(method).map_err(|error| ErrorObject::invalid_params(error.to_string()))
    }

    fn skipped(&self, cx: &Context) -> u64 {
        cx.peer().stats().counters.skipped
    }

    fn whoami(&self, cx: &Context) -> Whoami {
        let remote = caller(cx).remote.map(|remote| remote.to_string());
        Whoami { id: cx.peer().id().to_owned(), remote: remote.unwrap_or_default() }
    }

    async fn offers(&self, cx: &Context) -> String {
        match cx.peer().offers::<CallerClient>().await {
            Offer::Same => "same".to_owned(),
            Offer::Compatible(_) => "compatible".to_owned(),
            Offer::Differs(diff) => format!("differs\n{diff}"),
            _ => "unknown".to_owned(),
        }
    }

    async fn call_back(
        &self,
        cx: &Context,
        method: &str,
        params: Option<Box<RawValue>>,
    ) -> Result<Box<RawValue>> {
        cx.peer().call(method, params).await.map_err(passed_on)
    }

    async fn bounce(&self, cx: &Context, depth: u32) -> Result<u32> {
        let Some(less) = depth.checked_sub(1) else { return Ok(0) };
        let bounced = CallerClient::new(cx.peer()).bounce(less).await.map_err(passed_on)?;
        Ok(bounced.saturating_add(1))
    }

    async fn push(&self, cx: &Context, n: u32) -> u32 {
        let caller = CallerClient::new(cx.peer());
        for tick in 0..n {
            if caller.tick(tick).await.is_err() {
                return tick; // to nobody: the connection has ended
            }
        }
        n
    }

    fn join(&self, cx: &Context, group: &str) -> Result<(), NoRoom> {
        cx.peer().join_group(within(group)?).map_err(|error| match error {
            JoinError::TooMany { limit } => NoRoom::More { max: limit },
            _ => NoRoom::Ended,
        })
    }

    fn leave(&self, cx: &Context, group: &str) {
        cx.peer().leave_group(group);
    }

    fn members(&self, cx: &Context, group: &str) -> Vec<String> {
        cx.group(group).members().iter().map(|member| member.id().to_owned()).collect()
    }

    async fn publish(&self, cx: &Context, group: &str, value: Box<RawValue>) -> Result<usize> {
        let members = CallerClient::new(cx.group(group));
        let taken = members.message(group, &value).await;
        taken.map_err(|error| ErrorObject::invalid_params(error.to_string()))
    }

    async fn ask(&self, cx: &Context, group: &str, question: &str, ms: u64) -> Vec<Reply> {
        let answers = CallerClient::new(cx.group(group)).answer(question);
        let answers = answers.timeout(Duration::from_millis(ms)).filter_map(|(peer, result)| {
            // Who is late, or does not know the question, has not answered it.
            let reply = |result| Reply { id: peer.id().to_owned(), result };
            ready(result.ok().map(reply))
        });
        answers.collect().await
    }

    async fn build(&self, steps: u32, progress: Progress<Step>) -> String {
        for step in 1..=steps {
            progress.report(&Step { step, of: steps });
            // However many there are, others get their turn.
            tokio::task::yield_now().await;
        }
        "built".into()
    }

    fn ticks(&self, count: u64, every_ms: u64) -> Streaming<u64> {
        let every = Duration::from_millis(every_ms);
        Streaming::new(stream::unfold(0, move |tick| async move {
            if tick > 0 && tick == count {
                return None;
            }
            if tick > 0 && !every.is_zero() {
                sleep(every).await;
            }
            Some((tick, tick + 1))
        }))
    }

    fn bytes(&self, size: u64, chunk: u64) -> Streaming<Base64> {
        let chunk = chunk.clamp(1, LONGEST_CHUNK);
        Streaming::new(stream::unfold(size, move |left| {
            let length = left.min(chunk);
            let bytes = || vec![0; usize::try_from(length).expect("a chunk is short")].into();
            ready((length > 0).then(|| (bytes(), left - length)))
        }))
    }

    async fn sum(&self, mut values: Streaming<i64>) -> Result<i64> {
        let mut sum = 0_i64;
        while let Some(value) = values.next().await {
            sum = sum.checked_add(value.map_err(broken_off)?).ok_or_else(too_large)?;
        }
        Ok(sum)
    }

    async fn upload(
        &self,
        mut file: Streaming<Base64>,
        progress: Progress<u64>,
    ) -> Result<Uploaded> {
        let mut uploaded = Uploaded { bytes: 0, hash: 0x811c_9dc5 };
        while let Some(chunk) = file.next().await {
            let chunk = chunk.map_err(broken_off)?;
            uploaded.bytes += chunk.len() as u64;
            for byte in &*chunk {
                uploaded.hash = (uploaded.hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
            }
            progress.report(&uploaded.bytes);
        }
        Ok(uploaded)
    }

    fn stats(&self) -> Stats {
        let stats = self.server.get().expect("set before anyone is served").stats();
        Stats {
            connections: stats.connections,
            in_flight: stats.in_flight,
            pending: stats.pending,
            subscriptions: stats.subscriptions,
            groups: stats.groups,
            queue_bytes: stats.queue_bytes,
            tasks: Handle::current().metrics().num_alive_tasks(),
            stray: stats.stray,
            closes: stats.closes,
        }
    }
}

fn caller(cx: &Context) -> &Caller {
    cx.caller().expect("every connection has one")
}

/// Subscribes to what the caller offers.
async fn take<T>(cx: &Context, method: &str) -> Result<Streaming<T>> {
    let unsubscribe = format!("unsubscribe_{method}");
    cx.peer().subscribe(method, unsubscribe, ()).await.map_err(passed_on)
}

/// An error of a stream argument as the answer to its call.
fn broken_off(error: StreamError) -> ErrorObject {
    match error {
        StreamError::Remote(error) => error,
        StreamError::Decode(why) => ErrorObject::invalid_params(why.message()),
        other => ErrorObject::invalid_params(other.to_string()),
    }
}

/// An error of the caller as the answer to the caller.
fn passed_on<E: RpcError>(error: CallError<E>) -> ErrorObject {
    let ours = |code, kind, message: &str| {
        ErrorObject::new(code, message).with_data(&json!({ "kind": kind }))
    };
    match error {
        CallError::Remote(error) => error,
        CallError::Method(error) => error.to_error_object(),
        CallError::Busy => ours(ErrorCode::BUSY, "busy", "busy: not executed"),
        CallError::Timeout { .. } => ours(ErrorCode::DEADLINE, "deadline", "no answer in time"),
        CallError::Cancelled { .. } => ours(ErrorCode::CANCELLED, "cancelled", "request cancelled"),
        CallError::Encode(why) => ErrorObject::invalid_params(why.message()),
        _ => ErrorObject::internal(),
    }
}

fn too_large() -> ErrorObject {
    ErrorObject::invalid_params("the sum does not fit into 64 bits")
}
