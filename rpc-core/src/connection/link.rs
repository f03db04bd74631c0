//! One link: the transport, and the clocks that watch the transport.

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;

use super::End;
use super::driver::Driver;
use super::event::SessionEnd;
use super::receive::Unread;
use super::round_trip::RoundTrip;
use crate::connection::keepalive::Keepalive;
use crate::error::close::{CloseCode, CloseReason};
use crate::limits::Limits;
use crate::peer::slot::Shared;
use crate::protocol::tables::rates::Controls;
use crate::transport::{LinkError, Transport};
use crate::util::sync::Ordering;
use crate::wire::attached::{self, is_attached};
use crate::wire::sequence;

/// Why an end sends nothing over a link.
pub(super) enum Muted {
    /// What is sent before the first message of the client would not belong to the session. The client has until this
    /// time.
    UntilFirst(Duration),
    /// The server has not answered the hello that resumes the session.
    UntilAnswer,
    /// The server has not answered the hello that [opens](Transport::opens_by_hello) the link. The session before, if
    /// it has ended, is told of when there is a link.
    Opening(Option<SessionEnd>),
}

/// A link that works.
pub(super) struct Link {
    carrier: Box<dyn Carrier>,
    unread: Unread,
    /// The transport takes no more messages until it wakes the task.
    pub(super) blocked: bool,
    /// The transport holds bytes that were not flushed.
    pub(super) unflushed: bool,
    /// Why nothing is sent but what is in `outgoing`, if so.
    pub(super) muted: Option<Muted>,
    pub(super) keepalive: Keepalive,
    pub(super) round_trip: RoundTrip,
    controls: Controls,
    /// The first message opens the link.
    pub(super) opens_by_hello: bool,
}

impl Link {
    pub(super) fn new<T: Transport>(mut transport: T, shared: &Shared) -> Self {
        if shared.whole_frames.load(Ordering::Relaxed) {
            transport.set_whole_frames();
        }
        shared.lock().protocol.set_carries_binary(transport.carries_binary());
        Self {
            opens_by_hello: transport.opens_by_hello(),
            carrier: Box::new(transport),
            unread: Unread::default(),
            blocked: false,
            unflushed: false,
            muted: None,
            keepalive: Keepalive::new(shared.config.keepalive, shared.clock.now()),
            round_trip: RoundTrip::default(),
            controls: Controls::default(),
        }
    }

    /// Reads what is ready, up to the budget, and gives the driver each message. Returns whether there may be more.
    pub(super) fn receive(
        &mut self,
        driver: &mut Driver,
        cx: &mut Context<'_>,
        now: Duration,
    ) -> Result<bool, End> {
        self.carrier.receive(driver, &mut self.unread, cx, now).inspect_err(|end| {
            let is_such = matches!(end, End::Fault(reason) if reason.code == Some(CloseCode::INVALID_TEXT));
            if is_such && self.round_trip.is_waiting() {
                // Kodi writes the bytes of a pong into a text message.
                tracing::warn!(
                    "text that is not UTF-8 came in the place of a pong: for an end that cannot answer pings \
                     set `keepalive` to false"
                );
            }
        })
    }

    /// Gives the transport messages until it takes no more, several as one if the other end `takes_sequences`. Returns
    /// how many bytes the transport took.
    pub(super) fn hand_over(
        &mut self,
        outgoing: &mut VecDeque<Bytes>,
        takes_sequences: bool,
        cx: &mut Context<'_>,
    ) -> Result<usize, LinkError> {
        let taken = self.carrier.hand_over(outgoing, takes_sequences, cx)?;
        self.blocked = !outgoing.is_empty();
        self.unflushed |= taken > 0;
        Ok(taken)
    }

    pub(super) fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), LinkError> {
        if self.carrier.poll_flush(cx)?.is_ready() {
            self.unflushed = false;
        }
        Ok(())
    }

    /// Sends a keepalive probe. Returns whether the medium has one.
    pub(super) fn ping(&mut self, cx: &mut Context<'_>, now: Duration) -> Result<bool, LinkError> {
        self.round_trip.asked(now);
        if !self.carrier.ping()? {
            self.keepalive.turn_off();
            return Ok(false);
        }
        self.unflushed = true;
        self.flush(cx).map(|()| true)
    }

    /// Reads the counters of the transport, for the keepalive and the rate of control frames. Returns the round trip if
    /// its estimate has changed.
    ///
    /// # Errors
    /// More control frames came than may come.
    pub(super) fn check_life(
        &mut self,
        limits: &Limits,
        now: Duration,
        has_read_all: bool,
    ) -> Result<Option<Duration>, CloseReason> {
        let seen = self.carrier.seen();
        // The rest of a message is late only when it was looked for.
        let assembling = seen.assembling.filter(|_| has_read_all);
        self.keepalive.heard(seen.received_bytes, assembling, now);
        if self.controls.exceed(seen.unasked_controls, now, limits.control_rate) {
            let reason = "more control frames than `control_rate`";
            return Err(CloseReason::us(CloseCode::POLICY, reason));
        }
        Ok(self.round_trip.heard(seen.answered_probes, now))
    }

    /// Returns how many messages of this link the medium accepted to the last byte.
    pub(super) fn accepted(&self) -> u64 {
        self.carrier.accepted()
    }

    /// Returns how many bytes the transport holds.
    pub(super) fn backlog(&self) -> usize {
        self.carrier.backlog()
    }

    pub(super) fn set_limits(&mut self, limits: &Limits) {
        self.carrier.set_limits(limits);
    }

    /// Frees what large messages left behind, if all of them are read.
    pub(super) fn shrink(&mut self) {
        if self.unread.is_empty() {
            self.carrier.shrink();
        }
    }

    /// Sends the close; ready when there is nothing more to be done.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>, reason: &CloseReason) -> Poll<()> {
        let code = reason.code.unwrap_or(CloseCode::NORMAL);
        self.carrier.poll_close(cx, code, reason.sent())
    }
}

