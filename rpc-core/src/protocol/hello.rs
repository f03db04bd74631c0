//! What the two ends know of each other.

use super::{Event, Protocol};
use crate::protocol::tables::outbox::Carried;
use crate::wire::dialect::Dialect;
use crate::wire::hello::Greetings;

impl<W> Protocol<W> {
    /// From now on this end is a plain peer, which says no hello and hears none.
    pub(crate) fn be_plain(&mut self) {
        self.hello = Greetings::plain();
    }

    /// From now on the two ends speak this dialect.
    pub(crate) fn speak(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    /// Ids begin at a place that `chance` picks, if the other end is not known at the first call.
    pub(crate) fn set_chance(&mut self, chance: u32) {
        self.chance = chance;
    }

    /// Says hello, if that was not done; before anything else that is sent from now on.
    pub(crate) fn greet(&mut self) {
        if let Some(hello) = self.hello.say(self.limits.stream_window, self.told_batch()) {
            self.outbox.push(hello, Carried::None);
        }
    }

    /// The handshake has told each end that it knows the other; this one `opens` the link.
    pub(crate) fn know_other(&mut self, opens: bool) {
        self.hello.exchange();
        if opens {
            self.greet();
        }
    }

    /// Whether what lies beyond the specification may be sent.
    pub(crate) fn is_known(&self) -> bool {
        self.hello.is_known()
    }

    /// The other end says hello.
    pub(super) fn greeted<'a>(&mut self, params: Option<&str>) -> Event<'a> {
        match self.hello.hear(params) {
            Ok(()) if self.hello.window().is_some() => {
                self.greet();
                self.end_waiting_for_hello();
                return Event::Greeted;
            }
            Ok(()) => {}
            Err(()) => self.malformed(),
        }
        Event::Done
    }
}
