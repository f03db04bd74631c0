//! Calls that this end made and waits on.
//!
//! Ids count up, so they index a ring directly: an id whose place
//! is still taken by an older call is skipped. No hashing, no clock, lock or socket; the waiter `W`
//! is a waker in a running connection and a plain `&str` in the tests.

mod ids;

use std::collections::VecDeque;
use std::time::Duration;

use ids::Ids;

use crate::protocol::tables::deadlines::Deadlines;
use crate::protocol::tables::key::Key;
use crate::protocol::tables::streams::{IncomingKey, OutgoingKey, Wanted};

/// The calls of one connection that have no outcome yet, or one that was not taken yet.
pub(crate) struct Calls<W, O> {
    /// A power of two of places, or none.
    places: Vec<Option<Call<W, O>>>,
    ids: Ids,
    /// Calls without an outcome.
    open: usize,
    /// Calls with an outcome that was not taken.
    answered: usize,
    /// Open calls that ask for a subscription.
    subscribing: usize,
    /// The number of calls that were sent and then given up. As many answers may still come.
    given_up: u64,
    deadlines: Deadlines,
}

/// One call.
pub(crate) struct Call<W, O> {
    id: u64,
    /// Where the message of the call is.
    pub(crate) place: MessageState,
    deadline: Option<Duration>,
    /// The handler of this connection that made the call and has released its permit.
    pub(crate) handler: Option<Key>,
    /// Whether the call is handed on for another end, so that its answer may open a stream.
    pub(crate) is_forwarded: bool,
    pub(crate) cold: Option<Box<ColdFields>>,
    state: State<W, O>,
}

/// What few calls have.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ColdFields {
    /// How the subscription goes on that the call asks for, if it does.
    pub(crate) subscribe: Option<Subscribe>,
    /// The streams among its params.
    pub(crate) streams: Vec<OutgoingKey>,
    /// How the deadline begins anew, if it does.
    pub(crate) sliding: Option<SlidingDeadline>,
    /// Reports of progress that were not taken, if the caller listens.
    pub(crate) progress: Option<Reported>,
    /// Whether the call must not be cancelled.
    pub(crate) is_lasting: bool,
    /// The message with which the call is made again if its session ends, or the stream that the call has opened.
    pub(crate) again: Option<bytes::Bytes>,
    /// Whether the call itself is made again, since it may run twice. If not, only its stream is.
    pub(crate) may_repeat: bool,
    /// Whether the other end may have run the call in a session before.
    pub(crate) may_have_run: bool,
    /// The stream for which the call makes its subscription anew.
    pub(crate) renews: Option<IncomingKey>,
}

/// Reports of progress that were not taken yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reported {
    reports: VecDeque<Box<str>>,
    bytes: usize,
}

/// The most reports that are kept of a call.
const REPORTS: usize = 64;

impl Reported {
    /// Keeps a report, and as many of the reports before it as there is room for. Returns whether the
    /// report itself was kept.
    fn push(&mut self, json: &str, window: usize) -> bool {
        if json.len() > window {
            return false;
        }
        self.bytes += json.len();
        self.reports.push_back(json.into());
        while self.reports.len() > REPORTS || self.bytes > window {
            self.bytes -= self.reports.pop_front().map_or(0, |report| report.len());
        }
        true
    }
}

/// How a deadline begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlidingDeadline {
    /// How long it is.
    pub(crate) span: Duration,
    /// When the deadline comes in any case.
    pub(crate) until: Option<Duration>,
    /// Whether an item of a stream of the call begins the deadline anew.
    pub(crate) by_items: bool,
    /// Whether a report of progress begins the deadline anew.
    pub(crate) by_progress: bool,
}

/// The subscription that a call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscribe {
    /// The names that belong to the subscription.
    pub(crate) wanted: Box<Wanted>,
    /// Whether this end said hello before the call.
    pub(crate) greeted: bool,
}

/// A call to be added.
pub(crate) struct New<W> {
    pub(crate) place: MessageState,
    pub(crate) deadline: Option<Duration>,
    pub(crate) handler: Option<Key>,
    pub(crate) is_forwarded: bool,
    pub(crate) cold: Option<Box<ColdFields>>,
    /// Told of the outcome.
    pub(crate) waiter: Option<W>,
}

