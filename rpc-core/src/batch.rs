//! Calls and notifications that leave together (specification, section 6).

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::FutureExt;
use serde::Serialize;
use tokio::time::Instant;

use crate::call::{self, Call, Options, Terms};
use crate::call_error::NotifyError;
use crate::current::{self, Lent};
use crate::layers::{Called, Calling, Queue, Route};
use crate::notify::Notify;
use crate::outgoing::{Beside, Outgoing};
use crate::peer::Peer;
use crate::protocol::Start;
use crate::shared::Shared;
use crate::sync::{Arc, Mutex};

/// Calls and notifications that are sent as one message.
///
/// Calls made on it wait until it is sent; then each is answered by itself, in whatever order. A
/// stub over `&Batch` queues as well. A batch of more members than `batch` of the
/// [`Limits`](crate::Limits) (100) allows, or of more bytes than `message_out`, leaves as several.
///
/// A call that is dropped before the batch is sent is left out; one that is awaited before fails at
/// once, with [`CallError::Cancelled`](crate::CallError::Cancelled) and
/// [`Fate::NotSent`](crate::Fate::NotSent), and so do all if the batch is dropped unsent.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::{Context, Router, memory};
///
/// let adder = Router::new().method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) });
/// let (peer, _) = memory::pair(Router::new(), adder);
///
/// let batch = peer.batch();
/// let three = batch.call::<i64>("add", (1, 2));
/// let seven = batch.call::<i64>("add", (3, 4));
/// batch.send().await?;
/// assert_eq!((seven.await?, three.await?), (7, 3));
/// # Ok(()) }
/// ```
#[must_use = "a batch does nothing until it is sent"]
pub struct Batch {
    peer: Peer,
    members: Mutex<Vec<Member>>,
}

enum Member {
    Call(Outgoing, Arc<Queued>),
    Notification(Bytes),
}

/// A call in a batch, as its future and the batch share it.
#[derive(Default)]
pub(crate) struct Queued {
    pub(crate) options: Mutex<Options>,
    /// What came of sending it; empty until then, and when the call's future has taken it.
    pub(crate) sent: Mutex<Option<Sent>>,
}

/// What came of sending a call.
pub(crate) enum Sent {
    /// It waits for its answer, under this id.
    As(u64, Option<Lent>),
    /// `pending_calls` was reached.
    Busy,
    /// The connection had ended.
    Closed(crate::CloseReason),
    /// Through layers, which have the rest.
    Layered(Called),
}

impl Batch {
    pub(crate) fn new(peer: Peer) -> Self {
        Self { peer, members: Mutex::default() }
    }

    /// Queues a call; as [`Peer::call`].
    pub fn call<T>(&self, method: &str, params: impl Serialize) -> Call<T> {
        self.queue_call(Outgoing::new(method, &params, self.limit()))
    }

    /// Queues a notification; as [`Peer::notify`].
    ///
    /// # Errors
    /// [`Encode`](NotifyError::Encode): the params could not be written, or are too large.
    pub fn notify(&self, method: &str, params: impl Serialize) -> Result<(), NotifyError> {
        self.queue_notification(Outgoing::new(method, &params, self.limit()))
    }

    /// Sends what was queued; ends when the outbound queue has taken it. Dropped before that, a part
    /// may have been sent.
    ///
    /// # Errors
    /// [`Closed`](NotifyError::Closed): there is no connection any more. The calls fail as well.
    pub async fn send(self) -> Result<(), NotifyError> {
        let members = std::mem::take(&mut *self.members.lock().unwrap());
        // Who gave up a call before it was sent left us the only one that holds it.
        let wanted = members.into_iter().filter(|member| match member {
            Member::Call(_, queued) => Arc::strong_count(queued) > 1,
            Member::Notification(_) => true,
        });
        let mut part = Part::default();
        for member in wanted {
            let Some((member, within)) = member.within_layers(&self.peer.shared) else { continue };
            let bytes = member.len(&self.peer.shared);
            if !part.has_room_for(bytes, &self.peer) {
                std::mem::take(&mut part).send(&self.peer).await?;
            }
            part.add(member, bytes);
            part.within.extend(within);
        }
        part.send(&self.peer).await
    }

    /// How many members are queued.
    pub fn len(&self) -> usize {
        self.members.lock().unwrap().len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn limit(&self) -> usize {
        self.peer.shared.setup.limits.message_out
    }

    pub(crate) fn queue_call<T, E, P>(&self, message: Result<Outgoing, String>) -> Call<T, E, P> {
        match message {
            Ok(message) => {
                let queued = Arc::new(Queued::default());
                self.members.lock().unwrap().push(Member::Call(message, queued.clone()));
                Call::in_batch(self.peer.shared.clone(), queued)
            }
            Err(why) => Call::new(self.peer.shared.clone(), Err(why)),
        }
    }

    pub(crate) fn queue_notification(
        &self,
        message: Result<Outgoing, String>,
    ) -> Result<(), NotifyError> {
        let message = message.map_err(NotifyError::Encode)?;
        let shared = &self.peer.shared;
        let message = if shared.layers.any() {
            notification_within_layers(shared, message)?
        } else {
            Some(message.notification(current::trace_for(shared)))
        };
        self.members.lock().unwrap().extend(message.map(Member::Notification));
        Ok(())
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("peer", &self.peer.id()).field("len", &self.len()).finish()
    }
}

/// What a batch adds around a lone member.
const BRACKETS: usize = 2;

/// What is queued of a notification that goes through layers, if they do not keep it.
fn notification_within_layers(
    shared: &Arc<Shared>,
    message: Outgoing,
) -> Result<Option<Bytes>, NotifyError> {
    let queue = Queue::new();
    let route = Route::NotificationInBatch(queue.clone());
    let called = Calling::new(shared, message, Options::default(), route).begin();
    match called.now_or_never() {
        Some(came_to) => came_to.map(|_| queue.close()).map_err(NotifyError::from),
        // Nobody would poll it again.
        None => Err(NotifyError::Full),
    }
}

/// A call that goes through layers: what its future shares with the batch, and what that goes on with.
type Within = (Arc<Queued>, Called);

/// As much of a batch as one message may hold.
#[derive(Default)]
struct Part {
    members: Vec<Member>,
    /// Calls of it that go through layers: those who wait for them get what the layers make of them.
    within: Vec<Within>,
    bytes: usize,
}

impl Part {
    fn has_room_for(&self, bytes: usize, peer: &Peer) -> bool {
        let limits = &peer.shared.setup.limits;
        // More calls than may be on the wire would have to wait for an empty one.
        let most = limits.batch.min(limits.calls_on_wire);
        self.members.len() < most && self.bytes + bytes + BRACKETS <= limits.message_out
    }

