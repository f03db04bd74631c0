//! Calls with streams among their params: they wait until the other end is known to take streams.

use std::time::Duration;

use super::{Outcome, Protocol};
use crate::protocol::tables::calls::MessageState;
use crate::wire::decode::Incoming;

/// How long calls wait for a hello that the other end has not promised.
const PATIENCE: Duration = Duration::from_secs(5);

/// Calls that wait for the hello of the other end.
pub(super) struct Held {
    /// The ids of the calls, each with whether a handler makes the call.
    calls: Vec<(u64, bool)>,
    /// When the calls stop waiting; `None` until the clock was looked at.
    until: Option<Duration>,
}

impl Held {
    /// Nobody but the session waits for the hello.
    pub(super) fn of_session() -> Box<Self> {
        Box::new(Self { calls: Vec::new(), until: None })
    }
}

impl<W> Protocol<W> {
    /// Makes a call wait for the hello of the other end.
    pub(super) fn hold_for_hello(&mut self, call: u64, is_marked: bool) {
        let open = self.calls.open();
        let Some(held) = &mut self.held else {
            let held = Held { calls: vec![(call, is_marked)], until: None };
            self.held = Some(Box::new(held));
            return;
        };
        // Calls that come and go while the other end is silent must not leave their ids behind.
        if held.calls.len() > 2 * open + 8 {
            held.calls.retain(|(id, _)| self.calls.open_mut(*id).is_some());
        }
        held.calls.push((call, is_marked));
    }

    /// Takes note of a message that comes before a hello. A message other than a hello shows that no
    /// hello will come.
    ///
    /// Returns whether the message is not to be dealt with, because it must not come before the hello.
    #[cold]
    pub(super) fn heard_while_held(&mut self, incoming: &Incoming<'_>) -> bool {
        let is_response = matches!(incoming, Incoming::Response { .. });
        let tells = match incoming {
            Incoming::Notification(notification) if notification.method == "$/hello" => {
                return false;
            }
            // It may have been sent before our hello was read; an answer was sent after that.
            _ if self.hello.is_said() => is_response,
            _ => true,
        };
        if self.heard_before_hello(is_response) {
            return true;
        }
        if tells && !self.hello.is_exchanged() {
            self.end_waiting_for_hello();
        }
        false
    }

    /// Starts or refuses the calls that waited: the other end has said hello, or will not.
    pub(super) fn end_waiting_for_hello(&mut self) {
        let Some(held) = self.held.take() else { return };
        if self.session_awaits_hello() {
            self.held = Some(Held::of_session());
        }
        let window = self.hello.window();
        for (id, is_marked) in held.calls {
            match window {
                Some(window) => self.begin_held(id, is_marked, window),
                None => self.resolve(id, Outcome::NoStreams),
            }
        }
    }

    /// Returns whether calls wait for a hello and nobody has looked at the clock for them.
    pub(crate) fn hello_is_unwatched(&self) -> bool {
        let is_watched = |held: &Held| held.until.is_some();
        !self.hello.is_exchanged()
            && self.held.as_deref().is_some_and(|it| !it.calls.is_empty() && !is_watched(it))
    }

    pub(super) fn watch_hello(&mut self, now: Duration) {
        if self.hello_is_unwatched()
            && let Some(held) = &mut self.held
        {
            held.until = Some(now + PATIENCE);
        }
    }

    /// Returns when the calls stop waiting for the hello.
    pub(super) fn held_until(&self) -> Option<Duration> {
        self.held.as_ref()?.until
    }

    fn begin_held(&mut self, id: u64, is_marked: bool, window: u64) {
        for stream in self.streams_of(id).to_vec() {
            self.outgoing.set_window(stream, window);
        }
        let Some(MessageState::Parked(message)) =
            self.calls.open_mut(id).map(|call| call.place.clone())
        else {
            return;
        };
        let place = self.take_place(id, message, is_marked);
        if let Some(call) = self.calls.open_mut(id) {
            call.place = place;
        }
        self.note_entry(id);
    }
}
