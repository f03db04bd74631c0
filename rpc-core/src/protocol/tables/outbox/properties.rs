//! The outbox against two plain lists: order, room, and bytes.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    /// A message of so many bytes, which is a call or is not.
    Push(usize, bool),
    /// One that waits for room.
    Wait(usize, bool),
    Admit,
    Pop,
    /// Takes one back.
    Remove(usize),
    RemoveWaiting(usize),
    Backlog(usize),
    DropCalls,
    /// A message that is sent before all others.
    PushFront(usize),
    Hold,
    Release,
    HoldHandlers,
    ReleaseHandlers,
    TakeAll,
}

fn step() -> impl Strategy<Value = Step> {
    let message = (1..30usize, any::<bool>());
    prop_oneof![
        message.clone().prop_map(|(bytes, is_call)| Step::Push(bytes, is_call)),
        message.prop_map(|(bytes, is_call)| Step::Wait(bytes, is_call)),
        Just(Step::Admit),
        Just(Step::Pop),
        (0..6usize).prop_map(Step::Remove),
        (0..6usize).prop_map(Step::RemoveWaiting),
        (0..40usize).prop_map(Step::Backlog),
        Just(Step::DropCalls),
        (1..30usize).prop_map(Step::PushFront),
        Just(Step::Hold),
        Just(Step::Release),
        Just(Step::HoldHandlers),
        Just(Step::ReleaseHandlers),
        Just(Step::TakeAll),
    ]
}

/// A message and where it is to be found.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    ticket: u64,
    message: Bytes,
    call: Option<u64>,
}

impl Known {
    fn carried(&self) -> Carried {
        self.call.map_or(Carried::Notification, Carried::One)
    }
}

const LIMIT: usize = 60 + 4 * OVERHEAD;

#[derive(Default)]
struct Model {
    queue: Vec<Known>,
    waiting: Vec<Known>,
    held: Option<Vec<Known>>,
    holds_handlers: bool,
    backlog: usize,
}

impl Model {
    fn has_room(&self) -> bool {
        self.bytes() + OVERHEAD * self.queue.len() < LIMIT
    }

    fn is_open(&self) -> bool {
        self.has_room() && self.waiting.is_empty() && self.held.is_none()
    }

    /// Where the message with this place is, counted over the queue and what is held back.
    fn remove(&mut self, at: usize) -> Option<Known> {
        if at < self.queue.len() {
            return Some(self.queue.remove(at));
        }
        let at = at - self.queue.len();
        self.held.as_mut().filter(|held| at < held.len()).map(|held| held.remove(at))
    }

    fn bytes(&self) -> usize {
        let held = self.held.iter().flatten();
        self.queue.iter().chain(held).map(|known| known.message.len()).sum::<usize>() + self.backlog
    }
}

/// A message that is like no other.
fn known(number: usize, bytes: usize, is_call: bool) -> Known {
    // No batch begins with such a byte.
    let message = Bytes::from(vec![number as u8 | 0x80; bytes]);
    Known { ticket: 0, message, call: is_call.then_some(number as u64) }
}

