//! Calls and notifications that leave together (specification, section 6).

use std::fmt;

use bytes::Bytes;
use futures_util::FutureExt;
use serde::Serialize;

use crate::error::call::NotifyError;
use crate::layers::{CallRequest, MemberSlot, SendMode};
use crate::peer::Peer;
use crate::peer::call::Call;
use crate::peer::pending_call::{Options, QueuedCall};
use crate::peer::slot::Shared;
use crate::service::current;
use crate::util::sync::{Arc, Mutex};
use crate::wire::request::Outgoing;

mod layered;
mod part;

use layered::enter_layers;
use part::{BRACKETS, Line, Part};

/// Calls and notifications that are sent as one message.
///
/// The calls of a batch wait until the batch is sent. Then each call gets its own answer, in any order. A stub over
/// `&Batch` queues its calls and notifications too.
///
/// The batch is sent as several messages if it has more members than `batch` of the [`Limits`](crate::Limits) (100)
/// allows, more members than the other end accepts, or more bytes than `message_out` allows. If the other end
/// refuses a batch for its size and states the number of members that it accepts, the batch is sent again in parts,
/// once. If the other end refuses a batch for another reason, or answers only some of the calls, the other calls fail
/// with [`CallError::Unanswered`](crate::CallError::Unanswered).
///
/// A notification of a method that the other end has [muted](Peer::mute) is left out.
///
/// A call that is dropped before the batch is sent is left out. A call that is awaited before the batch is sent fails
/// at once with [`CallError::Cancelled`](crate::CallError::Cancelled) and [`Fate::NotSent`](crate::Fate::NotSent). If
/// the batch is dropped unsent, all its calls fail with the same error.
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
    Call(Outgoing, Arc<QueuedCall>),
    Notification(Bytes),
}

impl Batch {
    pub(crate) fn new(peer: Peer) -> Self {
        Self { peer, members: Mutex::default() }
    }

    /// Queues a call. The arguments are those of [`Peer::call`].
    pub fn call<T>(&self, method: &str, params: impl Serialize) -> Call<T> {
        self.queue_call(Outgoing::new(method, &params, self.limit()))
    }

    /// Queues a notification. The arguments are those of [`Peer::notify`].
    ///
    /// # Errors
    /// [`Encode`](NotifyError::Encode): the params cannot be encoded, or are too large.
    pub fn notify(&self, method: &str, params: impl Serialize) -> Result<(), NotifyError> {
        self.queue_notification(Outgoing::new(method, &params, self.limit()))
    }

    /// Sends the queued calls and notifications. The future completes when the outbound queue has accepted all of
    /// them. A batch with calls may have to wait for `calls_on_wire` of the [`Limits`](crate::Limits). Then the future
    /// completes at once, and notifications that are sent later may leave before the batch.
    ///
    /// If the future is dropped before it completes, a part of the batch may have been sent.
    ///
    /// # Errors
    /// [`Closed`](NotifyError::Closed): the connection has ended. The calls fail too.
    pub async fn send(self) -> Result<(), NotifyError> {
        let shared = &self.peer.shared;
        let members = std::mem::take(&mut *self.members.lock().unwrap());
        let mut part = Part::default();
        for member in members {
            let (line, layered) = match member {
                Member::Notification(text) => (Line::Notification(text), None),
                Member::Call(message, queued) => {
                    // A call whose future was dropped or polled before is left out.
                    let Some(claim) = queued.claim(shared) else { continue };
                    if shared.layers.any() {
                        let Some((line, layered)) = enter_layers(shared, message, claim) else {
                            continue;
                        };
                        (line, Some(layered))
                    } else {
                        (Line::Call(message, claim), None)
                    }
                }
            };
            let bytes = line.len(shared);
            if !part.has_room_for(bytes, &self.peer) {
                std::mem::take(&mut part).send(&self.peer).await?;
            }
            part.add(line, bytes);
            part.layered.extend(layered);
        }
        part.send(&self.peer).await
    }

    /// Returns the number of queued members.
    pub fn len(&self) -> usize {
        self.members.lock().unwrap().len()
    }

    /// Returns whether no member is queued.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn limit(&self) -> usize {
        self.peer.shared.config.limits.message_out.saturating_sub(BRACKETS)
    }

    pub(crate) fn queue_call<T, E, P>(&self, message: Result<Outgoing, String>) -> Call<T, E, P> {
        match message {
            Ok(message) => {
                let queued = QueuedCall::new(Options::default());
                let call = Call::in_batch(self.peer.shared.clone(), queued.clone());
                #[cfg(feature = "schema")]
                let call = call.of_method(Some(message.method()));
                self.members.lock().unwrap().push(Member::Call(message.filled(), queued));
                call
            }
            Err(why) => Call::new(self.peer.shared.clone(), Err(why)),
        }
    }

    pub(crate) fn queue_notification(
        &self,
        message: Result<Outgoing, String>,
    ) -> Result<(), NotifyError> {
        let message = message.map_err(|why| NotifyError::Encode(why.into()))?;
        let shared = &self.peer.shared;
        let message = if shared.layers.any() {
            notification_through_layers(shared, message)?
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

/// Sends a notification through its layers. Returns the message for the batch, or `None` if the layers did not pass
/// the notification on.
fn notification_through_layers(
    shared: &Arc<Shared>,
    message: Outgoing,
) -> Result<Option<Bytes>, NotifyError> {
    let slot = MemberSlot::new();
    let mode = SendMode::NotificationInBatch(slot.clone());
    let future = CallRequest::new(shared, message, Options::default(), mode).begin();
    match future.now_or_never() {
        Some(answer) => answer.map(|_| slot.close()).map_err(NotifyError::from),
        // No task would poll the future again.
        None => Err(NotifyError::Full),
    }
}