enum State<W, O> {
    Open(Option<W>),
    FromAnswer(O),
}

/// Where the message of a call is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MessageState {
    /// Here, until fewer calls are on the wire.
    Parked(bytes::Bytes),
    /// Waiting for room in the outbox, under this ticket.
    Waiting(u64),
    /// In the outbox, under this ticket.
    Queued(u64),
    /// In a batch with others, which was not handed over: it cannot be taken out of there.
    InBatch,
    /// With the transport, as the message of this number.
    InFlight(u64),
    /// With the transport since before the session began: the call belongs to its link.
    OfLink,
    /// With a transport that was lost before it could pass on the last byte.
    Lost,
}

impl MessageState {
    /// Returns whether the other end may have the message.
    pub(crate) fn is_sent(&self) -> bool {
        matches!(self, Self::InFlight(_) | Self::OfLink)
    }
}

impl<W, O> Calls<W, O> {
    pub(crate) const fn new() -> Self {
        Self {
            places: Vec::new(),
            ids: Ids::new(),
            open: 0,
            answered: 0,
            subscribing: 0,
            given_up: 0,
            deadlines: Deadlines::new(),
        }
    }

    /// Returns how many calls wait for an answer.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// Returns how many open calls ask for a subscription.
    pub(crate) fn subscribing(&self) -> usize {
        self.subscribing
    }

    /// Returns the id that the next call gets.
    pub(crate) fn next_id(&mut self) -> u64 {
        if (self.open + self.answered) * 2 >= self.places.len() {
            self.grow();
        }
        // At least half the places are free.
        while self.places[self.index(self.ids.next())].is_some() {
            self.ids.pass();
        }
        self.ids.next()
    }

    /// Adds the call that was promised [`next_id`](Self::next_id).
    pub(crate) fn register(&mut self, id: u64, new: New<W>) {
        debug_assert_eq!(id, self.ids.next(), "it was promised");
        self.ids.pass();
        self.put(id, new);
    }

    /// Adds a call under the id of an earlier call, which the other end does not know any more.
    pub(crate) fn register_again(&mut self, id: u64, new: New<W>) {
        while (self.open + self.answered) * 2 >= self.places.len()
            || self.places[self.index(id)].is_some()
        {
            self.grow();
        }
        self.put(id, new);
    }

    /// Returns whether a call has an outcome that `is_meant` and that nobody has taken.
    pub(crate) fn is_untaken(&self, id: u64, is_meant: impl FnOnce(&O) -> bool) -> bool {
        let call = self.index_of(id).and_then(|index| self.places[index].as_ref());
        call.is_some_and(
            |call| matches!(&call.state, State::FromAnswer(outcome) if is_meant(outcome)),
        )
    }

    /// Drops the outcome of a call that nobody has taken: the call is open again, with the message that makes it anew,
    /// and the subscription that it asks for, if it does.
    pub(crate) fn reopen(&mut self, id: u64, subscribe: Option<Subscribe>, message: bytes::Bytes) {
        let Some(call) = self.get_mut(id) else { return };
        let subscribing = usize::from(subscribe.is_some());
        let cold = call.cold.get_or_insert_default();
        (cold.subscribe, cold.again, cold.may_repeat) = (subscribe, Some(message), true);
        call.state = State::Open(None);
        let deadline = call.deadline;
        self.answered -= 1;
        self.open += 1;
        self.subscribing += subscribing;
        self.deadlines.add(deadline);
    }

    fn put(&mut self, id: u64, new: New<W>) {
        let New { place, deadline, handler, is_forwarded, cold, waiter } = new;
        self.open += 1;
        self.subscribing += usize::from(cold.as_ref().is_some_and(|cold| cold.subscribe.is_some()));
        self.deadlines.add(deadline);
        let index = self.index(id);
        let state = State::Open(waiter);
        self.places[index] = Some(Call { id, place, deadline, handler, is_forwarded, cold, state });
    }

