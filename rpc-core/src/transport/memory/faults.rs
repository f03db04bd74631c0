//! Faults of a link in memory, made on purpose: for tests of what a program does then.

use std::fmt;
use std::task::Waker;
use std::time::Duration;

use super::{Direction, Pipe};
use crate::util::sync::{Arc, Mutex, MutexGuard};

#[cfg(test)]
mod tests;

/// A handle to the faults of a link in memory, from [`Pipe::faults`].
///
/// A link has two directions. A new handle is for both. [`outgoing`](Self::outgoing) and [`incoming`](Self::incoming)
/// are handles for one direction, seen from the end that the handle is from. A cut always breaks the whole link, as a
/// reset of TCP does. Faults can be made on any thread, also while connections use the link.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use rpc_core::transport::{Endpoint, EndpointConfig};
/// use rpc_core::{Fate, Limits, Router, memory};
///
/// let (near, far) = memory::transports(64 * 1024);
/// let faults = near.faults();
/// let server = Endpoint::new(EndpointConfig::new(Router::new(), Limits::server()));
/// let client = Endpoint::new(EndpointConfig::new(Router::new(), Limits::client()));
/// let peer = client.peer();
/// tokio::spawn(client.connect(near));
/// tokio::spawn(server.connect(far));
///
/// faults.outgoing().stall(); // the request is on its way, and does not arrive
/// let call = peer.call::<()>("pay", (100,)).start();
/// tokio::task::yield_now().await;
/// faults.cut();
/// assert_eq!(call.await.unwrap_err().fate(), Some(Fate::MaybeExecuted));
/// # }
/// ```
#[derive(Clone)]
pub struct Faults {
    outgoing: Arc<Mutex<Direction>>,
    incoming: Arc<Mutex<Direction>>,
    /// The directions that the handle is for.
    scope: Scope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Both,
    Outgoing,
    Incoming,
}

impl Pipe {
    /// Returns a handle to the faults of the link, for both directions. Only with the feature `testing`.
    ///
    /// Take the handle before the pipe is given to [`Endpoint::connect`](crate::transport::Endpoint::connect). The
    /// handles of the two ends are for the same link, and differ in which direction is `outgoing`.
    pub fn faults(&self) -> Faults {
        let (outgoing, incoming) = (self.out.clone(), self.incoming.clone());
        Faults { outgoing, incoming, scope: Scope::Both }
    }
}

impl Faults {
    /// Returns a handle for what the end sends that this handle is from.
    #[must_use]
    pub fn outgoing(&self) -> Self {
        Self { scope: Scope::Outgoing, ..self.clone() }
    }

    /// Returns a handle for what the end receives that this handle is from.
    #[must_use]
    pub fn incoming(&self) -> Self {
        Self { scope: Scope::Incoming, ..self.clone() }
    }

    /// Breaks the link now, in both directions. Each end finds a connection that was reset, also an end that waits.
    ///
    /// What was sent and not read is lost: messages, and a close. The medium accepted these messages, as the buffer of a
    /// socket does, so [`accepted`](crate::transport::Transport::accepted) counts them, and their calls are
    /// [`MaybeExecuted`](crate::Fate::MaybeExecuted). Messages that did not enter the link are not accepted. A link stays
    /// broken for ever.
    pub fn cut(&self) {
        for direction in [&self.outgoing, &self.incoming] {
            let mut direction = direction.lock().unwrap();
            direction.cut();
            wake(direction);
        }
    }

    /// Returns whether a [`cut`](Self::cut) has happened, also one at a byte. Other ends of a link are no cuts.
    pub fn is_cut(&self) -> bool {
        self.outgoing.lock().unwrap().plan.is_cut
    }