    fn add(&mut self, member: Member, bytes: usize) {
        self.bytes += bytes + 1;
        self.members.push(member);
    }

    async fn send(mut self, peer: &Peer) -> Result<(), NotifyError> {
        let within = std::mem::take(&mut self.within);
        let sent = self.send_members(peer).await;
        for (queued, called) in within {
            queued.set(Sent::Layered(called));
        }
        sent
    }

    async fn send_members(self, peer: &Peer) -> Result<(), NotifyError> {
        if self.members.is_empty() {
            return Ok(());
        }
        let calls: Vec<_> = self.members.iter().filter_map(Member::queued).cloned().collect();
        if calls.is_empty() {
            // Nothing else bounds notifications than their waiting for room.
            let message = self.join(&[], &[]);
            return Notify::whole(peer.shared.clone(), message).await;
        }
        self.send_with_calls(peer, &calls)
    }

    /// Calls are bounded by `pending_calls`, so their message need not wait here.
    fn send_with_calls(self, peer: &Peer, calls: &[Arc<Queued>]) -> Result<(), NotifyError> {
        let now = Instant::now();
        let shared = &peer.shared;
        let terms = calls.iter().map(|queued| queued.options.lock().unwrap().terms(now, shared));
        let (starts, others): (Vec<_>, Vec<_>) = terms
            .map(|Terms { deadline, renewed, progress, beside, .. }| {
                let (caller, lent) = current::caller(shared);
                let start = Start { deadline, caller, renewed, progress, ..Start::default() };
                (start, (beside, lent))
            })
            .unzip();
        let (beside, lent): (Vec<_>, Vec<_>) = others.into_iter().unzip();
        let sent =
            shared.with(|state| state.protocol.start_batch(&starts, |ids| self.join(ids, &beside)));
        match sent {
            Ok(ids) => {
                let mut ids = ids.iter();
                for (queued, lent) in calls.iter().zip(lent) {
                    queued.set(ids.next().map_or(Sent::Busy, |id| Sent::As(*id, lent)));
                }
                Ok(())
            }
            Err(reason) => {
                calls.iter().for_each(|queued| queued.set(Sent::Closed(reason.clone())));
                Err(NotifyError::Closed { reason })
            }
        }
    }

    /// The message, with as many of its calls as there are ids.
    fn join(self, ids: &[u64], beside: &[Beside]) -> Bytes {
        let mut calls = ids.iter().zip(beside);
        let mut out = BytesMut::with_capacity(self.bytes + BRACKETS);
        for member in self.members {
            let text = match member {
                Member::Notification(text) => text,
                Member::Call(message, _) => match calls.next() {
                    Some((id, beside)) => message.request(*id, beside),
                    None => continue,
                },
            };
            out.put_u8(if out.is_empty() { b'[' } else { b',' });
            out.put(text);
        }
        if out.is_empty() {
            // All were busy: there is nothing to say.
            return Bytes::new();
        }
        out.put_u8(b']');
        out.freeze()
    }
}

impl Member {
    /// A call as its layers let it go on, and what its caller is to wait for instead; nothing to send
    /// if they do not.
    fn within_layers(self, shared: &Arc<Shared>) -> Option<(Self, Option<Within>)> {
        match self {
            Self::Call(message, outer) if shared.layers.any() => {
                let options = outer.options.lock().unwrap().clone();
                let (called, queued) = call::queue(shared, message, options);
                let Some((message, inner)) = queued else {
                    outer.set(Sent::Layered(called));
                    return None;
                };
                Some((Self::Call(message, inner), Some((outer, called))))
            }
            member => Some((member, None)),
        }
    }

    fn queued(&self) -> Option<&Arc<Queued>> {
        match self {
            Self::Call(_, queued) => Some(queued),
            Self::Notification(_) => None,
        }
    }

    /// How many bytes it takes at most.
    fn len(&self, shared: &Shared) -> usize {
        match self {
            Self::Call(message, queued) => {
                message.longest() + queued.options.lock().unwrap().longest(shared)
            }
            Self::Notification(text) => text.len(),
        }
    }
}

impl Queued {
    fn set(&self, sent: Sent) {
        *self.sent.lock().unwrap() = Some(sent);
    }
}