    /// Returns the call with this id, if it waits for an answer.
    pub(crate) fn open_mut(&mut self, id: u64) -> Option<&mut Call<W, O>> {
        self.get_mut(id).filter(|call| matches!(call.state, State::Open(_)))
    }

    /// Returns the cold fields of an open call, if it has any.
    pub(crate) fn cold_mut(&mut self, id: u64) -> Option<&mut ColdFields> {
        self.open_mut(id)?.cold.as_deref_mut()
    }

    /// Takes the subscription that an open call asks for, if it does.
    pub(crate) fn take_subscribe(&mut self, id: u64) -> Option<Subscribe> {
        if self.subscribing == 0 {
            return None; // without looking for the call: each comes by here
        }
        let subscribe = self.cold_mut(id)?.subscribe.take()?;
        self.subscribing -= 1;
        Some(subscribe)
    }

    /// Begins the deadline of a call anew, if the call has a sliding deadline for which `that` is true.
    pub(crate) fn renew(
        &mut self,
        id: u64,
        now: Duration,
        that: impl FnOnce(&SlidingDeadline) -> bool,
    ) {
        let Some(call) = self.open_mut(id) else { return };
        let sliding = call.cold.as_ref().and_then(|cold| cold.sliding);
        if let Some(SlidingDeadline { span, until, .. }) = sliding.filter(that) {
            let deadline = now.saturating_add(span);
            call.deadline = Some(until.map_or(deadline, |until| deadline.min(until)));
        }
    }

    /// Keeps a report of the progress of a call that was sent. Returns the waiter of the call, if the
    /// caller listens to reports.
    ///
    /// # Errors
    /// The report is larger than `window`, and was not kept.
    pub(crate) fn report(&mut self, id: u64, json: &str, window: usize) -> Result<Option<W>, ()> {
        let Some(call) = self.open_mut(id) else { return Ok(None) };
        // Ids can be guessed, and there may be far more calls here than on the wire.
        let is_sent = call.place.is_sent();
        let progress = call.cold.as_mut().and_then(|cold| cold.progress.as_mut());
        let Some(progress) = progress.filter(|_| is_sent) else { return Ok(None) };
        if !progress.push(json, window) {
            return Err(());
        }
        match &mut call.state {
            State::Open(waiter) => Ok(waiter.take()),
            State::FromAnswer(_) => Ok(None),
        }
    }

    /// Takes the reports of a call's progress, in order.
    pub(crate) fn take_reports(&mut self, id: u64) -> VecDeque<Box<str>> {
        let cold = self.get_mut(id).and_then(|call| call.cold.as_mut());
        let reported = cold.and_then(|cold| cold.progress.as_mut());
        reported.map(|reported| std::mem::take(reported).reports).unwrap_or_default()
    }

    /// Gives a call its outcome. Returns its waiter; `None` also if no such call is open.
    pub(crate) fn complete(&mut self, id: u64, outcome: O) -> Option<W> {
        self.take_subscribe(id);
        let call = self.open_mut(id)?;
        let State::Open(waiter) = std::mem::replace(&mut call.state, State::FromAnswer(outcome))
        else {
            unreachable!("`open_mut` gives open calls only")
        };
        self.open -= 1;
        self.answered += 1;
        waiter
    }

    /// Takes the outcome and removes the call. Without an outcome `keep` stores a waiter, and `None` is
    /// returned.
    pub(crate) fn take(&mut self, id: u64, keep: impl FnOnce(&mut Option<W>)) -> Option<O> {
        let call = self.get_mut(id)?;
        if let State::Open(kept) = &mut call.state {
            keep(kept);
            return None;
        }
        self.remove(id).0
    }

    /// Removes a call that nobody wants any more. Returns its outcome, or its waiter.
    pub(crate) fn cancel(&mut self, id: u64) -> (Option<O>, Option<W>) {
        self.remove(id)
    }

