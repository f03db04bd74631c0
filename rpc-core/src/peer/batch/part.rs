//! A part of a batch: the members that one message may hold.

use bytes::{BufMut, Bytes, BytesMut};

use super::layered::Layered;
use crate::error::call::NotifyError;
use crate::peer::Peer;
use crate::peer::pending_call::{Claim, Failure, Sent, StartOptions};
use crate::peer::pending_notification::PendingNotification;
use crate::peer::slot::Shared;
use crate::protocol::{Refused, Start};
use crate::service::current::{self, ReleasedPermit};
use crate::util::runtime::Instant;
use crate::util::sync::Arc;
use crate::wire::request::{Outgoing, RequestExtensions};

/// The bytes that a batch adds to a single member: `[` and `]`.
pub(super) const BRACKETS: usize = 2;

/// A member of the batch to send.
pub(super) enum Line {
    Call(Outgoing, Claim),
    Notification(Bytes),
}

impl Line {
    /// Returns the upper bound of the member's length, in bytes.
    pub(super) fn len(&self, shared: &Shared) -> usize {
        match self {
            Self::Call(message, claim) => message.longest() + claim.options().longest(shared),
            Self::Notification(text) => text.len(),
        }
    }
}

/// Members that are sent as one message.
#[derive(Default)]
pub(super) struct Part {
    lines: Vec<Line>,
    /// The calls of the part that pass through layers.
    pub(super) layered: Vec<Layered>,
    bytes: usize,
    /// The maximum number of members. Read once for each part, because the other end may change the number meanwhile.
    most: Option<usize>,
}

impl Part {
    pub(super) fn has_room_for(&mut self, bytes: usize, peer: &Peer) -> bool {
        let shared = &peer.shared;
        // A part with more calls than `calls_on_wire` would wait until no other call is on the wire.
        let most = *self.most.get_or_insert_with(|| shared.lock().protocol.most_in_batch());
        let limit = shared.config.limits.message_out;
        self.lines.len() < most && self.bytes + bytes + BRACKETS <= limit
    }

    pub(super) fn add(&mut self, line: Line, bytes: usize) {
        self.bytes += bytes + 1;
        self.lines.push(line);
    }

    pub(super) async fn send(mut self, peer: &Peer) -> Result<(), NotifyError> {
        let layered = std::mem::take(&mut self.layered);
        let sent = self.send_lines(peer).await;
        for (outer, future) in layered {
            outer.settle(Sent::Layered(future));
        }
        sent
    }

    /// Leaves out notifications whose methods the other end has muted.
    fn skip_muted(&mut self, shared: &Shared) {
        let protocol = &mut shared.lock().protocol;
        if protocol.ended().is_none() {
            self.lines.retain(|line| match line {
                Line::Notification(text) => !protocol.skips(text),
                Line::Call(..) => true,
            });
        }
    }

    async fn send_lines(mut self, peer: &Peer) -> Result<(), NotifyError> {
        self.skip_muted(&peer.shared);
        let Some(mut message) = Message::new(self, &peer.shared) else { return Ok(()) };
        if message.starts.is_empty() {
            // No limit bounds the notifications of a batch, so the message waits for room in the outbound queue.
            return PendingNotification::new(peer.shared.clone(), message.join(&[])).await;
        }
        message.send_with_calls(&peer.shared)
    }
}

/// A message to write, and the start options of each of its calls.
struct Message {
    bytes: usize,
    texts: Vec<Text>,
    starts: Vec<Start>,
    extensions: Vec<RequestExtensions>,
    claims: Vec<(Claim, Option<ReleasedPermit>)>,
}

enum Text {
    Call(Outgoing),
    Notification(Bytes),
}

impl Message {
    /// Builds the message of all members that can be sent. Returns `None` if there are none.
    fn new(part: Part, shared: &Arc<Shared>) -> Option<Self> {
        let now = Instant::now();
        let (texts, starts) = (Vec::with_capacity(part.lines.len()), Vec::new());
        let (extensions, claims) = (Vec::new(), Vec::new());
        let mut message = Self { bytes: part.bytes, texts, starts, extensions, claims };
        for line in part.lines {
            match line {
                Line::Notification(text) => message.texts.push(Text::Notification(text)),
                Line::Call(text, claim) => message.add_call(text, claim, now, shared),
            }
        }
        (!message.texts.is_empty()).then_some(message)
    }

    fn add_call(&mut self, mut text: Outgoing, claim: Claim, now: Instant, shared: &Arc<Shared>) {
        let options = claim.options().start_options(now, shared);
        let StartOptions { deadline, sliding, mut extensions, is_late } = options;
        if is_late {
            return claim.settle(Sent::Not(Failure::Late));
        }
        let limit = shared.config.limits.message_out.saturating_sub(BRACKETS);
        if let Err(why) = text.prepare(&mut extensions, limit) {
            return claim.settle(Sent::Not(Failure::Encode(why)));
        }
        let RequestExtensions { progress, is_lasting, .. } = extensions;
        let (caller, released) = current::caller(shared);
        let start = Start { deadline, caller, sliding, progress, is_lasting, ..Start::default() };
        self.starts.push(start);
        self.texts.push(Text::Call(text));
        self.extensions.push(extensions);
        self.claims.push((claim, released));
    }

    /// Sends a message with calls, without a wait: `pending_calls` bounds the calls.
    fn send_with_calls(&mut self, shared: &Shared) -> Result<(), NotifyError> {
        let starts = std::mem::take(&mut self.starts);
        let claims = std::mem::take(&mut self.claims);
        let notifications = self.texts.len() - starts.len();
        let sent = shared
            .with(|state| state.protocol.start_batch(&starts, notifications, |ids| self.join(ids)));
        match sent {
            Ok(ids) => {
                let mut ids = ids.iter();
                for (claim, released) in claims {
                    claim.settle(match ids.next() {
                        Some(id) => Sent::As(*id, released),
                        None => Sent::Not(Failure::Refused(Refused::Busy)),
                    });
                }
                Ok(())
            }
            Err(reason) => {
                let closed = || Failure::Refused(Refused::Closed(reason.clone()));
                claims.iter().for_each(|(claim, _)| claim.settle(Sent::Not(closed())));
                Err(NotifyError::Closed { reason })
            }
        }
    }

    /// Writes the message. The number of calls in the message is the number of ids.
    fn join(&mut self, ids: &[u64]) -> Bytes {
        let mut calls = ids.iter().zip(&self.extensions);
        let mut out = BytesMut::with_capacity(self.bytes + BRACKETS);
        for text in std::mem::take(&mut self.texts) {
            let text = match text {
                Text::Notification(text) => text,
                Text::Call(message) => match calls.next() {
                    Some((id, extensions)) => message.request(*id, extensions),
                    None => continue,
                },
            };
            out.put_u8(if out.is_empty() { b'[' } else { b',' });
            out.put(text);
        }
        if out.is_empty() {
            // The protocol refused all calls as busy, so nothing is sent.
            return Bytes::new();
        }
        out.put_u8(b']');
        out.freeze()
    }
}
