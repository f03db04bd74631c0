//! A link as the transport of a connection.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use rpc_core::internal::sse::hello;
use rpc_core::transport::{LinkError, Received, Transport};
use rpc_core::{CloseCode, Limits};
use tokio::time::{Sleep, sleep};

use super::link::{Link, LinkEnd, State};
use super::links::Links;

/// Bytes of messages that wait to be given to a stream. Others wait in the outbox, where a cancel can pass them.
const ROOM: usize = 64 * 1024;

/// A link as a transport. Dropping it ends the link.
pub(crate) struct Carrier {
    link: Arc<Link>,
    links: Links,
    message: Bytes,
    /// Messages out of the inbox.
    batch: VecDeque<Bytes>,
    /// Messages for the stream that the link does not have yet.
    fresh: Vec<Bytes>,
    /// Bytes for which there was room when last looked.
    room: usize,
    /// Whether the hello of the server, which names the link, was sent.
    is_named: bool,
    delivered: u64,
    requests: u64,
    /// How long a link may be without its stream, and how long a close may take.
    times: Times,
    /// Set while there is no stream.
    mend: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug, Clone, Copy)]
struct Times {
    mend: Duration,
    close: Duration,
}

impl Carrier {
    pub(super) fn new(link: Arc<Link>, links: Links, limits: &Limits) -> Self {
        Self {
            link,
            links,
            message: Bytes::new(),
            batch: VecDeque::new(),
            fresh: Vec::new(),
            room: ROOM,
            is_named: false,
            delivered: 0,
            requests: 0,
            times: Times { mend: limits.mend, close: limits.close },
            mend: None,
        }
    }

    /// Gives the link what was sent, and looks how much room there is now. Returns whether there was anything.
    fn hand_over(fresh: &mut Vec<Bytes>, room: &mut usize, state: &mut State) -> bool {
        let has_fresh = !fresh.is_empty();
        fresh.drain(..).for_each(|text| state.outbox.push(text));
        *room = ROOM.saturating_sub(state.outbox.unsent());
        has_fresh
    }

    /// Waits for the stream that was lost, if it was.
    fn poll_stream(&mut self, has_stream: bool, cx: &mut Context<'_>) -> Poll<Received> {
        if has_stream {
            self.mend = None;
            return Poll::Pending;
        }
        let mend = self.mend.get_or_insert_with(|| Box::pin(sleep(self.times.mend)));
        mend.as_mut().poll(cx).map(|()| {
            let reason = "the client did not ask for its stream again";
            Received::Failed(io::Error::new(io::ErrorKind::TimedOut, reason).into())
        })
    }
}

fn register(state: &mut State, cx: &Context<'_>) {
    let waker = cx.waker();
    if !state.carrier.as_ref().is_some_and(|before| before.will_wake(waker)) {
        state.carrier = Some(waker.clone());
    }
}

impl Transport for Carrier {
    fn poll_receive(&mut self, cx: &mut Context<'_>, _: usize) -> Poll<Received> {
        if self.batch.is_empty() {
            let mut state = self.link.lock();
            self.requests = state.requests;
            if !state.inbox.is_empty() {
                let is_waited_for = state.inbox.take(&mut self.batch);
                drop(state);
                if is_waited_for {
                    self.link.changed.notify_waiters();
                }
            } else if let Some(end) = state.end() {
                return Poll::Ready(match end {
                    LinkEnd::Closed(code, reason) => Received::Closed { code: Some(code), reason },
                    LinkEnd::Violation(code, reason) => {
                        Received::Failed(LinkError::violation(code, reason))
                    }
                });
            } else {
                register(&mut state, cx);
                let has_stream = state.has_stream();
                drop(state);
                self.message = Bytes::new();
                return self.poll_stream(has_stream, cx);
            }
        }
        self.message = self.batch.pop_front().unwrap_or_default();
        self.delivered += self.message.len() as u64;
        Poll::Ready(Received::Text)
    }

    fn message(&self) -> &[u8] {
        &self.message
    }

    fn take_message(&mut self) -> Bytes {
        std::mem::take(&mut self.message)
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        if self.room == 0 {
            let mut state = self.link.lock();
            let has_fresh = Self::hand_over(&mut self.fresh, &mut self.room, &mut state);
            register(&mut state, cx);
            if has_fresh {
                Link::wake_events(state);
            }
        }
        if self.room > 0 { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.room = self.room.saturating_sub(message.len());
        let message = if std::mem::replace(&mut self.is_named, true) {
            message
        } else {
            let no_hello = LinkError::violation(CloseCode::INTERNAL, "the server says no hello");
            hello::with_link(&message, &self.link.name).ok_or(no_hello)?
        };
        self.fresh.push(message);
        Ok(())
    }

    /// What the link has is as good as out, unless much waits: the stream takes it by itself.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        let mut state = self.link.lock();
        let has_fresh = Self::hand_over(&mut self.fresh, &mut self.room, &mut state);
        let has_room = self.room > 0;
        if !has_room {
            register(&mut state, cx);
        }
        if has_fresh {
            Link::wake_events(state);
        }
        if has_room { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        let mut state = self.link.lock();
        Self::hand_over(&mut self.fresh, &mut self.room, &mut state);
        let is_told = state.close(code, reason);
        register(&mut state, cx);
        Link::wake_events(state);
        if is_told { Poll::Ready(()) } else { Poll::Pending }
    }

    fn accepted(&self) -> u64 {
        self.link.lock().outbox.sent()
    }

    fn backlog(&self) -> usize {
        let fresh: usize = self.fresh.iter().map(Bytes::len).sum();
        self.link.lock().outbox.backlog() + fresh
    }

    /// Each request counts as one more byte: it is a sign of life, too.
    fn received_bytes(&self) -> u64 {
        self.delivered + self.requests
    }

    fn unasked_controls(&self) -> u64 {
        self.link.lock().vain_requests
    }

    fn answered_probes(&self) -> u64 {
        self.link.lock().outbox.answered_pings()
    }

    fn ping(&mut self) -> Result<bool, LinkError> {
        let mut state = self.link.lock();
        let is_asked = state.outbox.ping();
        Link::wake_events(state);
        Ok(is_asked)
    }

    fn shrink(&mut self) {
        (self.batch, self.fresh) = Default::default();
        self.link.lock().shrink();
    }

    fn set_limits(&mut self, limits: &Limits) {
        self.times = Times { mend: limits.mend, close: limits.close };
        self.link.lock().inbox.set_message_in(limits.message_in);
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.links.remove(&self.link);
        self.link.end(self.times.close);
    }
}
