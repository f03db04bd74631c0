//! What the two ends know of each other.

use super::{Event, Protocol};
use crate::hello::Hello;
use crate::outbox::Carried;

impl<W> Protocol<W> {
    /// From now on this end is a plain peer, which says no hello and hears none.
    pub(crate) fn be_plain(&mut self) {
        self.hello = Hello::plain();
    }

    /// Says hello, if that was not done; before anything else that is sent from now on.
    pub(crate) fn greet(&mut self) {
        if let Some(hello) = self.hello.say(self.limits.stream_window, self.told_batch()) {
            self.outbox.push(hello, Carried::None);
        }
    }

    /// The other end says hello.
    pub(super) fn greeted<'a>(&mut self, params: Option<&str>) -> Event<'a> {
        match self.hello.hear(params) {
            Ok(()) => {
                self.greet();
                if self.hello.window().is_some() {
                    self.settle_probe();
                }
            }
            Err(()) => self.malformed(),
        }
        Event::Done
    }
}