    /// Frees the place of a call. Returns its outcome, or its waiter. The other fields are dropped where
    /// they lie: to move the call as a whole took longer than everything else here.
    fn remove(&mut self, id: u64) -> (Option<O>, Option<W>) {
        self.take_subscribe(id);
        let Some(index) = self.index_of(id) else { return (None, None) };
        let place = &mut self.places[index];
        let Some(call) = place else { return (None, None) };
        let before = std::mem::replace(&mut call.state, State::Open(None));
        *place = None;
        match before {
            State::Open(waiter) => {
                self.open -= 1;
                (None, waiter)
            }
            State::FromAnswer(outcome) => {
                self.answered -= 1;
                (Some(outcome), None)
            }
        }
    }

    /// Returns the id for a call whose answer nobody waits for.
    pub(crate) fn issue(&mut self) -> u64 {
        let id = self.next_id();
        self.ids.pass();
        self.given_up += 1;
        id
    }

    /// Returns the id of the last call that was made.
    pub(crate) fn last_id(&self) -> u64 {
        self.ids.last()
    }

    /// Returns whether a call may have had this id.
    pub(crate) fn has_made(&self, id: u64) -> bool {
        self.ids.has_given(id)
    }

    /// Makes the ids begin far from those that other ends begin with, if there was no call yet.
    pub(crate) fn begin_apart(&mut self, chance: u32) {
        self.ids.begin_apart(chance);
    }

    /// Returns whether answers may come that nobody waits for.
    pub(crate) fn has_given_up(&self) -> bool {
        self.given_up > 0
    }

    /// Notes that nobody waits any more for the answer to a call that was sent.
    pub(crate) fn give_up(&mut self) {
        self.given_up += 1;
    }

    /// Forgets the calls that were given up: no answer to them comes any more.
    pub(crate) fn forget_given_up(&mut self) {
        self.given_up = 0;
    }

    /// Returns whether an answer under this id may belong to a call that was given up. Each such call
    /// excuses one answer.
    pub(crate) fn late(&mut self, id: u64) -> bool {
        let late = self.given_up > 0 && self.ids.has_given(id);
        self.given_up -= u64::from(late);
        late
    }

