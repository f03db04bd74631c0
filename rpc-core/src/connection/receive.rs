//! From the link to the messages.

use std::task::{Context, Poll};
use std::time::Duration;

use super::driver::Driver;
use super::{BYTES, End, MESSAGES};
use crate::error::close::CloseReason;
use crate::protocol::Reading;
use crate::transport::{Received, Transport};

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
                Poll::Ready(Received::Text(text)) => messages += self.dispatch(text.as_ref(), now),
                Poll::Ready(Received::Binary(bytes)) => {
                    messages += self.dispatch_binary(&bytes, now)?;
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
