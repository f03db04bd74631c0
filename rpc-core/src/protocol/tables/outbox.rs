//! Messages that wait for the transport, in order, and those that wait for room among them.
//!
//! Below the limit everything is taken. Above it new calls and notifications wait outside, in
//! order, while what is owed or frees something (answers, cancels) still enters.

mod tickets;

use bytes::Bytes;

use tickets::Tickets;

use crate::util::sync::Arc;
use crate::wire::session::is_of_link;

/// The memory that a message takes beside its text, roughly. Without it a million short messages would be
/// within the limit.
pub(crate) const OVERHEAD: usize = 128;

/// So few bytes in the transport keep no message waiting.
const LITTLE: usize = 4096;

/// The first ticket of a queue, so that there are tickets before it.
const FIRST: u64 = 1 << 62;

/// How far apart the tickets of two queues are.
const APART: u64 = 1 << 32;

/// The queue of one connection. A waiter `W` is told when its message has entered the queue.
pub(crate) struct Outbox<W> {
    limit: usize,
    queue: Tickets<Queued>,
    waiting: Tickets<Waiting<W>>,
    bytes: usize,
    backlog: usize,
    gates: Option<Box<Gates>>,
}

/// What is held back at the beginning of a session, although there is room.
#[derive(Default)]
struct Gates {
    /// The queue of the time before, until the application has opened the session, and the ticket of the sentinel that
    /// stands among the messages that wait.
    held: Option<(Tickets<Queued>, u64)>,
    /// The limit, while no handler may start: to handlers there is no room then.
    limit: Option<usize>,
}

/// A message that is taken out to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queued {
    pub(crate) message: Bytes,
    pub(crate) calls: Carried,
    /// Whether the message was sent in a session before, in which the other end has not taken it in.
    pub(crate) is_put_back: bool,
}

impl Queued {
    fn is_hello(&self) -> bool {
        match self.calls {
            Carried::Hello => true,
            // Without a session the hello is a message as all others.
            Carried::None => is_of_link(&self.message),
            _ => false,
        }
    }
}

/// The calls of this end that a message carries, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Carried {
    /// Nothing of the application: an answer, a cancel, credit.
    None,
    /// One notification of the application.
    Notification,
    One(u64),
    /// A batch.
    Many(Arc<[u64]>),
    /// A part of a batch that was refused as a whole.
    Again(Arc<[u64]>),
    /// A batch of notifications.
    Notifications,
    /// The hello, which belongs to the link and not to the session.
    Hello,
    /// An acknowledgement, which is written when it leaves.
    Ack,
}

impl Carried {
    pub(crate) fn ids(&self) -> &[u64] {
        match self {
            Self::None | Self::Notification | Self::Notifications | Self::Hello | Self::Ack => &[],
            Self::One(id) => std::slice::from_ref(id),
            Self::Many(ids) | Self::Again(ids) => ids,
        }
    }

    /// Returns whether the message is a batch, or a part of one.
    pub(crate) fn are_of_batch(&self) -> bool {
        matches!(self, Self::Many(_) | Self::Again(_) | Self::Notifications)
    }

    /// Returns how a message counts that holds one notification, or an array of them.
    pub(crate) fn notified(message: &Bytes) -> Self {
        if message.starts_with(b"[") { Self::Notifications } else { Self::Notification }
    }

    /// Returns whether the message is the application's, and waits for another session if its session ends before the
    /// message was sent.
    pub(crate) fn outlives_session(&self) -> bool {
        !matches!(self, Self::None | Self::Hello | Self::Ack)
    }
}

/// A message that waits for room.
pub(crate) struct Waiting<W> {
    message: Bytes,
    sender: Sender<W>,
}

/// What a message in front of the queue carries, and who waits for it.
pub(crate) enum Sender<W> {
    /// Calls of this end.
    Calls(Carried),
    /// A notification, and the waiter told when it enters.
    Notification(Option<W>),
    /// Nobody: no message passes while the application opens the session.
    Gate,
}

