//! From the link to the messages.

use std::task::{Context, Poll};
use std::time::Duration;

use super::driver::Driver;
use super::{BYTES, End, MESSAGES};
use crate::error::close::{CloseCode, CloseReason};
use crate::protocol::Reading;
use crate::transport::{LinkError, Received, Transport};

impl Driver {
    /// Reads what is ready, up to the budget. Returns whether there may be more.
    pub(super) fn receive_from<T: Transport>(
        &mut self,
        transport: &mut T,
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
            match transport.poll_receive(cx, BYTES - read) {
                Poll::Ready(Received::Text) => messages += self.dispatch(text(transport)?, now),
                Poll::Ready(Received::Binary) => {
                    messages += self.dispatch_binary(&transport.take_message(), now)?;
                }
                Poll::Ready(Received::Closed { code, reason }) => {
                    return Err(CloseReason::peer(code, reason).into());
                }
                Poll::Ready(Received::Failed(error)) => return Err(error.into()),
                Poll::Pending => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// Returns the text of the message that was received.
///
/// # Errors
/// The message is not UTF-8.
fn text(transport: &impl Transport) -> Result<&str, LinkError> {
    let refused = LinkError::violation(CloseCode::INVALID_TEXT, "text that is not UTF-8");
    str::from_utf8(transport.message()).map_err(|_| refused)
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
