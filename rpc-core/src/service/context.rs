//! What a handler knows of the call that it serves.

use std::any::Any;
use std::fmt;
use std::task::Waker;

use serde::Serialize;

use crate::peer::Peer;
use crate::peer::group::Group;
use crate::peer::slot::Shared;
use crate::protocol::tables::key::Key;
use crate::protocol::tables::serving::ServedExtensions;
use crate::service::Service;
use crate::service::current::Mark;
use crate::service::progress::Progress;
use crate::service::scoped::Scoped;
use crate::stream::Remote;
use crate::util::deferred::Deferred;
use crate::util::runtime::Instant;
use crate::util::sync::Arc;
use crate::util::waiter::{OneShotEvent, Waiter, poll_registered};
use crate::wire::extensions::is_token;
use crate::wire::trace::TraceContext;

/// The call being served: who makes it, when it must be done, whether anyone still waits for it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::{Context, ErrorObject, Router, memory};
///
/// // The server's method calls its caller back before it answers.
/// let server = Router::new().method("join", |cx: Context, (room,): (String,)| async move {
///     let question = format!("join {room}?");
///     let sure: bool = cx.peer().call("confirm", (question,)).await.unwrap_or(false);
///     if sure { Ok(room) } else { Err(ErrorObject::new(1, "not sure")) }
/// });
/// let client = Router::new().method("confirm", |_: Context, _: (String,)| async { Ok(true) });
///
/// let (peer, _) = memory::pair(client, server);
/// assert_eq!(peer.call::<String>("join", ("lobby",)).await?, "lobby");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Context {
    shared: Arc<Shared>,
    key: Key,
    method: usize,
    deadline: Option<Instant>,
    beside: Option<Arc<ServedExtensions>>,
}

