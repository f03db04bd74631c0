//! The hello: what the two ends know of each other.

use std::time::Duration;

use super::{Event, Protocol};
use crate::protocol::tables::outbox::{Carried, Queued};
#[cfg(feature = "schema")]
use crate::util::sync::Arc;
use crate::wire::attached;
use crate::wire::dialect::Dialect;
use crate::wire::hello::{Greetings, session_said};

impl<W> Protocol<W> {
    /// Makes this end a plain peer, which says no hello and hears none.
    pub(crate) fn set_plain(&mut self) {
        self.hello = Greetings::plain();
    }

    /// Makes this end ask for the unstable methods of the other end, in its hello.
    pub(crate) fn set_asks_for_unstable(&mut self) {
        self.hello.set_asks_for_unstable();
    }

    /// Returns whether the other end asks for the unstable methods of this end.
    pub(crate) fn is_asked_for_unstable(&self) -> bool {
        self.hello.is_asked_for_unstable()
    }

    /// Sets the dialect that the two ends speak.
    pub(crate) fn set_dialect(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    /// Sets the random number from which ids begin, if the other end is not known at the first call.
    pub(crate) fn set_chance(&mut self, chance: u32) {
        self.chance = chance;
    }

    /// Says hello, if this end has not said it, before every message that is sent from now on: also before those that
    /// wait to be sent.
    pub(crate) fn greet(&mut self) {
        if let Some(message) = self.hello.say(self.limits.stream_window, self.told_batch()) {
            let calls = Carried::None;
            self.outbox.push_front(Queued { message, calls, is_put_back: false });
            self.note_hello_in_front();
        }
    }

    /// Takes note that the handshake has told each end that it knows the other. The end that `opens` the
    /// link says hello.
    pub(crate) fn know_other(&mut self, opens: bool) {
        self.hello.exchange();
        self.say_mutes_first();
        if opens {
            self.greet();
        }
    }

    /// Takes note of whether the link that comes carries binary messages.
    pub(crate) fn set_carries_binary(&mut self, carries_binary: bool) {
        self.hello.set_carries_binary(carries_binary);
        if self.hello.offers_bytes() {
            self.say_anew();
        }
    }

    /// Lets the hello say which services this end offers.
    #[cfg(feature = "schema")]
    pub(crate) fn set_offers(&mut self, offers: Arc<str>) {
        self.hello.set_offers(offers);
        self.say_anew();
    }

    /// Returns the services that the other end offers, as its hello has them.
    #[cfg(feature = "schema")]
    pub(crate) fn heard_offers(&self) -> Option<&str> {
        self.hello.heard_offers()
    }

    /// Says the hello anew that was said before there was a link: it is still the first message of the queue.
    fn say_anew(&mut self) {
        if self.hello.is_said() && self.sent == 0 {
            let message = self.hello.message(self.limits.stream_window, self.told_batch(), None);
            self.outbox.replace_hello(message);
        }
    }

    /// Returns whether the other end may be sent bytes beside the text of a message.
    pub(crate) fn takes_bytes(&self) -> bool {
        self.hello.takes_bytes()
    }

    /// Returns whether the other end reads several messages in one.
    pub(crate) fn takes_sequences(&self) -> bool {
        self.hello.takes_sequences()
    }

    /// Returns whether this end takes bytes beside the text of a message.
    pub(crate) fn offers_bytes(&self) -> bool {
        self.hello.offers_bytes() && self.hello.is_said()
    }

    /// Writes the bytes of messages that wait as text, unless the other end takes them beside the text.
    #[cold]
    pub(super) fn write_for_other(&mut self) {
        if !self.takes_bytes() {
            self.outbox.rewrite(attached::whole);
            self.rewrite_parked(attached::whole);
        }
    }

    /// Returns whether messages beyond the specification may be sent.
    pub(crate) fn is_known(&self) -> bool {
        self.hello.is_known()
    }

    /// Takes the hello of the other end. Only a hello that `is_single`, in no batch, speaks of a session.
    pub(super) fn greeted<'a>(
        &mut self,
        params: Option<&str>,
        is_single: bool,
        now: Duration,
    ) -> Event<'a> {
        let said = if is_single { session_said(params) } else { None };
        if is_single && let Some(event) = self.greeted_in_session(params, said.as_ref(), now) {
            return event;
        }
        let is_first = self.hello.window().is_none();
        if !self.hear(params) || self.hello.window().is_none() {
            return Event::Done;
        }
        let asked = said.filter(|_| is_first).and_then(|said| self.asked_for_session(&said));
        if let Some(asked) = asked {
            return Event::AsksForSession(asked);
        }
        self.greet();
        self.end_waiting_for_hello();
        Event::Greeted
    }

    /// Reads a hello. What is invalid is ignored and counted. Returns whether the hello is valid.
    pub(super) fn hear(&mut self, params: Option<&str>) -> bool {
        let is_first = self.hello.window().is_none();
        if self.hello.hear(params).is_err() {
            self.malformed();
            return false;
        }
        if is_first {
            #[cfg(feature = "schema")]
            if self.hello.hear_offers(params).is_err() {
                self.malformed();
            }
            self.say_mutes_first();
        }
        true
    }
}