/// Sends the first messages as one, if several may leave together. Returns their bytes.
fn send_together(
    transport: &mut impl Transport,
    outgoing: &mut VecDeque<Bytes>,
) -> Result<Option<usize>, LinkError> {
    let count = sequence::together(outgoing.iter());
    if count < 2 {
        return Ok(None);
    }
    let messages = &outgoing.make_contiguous()[..count];
    let bytes = messages.iter().map(Bytes::len).sum();
    transport.send_sequence(messages)?;
    outgoing.drain(..count);
    Ok(Some(bytes))
}

/// Sends a message with bytes beside its text, or the text that it stands for.
#[inline(never)]
fn send_attached<T: Transport>(transport: &mut T, message: Bytes) -> Result<(), LinkError> {
    if transport.carries_binary() {
        return transport.send_binary(message);
    }
    // The message was written for another link of the session.
    transport.send(attached::whole(&message).unwrap_or(message))
}

/// Counters of a transport.
pub(super) struct Seen {
    received_bytes: u64,
    assembling: Option<u64>,
    unasked_controls: u64,
    answered_probes: u64,
}

/// A transport of any type, so that nothing else is compiled again for each type. What is called for each message loops
/// in here: a call through the table is made once for each turn.
trait Carrier: Send {
    fn receive(
        &mut self,
        driver: &mut Driver,
        unread: &mut Unread,
        cx: &mut Context<'_>,
        now: Duration,
    ) -> Result<bool, End>;
    fn hand_over(
        &mut self,
        outgoing: &mut VecDeque<Bytes>,
        takes_sequences: bool,
        cx: &mut Context<'_>,
    ) -> Result<usize, LinkError>;
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>>;
    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()>;
    fn ping(&mut self) -> Result<bool, LinkError>;
    fn seen(&self) -> Seen;
    fn accepted(&self) -> u64;
    fn backlog(&self) -> usize;
    fn set_limits(&mut self, limits: &Limits);
    fn shrink(&mut self);
}

impl<T: Transport> Carrier for T {
    fn receive(
        &mut self,
        driver: &mut Driver,
        unread: &mut Unread,
        cx: &mut Context<'_>,
        now: Duration,
    ) -> Result<bool, End> {
        driver.receive_from(self, unread, cx, now)
    }

    fn hand_over(
        &mut self,
        outgoing: &mut VecDeque<Bytes>,
        takes_sequences: bool,
        cx: &mut Context<'_>,
    ) -> Result<usize, LinkError> {
        let in_sequences = takes_sequences && self.carries_sequences();
        let mut bytes = 0;
        while !outgoing.is_empty() && self.poll_ready(cx)?.is_ready() {
            if in_sequences && let Some(sent) = send_together(self, outgoing)? {
                bytes += sent;
            } else if let Some(message) = outgoing.pop_front() {
                bytes += message.len();
                if is_attached(&message) {
                    send_attached(self, message)?;
                } else {
                    self.send(message)?;
                }
            }
        }
        Ok(bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        Transport::poll_flush(self, cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        Transport::poll_close(self, cx, code, reason)
    }

    fn ping(&mut self) -> Result<bool, LinkError> {
        Transport::ping(self)
    }

    fn seen(&self) -> Seen {
        Seen {
            received_bytes: self.received_bytes(),
            assembling: self.assembling(),
            unasked_controls: self.unasked_controls(),
            answered_probes: self.answered_probes(),
        }
    }

    fn accepted(&self) -> u64 {
        Transport::accepted(self)
    }

    fn backlog(&self) -> usize {
        Transport::backlog(self)
    }

    fn set_limits(&mut self, limits: &Limits) {
        Transport::set_limits(self, limits);
    }

    fn shrink(&mut self) {
        Transport::shrink(self);
    }
}
