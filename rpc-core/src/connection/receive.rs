//! From the link to the messages.

use std::num::NonZeroU32;
use std::task::{Context, Poll};
use std::time::Duration;

use super::driver::Driver;
use super::{BYTES, End, MESSAGES};
use crate::error::close::{CloseCode, CloseReason};
use crate::protocol::Reading;
use crate::transport::{LinkError, Received, Transport};
use crate::wire::sequence::{is_sequence, next_text};

impl Driver {
    /// Reads what is ready, up to the budget. Returns whether there may be more.
    pub(super) fn receive_from<T: Transport>(
        &mut self,
        transport: &mut T,
        unread: &mut Unread,
        cx: &mut Context<'_>,
        now: Duration,
    ) -> Result<bool, End> {
        let start = transport.received_bytes();
        let mut messages = 0;
        while messages < MESSAGES {
            if std::mem::take(&mut self.queued) {
                self.paused = self.shared.lock().protocol.may_read(now)? == Reading::Paused;
            }
            if self.paused {
                return Ok(false);
            }
            if self.budget.is_over() {
                return Ok(true);
            }
            let read = (transport.received_bytes() - start) as usize;
            if read >= BYTES {
                return Ok(true);
            }
            if let Some(text) = unread.next(transport)? {
                messages += self.dispatch(text, now);
                continue;
            }
            match transport.poll_receive(cx, BYTES - read) {
                Poll::Ready(Received::Text) if is_sequence(transport.message()) => {
                    unread.begin(transport.message())?;
                }
                Poll::Ready(Received::Text) => messages += self.dispatch(text(transport)?, now),
                Poll::Ready(Received::Binary) => {
                    messages += self.dispatch_binary(&transport.take_message(), now)?;
                }
                Poll::Ready(Received::Closed { code, reason }) => {
                    return Err(CloseReason::peer(code, reason).into());
                }
                Poll::Ready(Received::Ended) => {
                    self.input_ended = true;
                    return Ok(false);
                }
                Poll::Ready(Received::Failed(error)) => return Err(error.into()),
                Poll::Pending => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// The rest of a sequence, which lies in the transport: reading may pause between any two texts.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// Where the rest begins. 32 bits, since idle connections have the field, too.
    from: Option<NonZeroU32>,
}

impl Unread {
    /// Begins with the message that has come, which is a sequence.
    ///
    /// # Errors
    /// The sequence is too long, whatever `message_in` says.
    fn begin(&mut self, message: &[u8]) -> Result<(), LinkError> {
        if u32::try_from(message.len()).is_err() {
            return Err(LinkError::violation(CloseCode::TOO_BIG, "a sequence of 4 GiB"));
        }
        self.from = NonZeroU32::new(1); // behind the first separator
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.from.is_none()
    }

    /// Returns the next text of the sequence, if there is one.
    ///
    /// # Errors
    /// The text is not UTF-8.
    #[inline]
    fn next<'a>(&mut self, transport: &'a impl Transport) -> Result<Option<&'a str>, LinkError> {
        match self.from {
            None => Ok(None),
            Some(from) => self.next_from(from, transport),
        }
    }

    fn next_from<'a>(
        &mut self,
        from: NonZeroU32,
        transport: &'a impl Transport,
    ) -> Result<Option<&'a str>, LinkError> {
        let message = transport.message();
        let text = next_text(message, from.get() as usize);
        let end = text.as_ref().and_then(|text| u32::try_from(text.end).ok());
        self.from = end.and_then(NonZeroU32::new);
        text.map(|text| utf8(&message[text])).transpose()
    }
}

/// Returns the text of the message that was received.
///
/// # Errors
/// The message is not UTF-8.
fn text(transport: &impl Transport) -> Result<&str, LinkError> {
    utf8(transport.message())
}

fn utf8(text: &[u8]) -> Result<&str, LinkError> {
    let refused = LinkError::violation(CloseCode::INVALID_TEXT, "text that is not UTF-8");
    str::from_utf8(text).map_err(|_| refused)
}

/// Returns the text of the first message of a link. The message may be binary, as all messages of web3.py are, and has no
/// bytes beside its text.
///
/// # Errors
/// The message is not UTF-8.
pub(super) fn first_text<'a>(
    transport: &'a impl Transport,
    received: &Received,
) -> Result<&'a str, LinkError> {
    text(transport).map_err(|refused| match received {
        Received::Binary => {
            let reason = "a binary message that is not UTF-8: send JSON";
            LinkError::violation(CloseCode::UNSUPPORTED, reason)
        }
        _ => refused,
    })
}