/// A message that [`Outbox::admit`] let in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admitted<W> {
    /// These calls are in the queue now, under this ticket.
    Calls { calls: Carried, ticket: u64 },
    /// A notification is in the queue now.
    Notification(Option<W>),
}

impl<W> Outbox<W> {
    pub(crate) fn new(limit: usize) -> Self {
        let (queue, waiting) = (Tickets::new(FIRST), Tickets::new(0));
        Self { limit, queue, waiting, bytes: 0, backlog: 0, gates: None }
    }

    /// Returns whether there is room for a message that may wait.
    pub(crate) fn has_room(&self) -> bool {
        self.takes() < self.limit
    }

    /// Returns how many bytes there is room for.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.takes())
    }

    /// Returns whether a message that may wait enters at once: there is room, and none waits before it.
    pub(crate) fn is_open(&self) -> bool {
        self.has_room_for_callers() && self.waiting.is_empty()
    }

    /// Returns whether no message waits for room.
    pub(crate) fn has_none_waiting(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns whether there is room for calls and notifications, also while handlers are held back.
    pub(crate) fn has_room_for_callers(&self) -> bool {
        self.has_room() || self.has_room_behind_gate()
    }

    #[cold]
    fn has_room_behind_gate(&self) -> bool {
        let limit = self.gates.as_ref().and_then(|gates| gates.limit);
        limit.is_some_and(|limit| self.takes() < limit)
    }

    /// Returns the bytes in the queue, and those that the transport took and could not pass on yet.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.backlog
    }

    /// Returns the memory of the queue: its bytes, and an overhead for each message.
    pub(crate) fn takes(&self) -> usize {
        self.bytes() + OVERHEAD * self.queue.len
    }

    /// Sets how many bytes there is room for.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        match self.gates.as_mut().and_then(|gates| gates.limit.as_mut()) {
            Some(behind_gate) => *behind_gate = limit,
            None => self.limit = limit,
        }
    }

    /// Lets no handler start, as if there were no room. Calls and notifications are taken as ever.
    pub(crate) fn hold_handlers(&mut self) {
        let gates = self.gates.get_or_insert_default();
        gates.limit.get_or_insert(self.limit);
        self.limit = 0;
    }

    /// Lets handlers start again.
    pub(crate) fn release_handlers(&mut self) {
        let limit = self.gates.as_mut().and_then(|gates| gates.limit.take());
        self.limit = limit.unwrap_or(self.limit);
        self.drop_gates();
    }

    /// Holds back all that is queued and all that waits, until [`release`](Self::release). What is pushed from now on
    /// is sent before that. No effect if messages are held back already.
    pub(crate) fn hold(&mut self) {
        let held = self.gates.as_mut().and_then(|gates| gates.held.as_mut());
        if held.as_ref().is_some_and(|(held, _)| !held.is_empty()) {
            return;
        }
        let next = self.queue.first + self.queue.entries.len() as u64 + APART;
        let queue = std::mem::replace(&mut self.queue, Tickets::new(next));
        // The session before may have ended unopened: then all that was held is in the queue again.
        if let Some((held, _)) = held {
            *held = queue;
            return;
        }
        let sentinel = self.waiting.push(Waiting { message: Bytes::new(), sender: Sender::Gate });
        self.gates.get_or_insert_default().held = Some((queue, sentinel));
    }

    /// Returns whether messages are held back until the application has opened the session.
    pub(crate) fn is_held(&self) -> bool {
        self.gates.as_ref().is_some_and(|gates| gates.held.is_some())
    }

    /// Queues what was held back, and calls `moved` with the calls of each message and the new ticket of the message.
    pub(crate) fn release(&mut self, mut moved: impl FnMut(&Carried, u64)) {
        let held = self.gates.as_mut().and_then(|gates| gates.held.take());
        let Some((mut queue, sentinel)) = held else { return };
        for queued in queue.drain() {
            let calls = queued.calls.clone();
            moved(&calls, self.queue.push(queued));
        }
        self.waiting.remove(sentinel);
        self.drop_gates();
    }

    fn drop_gates(&mut self) {
        self.gates =
            self.gates.take().filter(|gates| gates.held.is_some() || gates.limit.is_some());
    }

    /// Returns whether the message with this ticket has left, and little of what left is still in the transport. If
    /// others wait here, the next message would wait behind them, so the transport does not matter.
    pub(crate) fn has_left(&self, ticket: u64) -> bool {
        ticket < self.queue.first && (self.backlog <= LITTLE || !self.queue.is_empty())
    }

    /// Sets how many bytes the transport holds and has not passed on.
    pub(crate) fn set_backlog(&mut self, bytes: usize) {
        self.backlog = bytes;
    }

    /// Adds a message whatever the limit says. Returns its ticket in the queue.
    pub(crate) fn push(&mut self, message: Bytes, calls: Carried) -> u64 {
        self.push_again(Queued { message, calls, is_put_back: false })
    }

    /// As [`push`](Self::push), for a message that was taken out before.
    pub(crate) fn push_again(&mut self, queued: Queued) -> u64 {
        self.bytes += queued.message.len();
        self.queue.push(queued)
    }

    /// Adds messages that are no calls, whatever the limit says.
    pub(crate) fn extend(&mut self, messages: impl IntoIterator<Item = Bytes>) {
        for message in messages {
            self.push(message, Carried::None);
        }
    }

    /// Adds a message that must wait for room. Returns its ticket among the messages that wait.
    pub(crate) fn wait(&mut self, message: Bytes, sender: Sender<W>) -> u64 {
        self.waiting.push(Waiting { message, sender })
    }

    /// Lets the message in that has waited longest, if there is room. Returns `None` if no message waits
    /// or there is no room.
    pub(crate) fn admit(&mut self) -> Option<Admitted<W>> {
        if self.waiting.is_empty() || !self.has_room_for_callers() {
            return None;
        }
        if self.is_held() {
            return None;
        }
        let Waiting { message, sender } = self.waiting.pop()?;
        Some(match sender {
            Sender::Gate => unreachable!("the sentinel leaves with what is held"),
            Sender::Calls(calls) => {
                Admitted::Calls { ticket: self.push(message, calls.clone()), calls }
            }
            Sender::Notification(waiter) => {
                let calls = Carried::notified(&message);
                self.push(message, calls);
                Admitted::Notification(waiter)
            }
        })
    }

    /// Returns whether the notification with this ticket still waits. If so, `keep` stores a waiter.
    pub(crate) fn still_waits(&mut self, ticket: u64, keep: impl FnOnce(&mut Option<W>)) -> bool {
        match self.waiting.get_mut(ticket) {
            Some(Waiting { sender: Sender::Notification(kept), .. }) => {
                keep(kept);
                true
            }
            _ => false,
        }
    }

    /// Returns whether a message that waits no longer has entered the queue; if not, it was thrown away.
    pub(crate) fn has_entered(&self, ticket: u64) -> bool {
        ticket < self.waiting.first
    }

    /// Takes back a message that waits for room. Returns its waiter.
    pub(crate) fn cancel_waiting(&mut self, ticket: u64) -> Option<W> {
        match self.waiting.remove(ticket)?.sender {
            Sender::Notification(waiter) => waiter,
            Sender::Calls(_) | Sender::Gate => None,
        }
    }

    /// Takes back a message that is in the queue and was not sent.
    pub(crate) fn cancel(&mut self, ticket: u64) {
        let queued = self.queue.remove(ticket).or_else(|| self.cancel_held(ticket));
        if let Some(queued) = queued {
            self.bytes -= queued.message.len();
        }
    }

    #[cold]
    fn cancel_held(&mut self, ticket: u64) -> Option<Queued> {
        self.gates.as_mut()?.held.as_mut()?.0.remove(ticket)
    }

    /// Adds a message before all others.
    pub(crate) fn push_front(&mut self, queued: Queued) {
        self.bytes += queued.message.len();
        self.queue.push_front(queued);
    }

    /// Adds an acknowledgement before all others but a hello: the other end counts only what comes behind the hello.
    pub(crate) fn push_ack(&mut self) {
        let (message, calls) = (Bytes::new(), Carried::Ack);
        self.push_behind_hello(Queued { message, calls, is_put_back: false });
    }

    /// Adds a message before all others but a hello.
    pub(crate) fn push_behind_hello(&mut self, queued: Queued) {
        let is_behind_hello = self.queue.iter().next().is_some_and(Queued::is_hello);
        let hello = if is_behind_hello { self.queue.pop() } else { None };
        self.push_front(queued);
        if let Some(hello) = hello {
            self.queue.push_front(hello);
        }
    }

    /// Returns how many calls are queued or wait for room.
    pub(crate) fn calls(&self) -> usize {
        let held = self.gates.as_ref().and_then(|gates| gates.held.as_ref());
        let held = held.into_iter().flat_map(|(queue, _)| queue.iter());
        let queued = self.queue.iter().chain(held).map(|queued| queued.calls.ids().len());
        let waiting = self.waiting.iter().map(|waiting| match &waiting.sender {
            Sender::Calls(calls) => calls.ids().len(),
            Sender::Notification(_) | Sender::Gate => 0,
        });
        queued.sum::<usize>() + waiting.sum::<usize>()
    }

    /// Removes the messages that belong to a link which is lost.
    pub(crate) fn drop_of_link(&mut self) {
        self.retain(|queued| !matches!(queued.calls, Carried::Hello | Carried::Ack));
    }

    /// Removes and returns all messages of the queue, in order: also those that are held back.
    pub(crate) fn take_all(&mut self) -> Vec<Queued> {
        let held = self.gates.as_mut().and_then(|gates| gates.held.as_mut());
        let held = held.map(|(queue, _)| std::mem::replace(queue, Tickets::new(FIRST)));
        let next = self.queue.first + self.queue.entries.len() as u64;
        let queue = std::mem::replace(&mut self.queue, Tickets::new(next + APART));
        self.bytes = 0;
        [Some(queue), held]
            .into_iter()
            .flatten()
            .flat_map(|mut queue| queue.drain().collect::<Vec<_>>())
            .collect()
    }

    /// Replaces the hello, if it is the message that leaves next.
    pub(crate) fn replace_hello(&mut self, message: Bytes) {
        let first = self.queue.iter_mut().next();
        if let Some(queued) = first.filter(|queued| is_of_link(&queued.message)) {
            self.bytes = self.bytes - queued.message.len() + message.len();
            queued.message = message;
        }
    }

    /// Replaces messages of the application that wait, in the queue or for room in it, by what `rewrite` returns.
    pub(crate) fn rewrite(&mut self, rewrite: impl Fn(&Bytes) -> Option<Bytes>) {
        for waiting in self.waiting.iter_mut() {
            if let Some(message) = rewrite(&waiting.message) {
                waiting.message = message;
            }
        }
        let held = self.gates.as_mut().and_then(|gates| gates.held.as_mut());
        let held = held.map(|(queue, _)| queue);
        for queue in [Some(&mut self.queue), held].into_iter().flatten() {
            for queued in queue.iter_mut().filter(|queued| queued.calls.outlives_session()) {
                if let Some(message) = rewrite(&queued.message) {
                    self.bytes = self.bytes - queued.message.len() + message.len();
                    queued.message = message;
                }
            }
        }
    }

    fn retain(&mut self, mut keep: impl FnMut(&Queued) -> bool) {
        let held = self.gates.as_mut().and_then(|gates| gates.held.as_mut());
        let held = held.map(|(queue, _)| queue);
        let bytes = &mut self.bytes;
        for queue in [Some(&mut self.queue), held].into_iter().flatten() {
            queue.retain(|queued| {
                let is_kept = keep(queued);
                *bytes -= if is_kept { 0 } else { queued.message.len() };
                is_kept
            });
        }
    }

    /// Takes the next message for the transport.
    pub(crate) fn pop(&mut self) -> Option<Queued> {
        let queued = self.queue.pop()?;
        self.bytes -= queued.message.len();
        Some(queued)
    }

    /// Returns whether there is nothing to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes back the messages that make calls.
    pub(crate) fn drop_calls(&mut self) {
        self.retain(|queued| queued.calls.ids().is_empty());
    }

    /// Throws away the queue. The transport is taken to hold nothing either.
    pub(crate) fn clear(&mut self) {
        (self.bytes, self.backlog) = (0, 0);
        self.queue.drain().for_each(drop);
        self.gates = None;
    }

    /// Throws away the messages that wait for room. Returns the waiters of notifications.
    pub(crate) fn drain_waiting(&mut self) -> impl Iterator<Item = W> {
        self.waiting.drain().filter_map(|waiting| match waiting.sender {
            Sender::Notification(waiter) => waiter,
            Sender::Calls(_) | Sender::Gate => None,
        })
    }

    /// Gives back the memory that a busy time left behind.
    pub(crate) fn shrink(&mut self) {
        self.queue.shrink();
        self.waiting.shrink();
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn who_waits_enters_in_order_and_only_below_the_limit() {
        let mut outbox = Outbox::new(OVERHEAD + 4);
        outbox.push(message("abcd"), Carried::None);
        assert!(!outbox.has_room());
        outbox.wait(message("call"), Sender::Calls(Carried::One(7)));
        outbox.wait(message("note"), Sender::Notification(Some("waker")));
        assert_eq!(outbox.admit(), None);

        outbox.pop();
        assert_eq!(
            outbox.admit(),
            Some(Admitted::Calls { calls: Carried::One(7), ticket: FIRST + 1 })
        );
        assert_eq!(outbox.admit(), None, "the call filled the queue");
        assert_eq!(
            outbox.pop(),
            Some(Queued { message: message("call"), calls: Carried::One(7), is_put_back: false })
        );
        assert_eq!(outbox.admit(), Some(Admitted::Notification(Some("waker"))));
    }

    #[test]
    fn a_message_taken_back_leaves_no_bytes_and_no_gap() {
        let mut outbox = Outbox::<()>::new(100);
        let first = outbox.push(message("one"), Carried::None);
        outbox.push(message("two"), Carried::None);
        let third = outbox.push(message("three"), Carried::None);
        outbox.cancel(third);
        outbox.cancel(first);
        assert_eq!(outbox.bytes(), 3);
        assert_eq!(outbox.pop().map(|queued| queued.message), Some(message("two")));
        assert!(outbox.is_empty());
    }

    #[test]
    fn an_acknowledgement_is_sent_before_all_but_a_hello() {
        let mut outbox = Outbox::<()>::new(100);
        outbox.push(message("one"), Carried::None);
        outbox.push_ack();
        outbox.push_front(Queued {
            message: message("hello"),
            calls: Carried::Hello,
            is_put_back: false,
        });
        let second = outbox.push(message("two"), Carried::One(1));
        outbox.push_ack();
        assert_eq!(outbox.bytes(), "hello one two".len() - 2);
        outbox.cancel(second);
        let order = std::iter::from_fn(|| outbox.pop()).map(|queued| queued.calls);
        use Carried::{Ack, Hello, None};
        assert_eq!(order.collect::<Vec<_>>(), [Hello, Ack, Ack, None]);
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn messages_that_come_and_go_pile_up_nothing() {
        let mut outbox = Outbox::<()>::new(100);
        outbox.push(message("stuck"), Carried::None);
        for _ in 0..100 {
            let ticket = outbox.push(message("gone"), Carried::None);
            outbox.cancel(ticket);
        }
        assert_eq!(outbox.queue.entries.len(), 1);
    }

    #[test]
    fn short_messages_are_not_for_free() {
        let mut outbox = Outbox::<()>::new(10 * OVERHEAD);
        let count = (0..).take_while(|_| {
            outbox.push(message(""), Carried::None);
            outbox.has_room()
        });
        assert_eq!(count.count(), 9);
        assert_eq!((outbox.bytes(), outbox.takes()), (0, 10 * OVERHEAD));
    }

    #[test]
    fn what_the_transport_holds_counts() {
        let mut outbox = Outbox::<()>::new(4);
        outbox.set_backlog(4);
        assert!(!outbox.has_room());
        outbox.set_backlog(3);
        assert!(outbox.has_room());
    }
}
