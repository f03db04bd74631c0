//! A transport in memory: the two ends of a pipe of messages.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::error::close::CloseCode;
use crate::transport::{LinkError, Received, Transport};
use crate::util::sync::{Arc, Mutex};

#[cfg(feature = "testing")]
mod alarm;
#[cfg(feature = "testing")]
pub(crate) mod faults;
#[cfg(feature = "testing")]
mod plan;

/// A pipe's two ends. Each direction holds `capacity` bytes, then who sends must wait.
pub fn transports(capacity: usize) -> (Pipe, Pipe) {
    let [there, back] = [(); 2].map(|()| Arc::new(Mutex::new(Direction::new(capacity))));
    (Pipe::new(there.clone(), back.clone()), Pipe::new(back, there))
}

/// One end of a pipe of messages in memory.
pub struct Pipe {
    out: Arc<Mutex<Direction>>,
    incoming: Arc<Mutex<Direction>>,
    /// The message that was received last.
    message: Bytes,
    sent: u64,
    received: u64,
    #[cfg(feature = "testing")]
    alarm: alarm::Alarm,
}

/// What is on its way in one direction.
struct Direction {
    capacity: usize,
    bytes: usize,
    messages: VecDeque<Bytes>,
    /// Nothing comes after what is there: the code and reason, or that the sender is gone.
    end: Option<End>,
    /// The receiver is gone.
    deaf: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    #[cfg(feature = "testing")]
    plan: plan::Plan,
}

#[derive(Debug, Clone)]
enum End {
    Closed(CloseCode, String),
    Gone,
}

impl Direction {
    fn new(capacity: usize) -> Self {
        Self {
            capacity,
            bytes: 0,
            messages: VecDeque::new(),
            end: None,
            deaf: false,
            reader: None,
            writer: None,
            #[cfg(feature = "testing")]
            plan: plan::Plan::default(),
        }
    }

    /// Ends it; who reads is to be told, without the lock.
    #[must_use]
    fn finish(&mut self, end: End) -> Option<Waker> {
        #[cfg(feature = "testing")]
        self.plan_end();
        self.end.get_or_insert(end);
        self.reader.take()
    }
}

impl Pipe {
    fn new(out: Arc<Mutex<Direction>>, incoming: Arc<Mutex<Direction>>) -> Self {
        Self {
            out,
            incoming,
            message: Bytes::new(),
            sent: 0,
            received: 0,
            #[cfg(feature = "testing")]
            alarm: alarm::Alarm::default(),
        }
    }
}

/// How many messages went through, but nothing of them.
impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe")
            .field("sent", &self.sent)
            .field("received_bytes", &self.received)
            .finish_non_exhaustive()
    }
}

impl Transport for Pipe {
    fn poll_receive(&mut self, cx: &mut Context<'_>, _: usize) -> Poll<Received> {
        let waker = cx.waker().clone(); // not under the lock, as wakers are code of the user's
        let mut incoming = self.incoming.lock().unwrap();
        #[cfg(feature = "testing")]
        if let Some(hold) = incoming.hold() {
            let before = incoming.reader.replace(waker);
            drop(incoming);
            drop(before);
            self.alarm.set(hold, cx);
            return Poll::Pending;
        }
        #[cfg(feature = "testing")]
        if incoming.breaks_within_next() {
            drop(incoming);
            self.faults().cut();
            return Poll::Ready(Received::Failed(gone()));
        }
        if let Some(message) = incoming.messages.pop_front() {
            incoming.bytes -= message.len();
            self.received += message.len() as u64;
            let writer = incoming.writer.take();
            #[cfg(feature = "testing")]
            let breaks = incoming.plan_delivered(message.len());
            drop(incoming);
            writer.into_iter().for_each(Waker::wake);
            #[cfg(feature = "testing")]
            if breaks {
                self.faults().cut();
            }
            self.message = message;
            return Poll::Ready(Received::Text);
        }
        self.message = Bytes::new();
        match &incoming.end {
            Some(End::Closed(code, reason)) => {
                Poll::Ready(Received::Closed { code: Some(*code), reason: reason.clone() })
            }
            Some(End::Gone) => Poll::Ready(Received::Failed(gone())),
            None => {
                let before = incoming.reader.replace(waker);
                drop(incoming);
                drop(before);
                Poll::Pending
            }
        }
    }