    /// Breaks the link as soon as the receiver has read `byte` bytes of messages, counted from the start of the link. A
    /// message that lies across that place is not delivered: half a message is none. If so many bytes were read
    /// already, the link breaks now. Without the call there is no such place.
    ///
    /// Messages behind that place are accepted and lost, as in [`cut`](Self::cut). A handle for both directions sets a
    /// place in each, and the first one that is reached breaks the link. A later call moves the place.
    ///
    /// A test can break a link at each place of a conversation:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use rpc_core::transport::{Endpoint, EndpointConfig};
    /// use rpc_core::{Context, Limits, Router, memory};
    ///
    /// for byte in 0.. {
    ///     let (near, far) = memory::transports(64 * 1024);
    ///     let faults = near.faults();
    ///     faults.incoming().cut_at(byte);
    ///     let add = |_: Context, (a, b): (u32, u32)| async move { Ok(a + b) };
    ///     let server = Router::new().method("add", add);
    ///     let server = Endpoint::new(EndpointConfig::new(server, Limits::server()));
    ///     let client = Endpoint::new(EndpointConfig::new(Router::new(), Limits::client()));
    ///     let peer = client.peer();
    ///     tokio::spawn(client.connect(near));
    ///     tokio::spawn(server.connect(far));
    ///     match peer.call::<u32>("add", (1, 2)).await {
    ///         Ok(sum) => assert_eq!(sum, 3),
    ///         Err(error) => assert!(error.fate().is_some() && faults.is_cut()),
    ///     }
    ///     if !faults.is_cut() {
    ///         break; // the place lies behind the end of the conversation
    ///     }
    /// }
    /// # }
    /// ```
    pub fn cut_at(&self, byte: u64) {
        self.each(|direction| direction.plan.cut_at = byte);
        self.break_where_due();
    }

    /// Breaks the link as soon as a sender gives it a message that reaches beyond `byte` bytes, counted from the start of
    /// the link. The medium does not accept that message, so a call in it is [`NotSent`](crate::Fate::NotSent).
    /// If more bytes were sent already, the link breaks now. Without the call there is no such place.
    ///
    /// Earlier messages are accepted; those that were not read yet are lost. A handle for both directions sets a place in
    /// each. A later call moves the place.
    pub fn cut_sending_at(&self, byte: u64) {
        self.each(|direction| direction.plan.cut_sending_at = byte);
        self.break_where_due();
    }

    /// Stops all that moves, until [`resume`](Self::resume). Nothing arrives: no message, no close, and not that the
    /// other end was dropped. Senders fill the link up to its capacity and then wait. No end is told.
    pub fn stall(&self) {
        self.each(|direction| direction.plan.is_stalled = true);
    }

    /// Ends a [`stall`](Self::stall). What was held back arrives, in order. Without a stall nothing happens.
    pub fn resume(&self) {
        for direction in self.directions() {
            let mut direction = direction.lock().unwrap();
            direction.plan.is_stalled = false;
            wake(direction);
        }
    }

    /// Makes what is sent from now on arrive so much later, messages and closes, in order. What is on its way keeps its
    /// time of arrival. Zero ends the delay, which is the default; more than a century counts as a century.
    ///
    /// Delayed messages take up the capacity of the link. The clock is that of tokio, which a test can pause.
    ///
    /// # Panics
    /// The end that reads a delayed message panics outside a tokio runtime with a timer.
    pub fn delay(&self, time: Duration) {
        self.each(|direction| direction.plan.delay = time);
    }

    /// Loses the next `count` messages that are sent. Nobody is told: the medium accepts these messages, and they never
    /// arrive. A later call sets the number anew; 0 ends the loss. Both directions lose `count` messages each.
    ///
    /// Lost messages take up no capacity. Their bytes count in [`cut_sending_at`](Self::cut_sending_at), not in
    /// [`cut_at`](Self::cut_at).
    pub fn drop_next(&self, count: u64) {
        self.each(|direction| direction.plan.drops = count);
    }

    fn break_where_due(&self) {
        if self.directions().iter().any(|direction| direction.lock().unwrap().plan.breaks()) {
            self.cut();
        }
    }

    fn each(&self, change: impl Fn(&mut Direction)) {
        for direction in self.directions() {
            change(&mut direction.lock().unwrap());
        }
    }

    fn directions(&self) -> Vec<&Mutex<Direction>> {
        let outgoing = (self.scope != Scope::Incoming).then_some(&*self.outgoing);
        let incoming = (self.scope != Scope::Outgoing).then_some(&*self.incoming);
        outgoing.into_iter().chain(incoming).collect()
    }
}

/// Wakes who waits for `direction`, without the lock, as wakers are code of the user's.
fn wake(mut direction: MutexGuard<'_, Direction>) {
    let wakers = [direction.reader.take(), direction.writer.take()];
    drop(direction);
    wakers.into_iter().flatten().for_each(Waker::wake);
}

/// Which directions the handle is for, and whether the link is cut.
impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("scope", &self.scope)
            .field("is_cut", &self.is_cut())
            .finish_non_exhaustive()
    }
}