proptest! {
    #[test]
    fn the_outbox_agrees_with_two_lists(steps in vec(step(), 0..120)) {
        let (mut outbox, mut model) = (Outbox::<u64>::new(LIMIT), Model::default());
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push(bytes, is_call) => {
                    let mut known = known(number, bytes, is_call);
                    known.ticket = outbox.push(known.message.clone(), known.carried());
                    model.queue.push(known);
                }
                Step::Wait(bytes, is_call) => {
                    let mut known = known(number, bytes, is_call);
                    let sender = match known.call {
                        Some(id) => Sender::Calls(Carried::One(id)),
                        None => Sender::Notification(Some(number as u64)),
                    };
                    known.ticket = outbox.wait(known.message.clone(), sender);
                    model.waiting.push(known);
                }
                Step::Admit => {
                    let may = model.has_room() && !model.waiting.is_empty() && model.held.is_none();
                    let first = may.then(|| model.waiting.remove(0));
                    match (outbox.admit(), first) {
                        (None, None) => {}
                        (Some(Admitted::Calls { calls, ticket }), Some(mut first)) => {
                            prop_assert_eq!(calls, first.carried());
                            first.ticket = ticket;
                            model.queue.push(first);
                        }
                        (Some(Admitted::Notification(who)), Some(first)) => {
                            prop_assert_eq!(who, Some(u64::from(first.message[0] & 0x7f)));
                            // Nobody takes it back from here: it needs no ticket.
                            model.queue.push(Known { ticket: u64::MAX, ..first });
                        }
                        (got, expected) => prop_assert!(false, "{:?} for {:?}", got, expected),
                    }
                }
                Step::Pop => {
                    let first = (!model.queue.is_empty()).then(|| model.queue.remove(0));
                    let first = first.map(|it| Queued {
                        calls: it.carried(),
                        message: it.message,
                        is_put_back: false,
                    });
                    prop_assert_eq!(outbox.pop(), first);
                }
                Step::Remove(at) => {
                    let mut all = model.queue.iter().chain(model.held.iter().flatten());
                    if all.nth(at).is_some_and(|known| known.ticket != u64::MAX) {
                        outbox.cancel(model.remove(at).unwrap().ticket);
                    }
                }
                Step::RemoveWaiting(at) if at < model.waiting.len() => {
                    outbox.cancel_waiting(model.waiting.remove(at).ticket);
                }
                Step::Backlog(bytes) => {
                    outbox.set_backlog(bytes);
                    model.backlog = bytes;
                }
                Step::DropCalls => {
                    outbox.drop_calls();
                    model.queue.retain(|known| known.call.is_none());
                    model.held.iter_mut().for_each(|held| held.retain(|known| known.call.is_none()));
                }
                Step::PushFront(bytes) => {
                    let first = Known { ticket: u64::MAX, ..known(number, bytes, false) };
                    let (message, calls) = (first.message.clone(), first.carried());
                    outbox.push_front(Queued { message, calls, is_put_back: false });
                    model.queue.insert(0, first);
                }
                Step::Hold => {
                    outbox.hold();
                    if model.held.as_ref().is_none_or(Vec::is_empty) {
                        model.held = Some(std::mem::take(&mut model.queue));
                    }
                }
                Step::Release => {
                    let mut tickets = Vec::new();
                    outbox.release(|_, ticket| tickets.push(ticket));
                    let held = model.held.take().unwrap_or_default();
                    prop_assert_eq!(held.len(), tickets.len());
                    for (mut known, ticket) in held.into_iter().zip(tickets) {
                        if known.ticket != u64::MAX {
                            known.ticket = ticket;
                        }
                        model.queue.push(known);
                    }
                }
                Step::HoldHandlers => {
                    outbox.hold_handlers();
                    model.holds_handlers = true;
                }
                Step::ReleaseHandlers => {
                    outbox.release_handlers();
                    model.holds_handlers = false;
                }
                Step::TakeAll => {
                    let all: Vec<_> = outbox.take_all().into_iter().map(|it| it.message).collect();
                    let mut expected = std::mem::take(&mut model.queue);
                    expected.extend(model.held.iter_mut().flat_map(std::mem::take));
                    let expected: Vec<_> = expected.into_iter().map(|it| it.message).collect();
                    prop_assert_eq!(all, expected);
                }
                Step::RemoveWaiting(_) => {}
            }
            prop_assert_eq!(outbox.bytes(), model.bytes());
            prop_assert_eq!(outbox.is_empty(), model.queue.is_empty());
            prop_assert_eq!(outbox.has_room(), model.has_room() && !model.holds_handlers);
            prop_assert_eq!(outbox.is_open(), model.is_open());
            let calls = model.queue.iter().chain(model.held.iter().flatten()).chain(&model.waiting);
            prop_assert_eq!(outbox.calls(), calls.filter(|known| known.call.is_some()).count());
            for known in model.waiting.iter().filter(|known| known.call.is_none()) {
                prop_assert!(outbox.still_waits(known.ticket, |kept| assert!(kept.is_some())));
            }
        }
    }
}