impl Context {
    /// Of no call yet.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, key: Key::default(), method: 0, deadline: None, beside: None }
    }

    /// Makes it that of this call. A context made anew for each would be paid for, with two atomic
    /// operations, by the many methods that take none.
    #[inline]
    pub(crate) fn reuse(
        &mut self,
        key: Key,
        method: usize,
        deadline: Option<Instant>,
        beside: Option<Arc<ServedExtensions>>,
    ) -> &Self {
        (self.key, self.method, self.deadline) = (key, method, deadline);
        self.beside = beside;
        self
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Whether unknown parameters are ignored. They are if the method says so, and in a notification: its sender cannot
    /// be told, and one unknown name would lose the whole notification.
    #[cold]
    pub(crate) fn ignores_parameter(&self, name: &str) -> bool {
        if self.shared.config.services.methods()[self.method].flags.allow_unknown {
            return true;
        }
        if !self.is_notification() {
            return false;
        }
        self.shared.config.services.ignored(self.method, &self.shared.id, name);
        true
    }

    /// What calls need to know of this handler.
    pub(crate) fn mark(&self) -> Mark {
        Mark { key: self.key, deadline: self.deadline, traced: self.trace().is_some() }
    }

    /// The stream with this id, as JSON text, that came with the call; once.
    pub(crate) fn claim(&self, id: &str) -> Option<Remote> {
        let key = self.shared.with(|state| state.protocol.claim(self.key, id))?;
        Some(Remote::new(self.shared.clone(), key))
    }

    /// Who is calling. What that end offers can be called, on the same connection.
    pub fn peer(&self) -> Peer {
        Peer { shared: self.shared.clone() }
    }

    /// All peers of the same server, the caller included, in the order in which they connected;
    /// in a client just the one.
    pub fn peers(&self) -> Vec<Peer> {
        self.shared.config.registry.peers()
    }

    /// The peers of the same server that were given this name: see [`Peer::identify`].
    pub fn peers_of(&self, name: &str) -> Vec<Peer> {
        self.shared.config.registry.peers_of(name)
    }

    /// The group of this server with this name.
    pub fn group(&self, name: &str) -> Group {
        self.shared.config.registry.group(name)
    }

    /// The name under which the method was called; in a [fallback](crate::Router::fallback) the name that the other
    /// end has sent.
    pub fn method(&self) -> &str {
        self.called().unwrap_or_else(|| self.shared.config.services.name(self.method))
    }

    /// The name under which the call came, if the fallback serves it.
    pub(crate) fn called(&self) -> Option<&str> {
        self.beside.as_ref()?.called.as_deref()
    }

    /// Whether the call is a notification, so that nobody gets an answer; `false` when the call is over. A
    /// [fallback](crate::Router::fallback) serves both, and a bridge passes on each as what it is. Costs a short lock.
    pub fn is_notification(&self) -> bool {
        self.shared.lock().protocol.is_notification(self.key)
    }

    /// The number of the method in the router.
    pub(crate) fn number(&self) -> usize {
        self.method
    }

    /// When the handler will be stopped: the caller's deadline, counted from the arrival of the
    /// call, or a notification's `notification_timeout`. `None` if the caller gave none. Calls that
    /// the handler makes inherit it.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The trace that this call is a part of, if its caller said so. Calls that the handler makes are
    /// a part of it as well.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.beside.as_ref()?.extensions.trace.as_ref()
    }

    /// Reports how far this call has come, if its caller asked for that.
    pub fn progress<P>(&self) -> Progress<P> {
        Progress::new(self, None)
    }

    /// The same under a `token` that the params name, a string or a number: as LSP's `workDoneToken` and
    /// `partialResultToken`, for which a closure has a field. (A [`Progress`] among the parameters of a trait's method
    /// finds its token itself.) If `token` is `None`, or no token, this is [`progress`](Self::progress).
    ///
    /// ```
    /// use rpc_core::{Context, Router};
    /// use serde_json::Value;
    ///
    /// #[derive(serde::Deserialize)]
    /// #[serde(rename_all = "camelCase")]
    /// struct Rename {
    ///     new_name: String,
    ///     work_done_token: Option<Value>,
    /// }
    ///
    /// let router = Router::new().method("textDocument/rename", |cx: Context, params: Rename| async move {
    ///     let progress = cx.progress_under(&params.work_done_token);
    ///     progress.report(&serde_json::json!({"kind": "begin", "title": "Renaming"}));
    ///     Ok(params.new_name)
    /// });
    /// # drop(router);
    /// ```
    pub fn progress_under<P>(&self, token: &impl Serialize) -> Progress<P> {
        let longest = self.shared.config.limits.id_bytes;
        let token = serde_json::to_string(token).ok().filter(|json| is_token(json, longest));
        Progress::new(self, token.map(Box::from))
    }

    /// The token beside the params under which reports are wanted, as JSON text.
    pub(crate) fn progress_token(&self) -> Option<&str> {
        self.beside.as_ref()?.extensions.progress.as_deref()
    }

    /// The call being served.
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// What the caller wants to happen once, if it says so; see
    /// [`Call::idempotency_key`](crate::Call::idempotency_key).
    pub fn idempotency_key(&self) -> Option<&str> {
        self.beside.as_ref()?.extensions.idempotency_key.as_deref()
    }

    /// What `on_connect` found out about this connection; `None` if that was nothing, or of another
    /// type. With [`Service::requires_caller`](crate::Service::requires_caller) a server finds at its start that the
    /// type is another.
    pub fn caller<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.shared.caller.get()?.downcast_ref()
    }

    /// The value of this type that is kept on this connection: see
    /// [`Peer::set_value`]. `None` if there is none.
    pub fn value<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.shared.values.get()
    }

    /// Whether the handler waits for calls of its own, so that it lends its place; wakes `waker` when
    /// that is no longer so.
    pub(crate) fn waits_for_calls(&self, waker: &Waker) -> bool {
        let mut waits = false;
        // Never ready: it may change again.
        let _ = poll_registered(waker, |task| {
            let protocol = &mut self.shared.lock().protocol;
            waits = protocol.watch_lending(self.key, |kept| task.keep(kept));
            None::<()>
        });
        waits
    }

    /// Nobody asks that any more.
    pub(crate) fn watches_no_calls(&self) {
        let watcher = self.shared.lock().protocol.unwatch_lending(self.key);
        drop(watcher); // without the lock
    }

    /// Waits until the call is over: cancelled by its caller, out of time, cut off with its
    /// connection, or answered.
    ///
    /// A handler needs this only for what it has spawned: itself it is dropped at that moment. May
    /// be dropped at any point.
    pub async fn cancelled(&self) {
        let mut flag = None;
        let runs = self.shared.with(|state| {
            state.protocol.watch(self.key, |kept| {
                let kept = match kept {
                    Some(Waiter::OneShotEvent(kept)) => kept,
                    _ => Arc::<OneShotEvent>::default(),
                };
                flag = Some(kept.clone());
                Waiter::OneShotEvent(kept)
            })
        });
        if let Some(flag) = flag.filter(|_| runs) {
            flag.wait().await;
        }
    }

    /// Runs `future`, in a task of its own, once the answer to this call is in the outbound queue: what
    /// it sends arrives after the answer, for a member of a batch after that of the batch, for a
    /// subscription after its id. Several start in the order in which they were given. After a
    /// notification's handler it runs when that has ended.
    ///
    /// It runs whatever the answer says, a result, an error, that the call was cancelled, that its time
    /// is over: give it last, right before the result, if it goes with a result only. If the connection
    /// ends before there is an answer, it is dropped. Given when the call is over it starts at once.
    ///
    /// The handler is done by then: calls that are made in `future` inherit no deadline, and like any
    /// other task it is not stopped with the connection.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Context, Router, memory};
    ///
    /// let server = Router::new().method("join", |cx: Context, (room,): (String,)| async move {
    ///     let peer = cx.peer();
    ///     cx.after_response(async move {
    ///         // Whoever joined knows that before the news come.
    ///         let _ = peer.notify("news", ("welcome",)).await;
    ///     });
    ///     Ok(room)
    /// });
    /// let client = Router::new().notification("news", |_: Context, _: (String,)| async {});
    /// let (peer, _) = memory::pair(client, server);
    /// assert_eq!(peer.call::<String>("join", ("lobby",)).await?, "lobby");
    /// # Ok(()) }
    /// ```
    pub fn after_response(&self, future: impl Future<Output = ()> + Send + 'static) {
        let mut later = Box::new(Deferred::new());
        later.push(future);
        let mut state = self.shared.lock();
        if state.protocol.ended().is_some() {
            drop(state); // before the future is dropped, which may do anything
            return;
        }
        let mut late = Some(later);
        state.protocol.after_answer(self.key, |kept| {
            let later = late.take().expect("asked for once");
            Waiter::Deferred(match kept {
                Some(Waiter::Deferred(kept)) => kept.and(*later),
                _ => later,
            })
        });
        drop(state);
        if let Some(later) = late {
            later.start();
        }
    }

    /// Makes `future` a part of this handler, wherever it is polled: for what a handler spawns, or
    /// joins with other tasks. Calls made in it inherit the handler's deadline, and while they wait
    /// they lend its place, so that they can be answered by an end that calls back, at whatever limit.
    /// Calls of a task that was spawned without it are on their own: at the limit they are busy.
    ///
    /// When the handler has ended it lends nothing more, and the deadline still holds. The future is
    /// not stopped with the handler; see [`cancelled`](Self::cancelled).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Context, ErrorObject, Router, memory};
    ///
    /// let server = Router::new().method("sum", |cx: Context, (): ()| async move {
    ///     let asked = [0, 1, 2].map(|index| {
    ///         let peer = cx.peer();
    ///         tokio::spawn(cx.scope(async move { peer.call::<i64>("number", (index,)).await }))
    ///     });
    ///     let mut sum = 0;
    ///     for number in asked {
    ///         sum += number.await.map_err(|_| ErrorObject::internal())??;
    ///     }
    ///     Ok(sum)
    /// });
    /// let client = Router::new().method("number", |_: Context, (n,): (i64,)| async move { Ok(10 * n) });
    /// let (peer, _) = memory::pair(client, server);
    /// assert_eq!(peer.call::<i64>("sum", ()).await?, 30);
    /// # Ok(()) }
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        Scoped::new(self.clone(), future)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("peer", &self.shared.id)
            .field("method", &self.method())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
