//! The events of a WebSocket of the browser that the connection has not taken yet.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

/// The events of a WebSocket.
#[derive(Default)]
pub(super) struct Arrived {
    is_open: bool,
    messages: VecDeque<Message>,
    /// The bytes of `messages`.
    waiting: usize,
    received: u64,
    closed: Option<Closed>,
    waker: Option<Waker>,
}

/// A whole message.
pub(super) enum Message {
    Text(Bytes),
    Binary(Bytes),
}

/// The end of a WebSocket. The code is 1006 if the link broke, and 1005 if the other end gave no code.
#[derive(Clone)]
pub(super) struct Closed {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Message {
    fn bytes(&self) -> &Bytes {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes,
        }
    }
}

impl Arrived {
    pub(super) fn open(&mut self) {
        self.is_open = true;
        self.wake();
    }

    pub(super) fn push(&mut self, message: Message) {
        let bytes = message.bytes().len();
        self.waiting += bytes;
        self.received += bytes as u64;
        self.messages.push_back(message);
        self.wake();
    }

    pub(super) fn close(&mut self, closed: Closed) {
        self.closed.get_or_insert(closed);
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Returns the bytes of the messages that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Returns the bytes of all messages that ever came.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    pub(super) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        match (&self.closed, self.is_open) {
            (Some(closed), _) => Poll::Ready(Err(closed.clone())),
            (None, true) => Poll::Ready(Ok(())),
            (None, false) => self.wait(cx),
        }
    }

    /// Returns the next message. The end comes behind the last one.
    pub(super) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Closed>> {
        if let Some(message) = self.messages.pop_front() {
            self.waiting -= message.bytes().len();
            return Poll::Ready(Ok(message));
        }
        match &self.closed {
            Some(closed) => Poll::Ready(Err(closed.clone())),
            None => self.wait(cx),
        }
    }

    pub(super) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.closed.is_some() { Poll::Ready(()) } else { self.wait(cx) }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    fn wait<T>(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::task::Context;

    use super::*;

    #[test]
    fn what_came_before_the_end_is_taken_before_the_end() {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut arrived = Arrived::default();
        assert!(arrived.poll_open(cx).is_pending() && arrived.poll_message(cx).is_pending());
        arrived.open();
        assert!(matches!(arrived.poll_open(cx), Poll::Ready(Ok(()))));
        arrived.push(Message::Text("abc".into()));
        arrived.push(Message::Binary(Bytes::from_static(&[255])));
        arrived.close(Closed { code: 1006, reason: String::new() });
        assert_eq!((arrived.waiting(), arrived.received()), (4, 4));
        assert!(arrived.is_closed() && arrived.poll_closed(cx).is_ready());
        assert!(
            matches!(arrived.poll_message(cx), Poll::Ready(Ok(Message::Text(text))) if text == "abc")
        );
        assert!(matches!(arrived.poll_message(cx), Poll::Ready(Ok(Message::Binary(_)))));
        assert_eq!((arrived.waiting(), arrived.received()), (0, 4));
        for _ in 0..2 {
            assert!(
                matches!(arrived.poll_message(cx), Poll::Ready(Err(closed)) if closed.code == 1006)
            );
        }
    }

    #[test]
    fn a_socket_that_never_opens_tells_its_end() {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut arrived = Arrived::default();
        arrived.close(Closed { code: 4000, reason: "no".into() });
        arrived.close(Closed { code: 1006, reason: String::new() });
        let opened = arrived.poll_open(cx);
        assert!(
            matches!(opened, Poll::Ready(Err(Closed { code: 4000, reason })) if reason == "no")
        );
    }
}
