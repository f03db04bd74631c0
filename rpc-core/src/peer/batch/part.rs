//! As much of a batch as one message may hold.

use bytes::{BufMut, Bytes, BytesMut};

use super::queued::{Claim, Sent};
use crate::error::call::NotifyError;
use crate::layers::CallFuture;
use crate::peer::Peer;
use crate::peer::call::{self, StartOptions};
use crate::peer::notify::Notify;
use crate::peer::slot::Shared;
use crate::protocol::Start;
use crate::service::current::{self, ReleasedPermit};
use crate::util::runtime::Instant;
use crate::util::sync::Arc;
use crate::wire::request::{Outgoing, RequestExtensions};

/// What a batch adds around a lone member.
pub(super) const BRACKETS: usize = 2;

/// What is to be sent of a member.
pub(super) enum Line {
    Call(Outgoing, Claim),
    Notification(Bytes),
}

impl Line {
    /// How many bytes it takes at most.
    pub(super) fn len(&self, shared: &Shared) -> usize {
        match self {
            Self::Call(message, claim) => message.longest() + claim.options().longest(shared),
            Self::Notification(text) => text.len(),
        }
    }
}

/// A call that goes through layers: its future waits for what they make of it.
pub(super) type Within = (Claim, CallFuture);

/// Has the layers of a call see it; what they put into the batch, if they do so at once.
pub(super) fn within_layers(
    shared: &Arc<Shared>,
    message: Outgoing,
    outer: Claim,
) -> Option<(Line, Within)> {
    let (called, queued) = call::queue(shared, message, outer.options());
    let inner = queued.and_then(|(message, queued)| Some((message, queued.claim(shared)?)));
    match inner {
        Some((message, inner)) => Some((Line::Call(message, inner), (outer, called))),
        None => {
            outer.settle(Sent::Layered(called));
            None
        }
    }
}

/// Members that leave as one message.
#[derive(Default)]
pub(super) struct Part {
    lines: Vec<Line>,
    /// Calls of it that go through layers.
    pub(super) within: Vec<Within>,
    bytes: usize,
    /// How many there may be, if that was looked up: the other end may say so in between.
    most: Option<usize>,
}

impl Part {
    pub(super) fn has_room_for(&mut self, bytes: usize, peer: &Peer) -> bool {
        let shared = &peer.shared;
        // More calls than may be on the wire would have to wait for an empty one.
        let most = *self.most.get_or_insert_with(|| shared.lock().protocol.most_in_batch());
        let limit = shared.config.limits.message_out;
        self.lines.len() < most && self.bytes + bytes + BRACKETS <= limit
    }

    pub(super) fn add(&mut self, line: Line, bytes: usize) {
        self.bytes += bytes + 1;
        self.lines.push(line);
    }

    pub(super) async fn send(mut self, peer: &Peer) -> Result<(), NotifyError> {
        let within = std::mem::take(&mut self.within);
        let sent = self.send_lines(peer).await;
        for (outer, called) in within {
            outer.settle(Sent::Layered(called));
        }
        sent
    }

    async fn send_lines(self, peer: &Peer) -> Result<(), NotifyError> {
        let Some(mut message) = Message::new(self, &peer.shared) else { return Ok(()) };
        if message.starts.is_empty() {
            // Nothing else bounds notifications than their waiting for room.
            return Notify::whole(peer.shared.clone(), message.join(&[])).await;
        }
        message.send_with_calls(&peer.shared)
    }
}

/// A message that is about to be written: what its calls start with, each by itself.
struct Message {
    bytes: usize,
    texts: Vec<Text>,
    starts: Vec<Start>,
    beside: Vec<RequestExtensions>,
    claims: Vec<(Claim, Option<ReleasedPermit>)>,
}

enum Text {
    Call(Outgoing),
    Notification(Bytes),
}

impl Message {
    /// Of all members that can be sent; `None` if there are none.
    fn new(part: Part, shared: &Arc<Shared>) -> Option<Self> {
        let now = Instant::now();
        let (texts, starts) = (Vec::with_capacity(part.lines.len()), Vec::new());
        let (beside, claims) = (Vec::new(), Vec::new());
        let mut message = Self { bytes: part.bytes, texts, starts, beside, claims };
        for line in part.lines {
            match line {
                Line::Notification(text) => message.texts.push(Text::Notification(text)),
                Line::Call(text, claim) => message.add_call(text, claim, now, shared),
            }
        }
        (!message.texts.is_empty()).then_some(message)
    }

    fn add_call(&mut self, mut text: Outgoing, claim: Claim, now: Instant, shared: &Arc<Shared>) {
        let options = claim.options().options(now, shared);
        let StartOptions { deadline, sliding, mut beside, late } = options;
        if late {
            return claim.settle(Sent::Late);
        }
        let limit = shared.config.limits.message_out.saturating_sub(BRACKETS);
        if let Err(why) = text.prepare(&mut beside, limit) {
            return claim.settle(Sent::Encode(why));
        }
        let RequestExtensions { progress, is_lasting, .. } = beside;
        let (caller, released) = current::caller(shared);
        let start = Start { deadline, caller, sliding, progress, is_lasting, ..Start::default() };
        self.starts.push(start);
        self.texts.push(Text::Call(text));
        self.beside.push(beside);
        self.claims.push((claim, released));
    }

    /// Calls are bounded by `pending_calls`, so their message need not wait here.
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
                    claim.settle(ids.next().map_or(Sent::Busy, |id| Sent::As(*id, released)));
                }
                Ok(())
            }
            Err(reason) => {
                claims.iter().for_each(|(claim, _)| claim.settle(Sent::Closed(reason.clone())));
                Err(NotifyError::Closed { reason })
            }
        }
    }

    /// The text, with as many of its calls as there are ids.
    fn join(&mut self, ids: &[u64]) -> Bytes {
        let mut calls = ids.iter().zip(&self.beside);
        let mut out = BytesMut::with_capacity(self.bytes + BRACKETS);
        for text in std::mem::take(&mut self.texts) {
            let text = match text {
                Text::Notification(text) => text,
                Text::Call(message) => match calls.next() {
                    Some((id, beside)) => message.request(*id, beside),
                    None => continue,
                },
            };
            out.put_u8(if out.is_empty() { b'[' } else { b',' });
            out.put(text);
        }
        if out.is_empty() {
            // All were busy: there is nothing to say.
            return Bytes::new();
        }
        out.put_u8(b']');
        out.freeze()
    }
}