    /// Returns a time before which no deadline comes.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.deadlines.next()
    }

    /// Returns the ids of the open calls whose deadline has come.
    pub(crate) fn expired(&mut self, now: Duration) -> Vec<u64> {
        let open = self.places.iter().flatten();
        let open = open.filter(|call| matches!(call.state, State::Open(_)));
        self.deadlines.expired(now, open.map(|call| (call.id, call.deadline)))
    }

    /// Returns the ids of the open calls whose deadline has come and which were not sent.
    pub(crate) fn expired_unsent(&self, now: Duration) -> Vec<u64> {
        let open = self.places.iter().flatten();
        let is_over = |call: &&Call<W, O>| {
            matches!(call.state, State::Open(_))
                && call.deadline.is_some_and(|deadline| deadline <= now)
                && !call.place.is_sent()
                && call.place != MessageState::InBatch
        };
        open.filter(is_over).map(|call| call.id).collect()
    }

    /// Returns the ids of all open calls, oldest first.
    pub(crate) fn open_ids(&self) -> Vec<u64> {
        let open = self.places.iter().flatten();
        let mut ids: Vec<_> =
            open.filter(|call| matches!(call.state, State::Open(_))).map(|call| call.id).collect();
        ids.sort_unstable();
        ids
    }

    /// Gives back the memory that a busy time left behind.
    pub(crate) fn shrink(&mut self) {
        if self.open + self.answered == 0 {
            self.places = Vec::new();
        }
    }

    fn index(&self, id: u64) -> usize {
        // The places are far fewer than a `usize` counts; only the low bits matter.
        (id as usize) & (self.places.len() - 1)
    }

    fn index_of(&self, id: u64) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        let index = self.index(id);
        self.places[index].as_ref().is_some_and(|call| call.id == id).then_some(index)
    }

    fn get_mut(&mut self, id: u64) -> Option<&mut Call<W, O>> {
        let index = self.index_of(id)?;
        self.places[index].as_mut()
    }

    /// Doubles the places. Two calls never meet in the larger ring: they did not in the smaller.
    fn grow(&mut self) {
        let len = (self.places.len() * 2).max(8);
        let calls = std::mem::replace(&mut self.places, (0..len).map(|_| None).collect());
        for call in calls.into_iter().flatten() {
            let index = self.index(call.id);
            self.places[index] = Some(call);
        }
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    type TestCalls = Calls<&'static str, &'static str>;

    fn queued(deadline: Option<Duration>) -> New<&'static str> {
        let place = MessageState::Queued(0);
        New { place, deadline, handler: None, is_forwarded: false, cold: None, waiter: None }
    }

    fn start(calls: &mut TestCalls) -> u64 {
        let id = calls.next_id();
        calls.register(id, queued(None));
        id
    }

    #[test]
    fn an_answer_is_collected_once() {
        let mut calls = TestCalls::new();
        let id = start(&mut calls);
        assert_eq!(id, 1);
        assert_eq!(calls.take(id, |kept| *kept = Some("waker")), None);
        assert_eq!(calls.complete(id, "3"), Some("waker"));
        assert_eq!(calls.complete(id, "4"), None);
        assert_eq!(calls.take(id, |_| unreachable!()), Some("3"));
        assert_eq!(calls.take(id, |_| unreachable!()), None);
        assert_eq!((calls.open, calls.answered), (0, 0));
    }

    #[test]
    fn as_many_late_answers_as_calls_given_up() {
        let mut calls = TestCalls::new();
        let id = start(&mut calls);
        calls.remove(id);
        calls.give_up();
        assert!(!calls.late(id + 1), "an id we never issued");
        assert!(calls.late(id));
        assert!(!calls.late(id));
    }

    #[test]
    fn a_call_of_long_standing_is_stepped_over() {
        let mut calls = TestCalls::new();
        let old = start(&mut calls);
        for _ in 0..1000 {
            let id = start(&mut calls);
            assert_ne!(id % 8, old % 8);
            calls.cancel(id);
        }
        assert_eq!(calls.places.len(), 8);
        assert_eq!(calls.complete(old, "late"), None);
        assert_eq!(calls.take(old, |_| unreachable!()), Some("late"));
    }

    #[test]
    fn deadlines_are_found_whenever_they_were_added() {
        let mut calls = TestCalls::new();
        for seconds in [30, 1, 20] {
            let id = calls.next_id();
            calls.register(id, queued(Some(Duration::from_secs(seconds))));
        }
        assert_eq!(calls.next_deadline(), Some(Duration::from_secs(1)));
        assert!(calls.expired(Duration::from_millis(999)).is_empty());
        assert_eq!(calls.expired(Duration::from_secs(1)), [2]);
        calls.remove(2);
        assert_eq!(calls.expired(Duration::from_secs(25)), [3]);
    }

    /// Ids, answers and departures in a random order agree with a plain `Vec`.
    #[test]
    fn a_long_random_run_agrees_with_a_list() {
        let mut calls = TestCalls::new();
        let mut model: Vec<(u64, bool)> = Vec::new();
        let mut random = crate::util::testing::Random::new(7);
        for _ in 0..20_000 {
            let pick = |random: &mut crate::util::testing::Random, model: &[(u64, bool)]| {
                (!model.is_empty()).then(|| random.below(model.len()))
            };
            match random.below(4) {
                0 if model.len() < 50 => model.push((start(&mut calls), false)),
                1 => {
                    if let Some(at) = pick(&mut random, &model) {
                        calls.complete(model[at].0, "x");
                        model[at].1 = true;
                    }
                }
                2 => {
                    if let Some(at) = pick(&mut random, &model) {
                        let (id, answered) = model[at];
                        assert_eq!(
                            calls.take(id, |kept| *kept = Some("w")),
                            answered.then_some("x")
                        );
                        if answered {
                            model.remove(at);
                        }
                    }
                }
                _ => {
                    if let Some(at) = pick(&mut random, &model) {
                        let (id, answered) = model.remove(at);
                        assert_eq!(calls.cancel(id).0, answered.then_some("x"));
                    }
                }
            }
            assert_eq!(calls.open(), model.iter().filter(|(_, answered)| !answered).count());
        }
    }
}