    fn message(&self) -> &[u8] {
        &self.message
    }

    fn take_message(&mut self) -> Bytes {
        std::mem::take(&mut self.message)
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        let waker = cx.waker().clone();
        let mut out = self.out.lock().unwrap();
        if out.deaf {
            drop(out);
            // Who has closed in good order has said why: that is still to be read.
            let closed = matches!(self.incoming.lock().unwrap().end, Some(End::Closed(..)));
            return Poll::Ready(if closed { Ok(()) } else { Err(gone()) });
        }
        if out.bytes < out.capacity {
            return Poll::Ready(Ok(()));
        }
        let before = out.writer.replace(waker);
        drop(out);
        drop(before);
        Poll::Pending
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        let mut out = self.out.lock().unwrap();
        if out.deaf {
            return Ok(());
        }
        #[cfg(feature = "testing")]
        match out.plan_sent(message.len()) {
            plan::Sent::Arrives => {}
            plan::Sent::Dropped => {
                self.sent += 1;
                return Ok(());
            }
            plan::Sent::Breaks => {
                drop(out);
                self.faults().cut();
                return Err(gone());
            }
        }
        out.bytes += message.len();
        out.messages.push_back(message);
        self.sent += 1;
        Ok(())
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        let reader = self.out.lock().unwrap().reader.take();
        reader.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(()))
    }

    fn accepted(&self) -> u64 {
        self.sent
    }

    fn received_bytes(&self) -> u64 {
        self.received
    }

    fn poll_close(&mut self, _: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        let reader = self.out.lock().unwrap().finish(End::Closed(code, reason.to_owned()));
        reader.into_iter().for_each(Waker::wake);
        Poll::Ready(())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let mut out = self.out.lock().unwrap();
        let reader = out.finish(End::Gone);
        #[cfg(feature = "testing")]
        if out.holds_end() {
            // The other end finds out when it reads the end, and not from what it sends.
            drop(out);
            reader.into_iter().for_each(Waker::wake);
            return;
        }
        drop(out);
        let mut incoming = self.incoming.lock().unwrap();
        incoming.deaf = true;
        let writer = incoming.writer.take();
        drop(incoming);
        reader.into_iter().chain(writer).for_each(Waker::wake);
    }
}

fn gone() -> LinkError {
    LinkError::Io(io::ErrorKind::ConnectionReset.into())
}

/// An end that sent just after the other one was gone took the link for lost, and never read why.
#[test]
fn who_sends_after_a_close_can_still_read_its_reason() {
    let cx = &mut Context::from_waker(Waker::noop());
    for closes in [true, false] {
        let (mut near, mut far) = transports(1000);
        assert!(!closes || far.poll_close(cx, CloseCode::POLICY, "enough").is_ready());
        drop(far);
        let Poll::Ready(ready) = near.poll_ready(cx) else { panic!("there is room") };
        assert_eq!(ready.is_ok(), closes);
        assert!(near.send(Bytes::from_static(b"{}")).is_ok());
        assert_eq!(near.accepted(), 0, "nobody has it");
        let end = near.poll_receive(cx, 1000);
        assert_eq!(matches!(end, Poll::Ready(Received::Closed { .. })), closes);
    }
}

#[test]
fn messages_on_their_way_are_not_in_a_debug_text() {
    let (mut near, far) = transports(1000);
    near.send(Bytes::from_static(b"s3cret")).unwrap();
    let text = format!("{near:?} {far:?}");
    assert!(text.contains("sent: 1") && !text.contains("s3cret"), "{text}");
}
