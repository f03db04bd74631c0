//! The context of a call, for its handler.

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
use crate::wire::extensions::{Extensions, is_token};
use crate::wire::trace::TraceContext;

/// The context of a served call: its peer, its deadline, its metadata.
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
    extensions: Option<Arc<ServedExtensions>>,
}

impl Context {
    /// Creates a context that belongs to no call yet.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, key: Key::default(), method: 0, deadline: None, extensions: None }
    }

    /// Makes this the context of another call. One context is reused for all calls of a connection, because a new
    /// context costs two atomic operations, and many methods take no context.
    #[inline]
    pub(crate) fn reuse(
        &mut self,
        key: Key,
        method: usize,
        deadline: Option<Instant>,
        extensions: Option<Arc<ServedExtensions>>,
    ) -> &Self {
        (self.key, self.method, self.deadline) = (key, method, deadline);
        self.extensions = extensions;
        self
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Returns whether an unknown parameter is ignored. Unknown parameters are ignored if the method says so, and in
    /// a notification. The sender of a notification gets no error, so one unknown name would lose the whole
    /// notification.
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

    /// Returns the facts about this handler that its calls need.
    pub(crate) fn mark(&self) -> Mark {
        Mark { key: self.key, deadline: self.deadline, traced: self.trace().is_some() }
    }

    /// Takes the stream with this id, as JSON text, if the stream came with the call. A stream can be taken once.
    pub(crate) fn claim(&self, id: &str) -> Option<Remote> {
        let key = self.shared.with(|state| state.protocol.claim(self.key, id))?;
        Some(Remote::new(self.shared.clone(), key))
    }

    /// Returns the peer that made this call. The handler may call the methods of the peer on the same connection.
    pub fn peer(&self) -> Peer {
        Peer { shared: self.shared.clone() }
    }

    /// Returns all peers of the same server in the order in which they connected, the caller included. In a client,
    /// returns the server only.
    pub fn peers(&self) -> Vec<Peer> {
        self.shared.config.registry.peers()
    }

    /// Returns the peers of the same server with this name; see [`Peer::identify`].
    pub fn peers_of(&self, name: &str) -> Vec<Peer> {
        self.shared.config.registry.peers_of(name)
    }

    /// Returns the group of this server with this name.
    pub fn group(&self, name: &str) -> Group {
        self.shared.config.registry.group(name)
    }

    /// Returns the name under which the method was called. In a [fallback](crate::Router::fallback) this is the name
    /// that the peer sent.
    pub fn method(&self) -> &str {
        self.called().unwrap_or_else(|| self.shared.config.services.name(self.method))
    }

    /// Returns the name that the peer sent, if the fallback serves the call.
    pub(crate) fn called(&self) -> Option<&str> {
        self.extensions.as_ref()?.called.as_deref()
    }

    /// Returns whether the call is a notification, which has no answer. Returns `false` after the call is over.
    ///
    /// A [fallback](crate::Router::fallback) serves requests and notifications, and a bridge passes on each as the
    /// same kind. This takes a lock for a short time.
    pub fn is_notification(&self) -> bool {
        self.shared.lock().protocol.is_notification(self.key)
    }

    /// Returns the number of the method in the router.
    pub(crate) fn number(&self) -> usize {
        self.method
    }

    /// Returns the time at which the handler will be stopped. For a request this is the caller's deadline, counted
    /// from the arrival of the call; `None` if the caller gave none. For a notification it is its
    /// `notification_timeout`. Calls that the handler makes inherit the deadline.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns the trace of this call, if the caller sent a trace. Calls that the handler makes belong to the same
    /// trace.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.extensions.as_ref()?.members.trace.as_ref()
    }

    /// Returns a reporter of progress. Reports are sent only if the caller asked for progress.
    pub fn progress<P>(&self) -> Progress<P> {
        Progress::new(self, None)
    }

    /// Returns a reporter of progress under a `token` from the params, which is a string or a number. LSP's
    /// `workDoneToken` and `partialResultToken` are such tokens; the params of a closure have a field for them. A
    /// [`Progress`] parameter in a trait's method finds its token without this function.
    ///
    /// If `token` is `None` or is not a token, this function does the same as [`progress`](Self::progress).
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

    /// Returns the progress token beside the params, as JSON text.
    pub(crate) fn progress_token(&self) -> Option<&str> {
        self.extensions.as_ref()?.members.progress.as_deref()
    }

    /// Returns the members beside the params, if there are any.
    pub(crate) fn members(&self) -> Option<&Extensions> {
        Some(&self.extensions.as_ref()?.members)
    }

    /// Returns the key of the call.
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// Returns the idempotency key that the caller sent, if any; see
    /// [`Call::idempotency_key`](crate::Call::idempotency_key).
    pub fn idempotency_key(&self) -> Option<&str> {
        self.extensions.as_ref()?.members.idempotency_key.as_deref()
    }

    /// Returns the value that `on_connect` returned for this connection. Returns `None` if there is no value, or if
    /// the value has another type.
    ///
    /// With [`Service::requires_caller`](crate::Service::requires_caller) a server fails to start if its `on_connect`
    /// returns another type.
    pub fn caller<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.shared.caller.get()?.downcast_ref()
    }

    /// Returns the value of this type that is stored for this connection, or `None`; see [`Peer::set_value`].
    pub fn value<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.shared.values.get()
    }

    /// Returns whether the handler waits for calls of its own, and so releases its permit. Wakes `waker` when this
    /// changes.
    pub(crate) fn waits_for_calls(&self, waker: &Waker) -> bool {
        let mut waits = false;
        // Never ready, because the state may change again.
        let _ = poll_registered(waker, |task| {
            let protocol = &mut self.shared.lock().protocol;
            waits = protocol.watch_permit(self.key, |kept| task.keep(kept));
            None::<()>
        });
        waits
    }

    /// Removes the waker that `waits_for_calls` stored.
    pub(crate) fn watches_no_calls(&self) {
        let watcher = self.shared.lock().protocol.unwatch_permit(self.key);
        drop(watcher); // without the lock
    }

    /// Waits until the call is over: cancelled by its caller, past its deadline, ended with its connection, or
    /// answered.
    ///
    /// A handler needs this only for work that it has spawned, because the handler itself is dropped when its call is
    /// over. This function is cancel safe.
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

    /// Runs `future` in a task of its own once the answer to this call is in the outbound queue. So messages that
    /// `future` sends arrive after the answer. For a member of a batch they arrive after the answer of the batch, for
    /// a subscription after its id. Several futures start in the order in which they were given. For a notification
    /// the future runs when its handler has ended.
    ///
    /// The future runs whatever the outcome is: a result, an error, a cancel or a missed deadline. To run it after a
    /// result only, call this as the last step before the handler returns the result. If the connection ends before
    /// the answer, the future is dropped. If the call is already over, the future starts at once.
    ///
    /// The handler has ended when `future` runs, so calls in `future` inherit no deadline. Like any other task,
    /// `future` is not stopped when the connection ends.
    ///
    /// # Panics
    /// Panics outside of a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Context, Router, memory};
    ///
    /// let server = Router::new().method("join", |cx: Context, (room,): (String,)| async move {
    ///     let peer = cx.peer();
    ///     cx.after_response(async move {
    ///         // The new member gets its answer before the news.
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
            drop(state); // before the future is dropped: its `Drop` is code of the application
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

    /// Makes `future` a part of this handler, in whatever task it is polled. Use this for work that a handler spawns,
    /// or joins with other tasks.
    ///
    /// Calls made in `future` inherit the handler's deadline. While they wait, the handler's permit is released, so a
    /// peer that calls back is served even at the limit. In a task that was spawned without `scope`, calls have no
    /// deadline from the handler and release no permit; a call back at the limit is answered busy.
    ///
    /// After the handler has ended, no permit is released any more, but the deadline still holds. The future is not
    /// stopped with the handler; see [`cancelled`](Self::cancelled).
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
