//! When tungstenite's state can be dropped, with the memory that messages leave in its buffers.

use tokio::io::{AsyncRead, AsyncWrite};

use super::WebSocket;
use super::blocking::Blocked;

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Whether a context that never did anything would be the same as ours, buffers aside.
    pub(super) fn is_still(&mut self) -> bool {
        // Whether an end has closed is state, too.
        self.engine.can_write()
            && self.nothing_is_read_ahead()
            && self.nothing_waits_to_be_written()
    }

    /// tungstenite has given us whatever arrived whole, as the wire counts, and nothing else has
    /// begun: so its read buffer is empty, it holds no header, and it is not amid a message. (Of a
    /// close that is held back it has the beginning.)
    pub(super) fn nothing_is_read_ahead(&self) -> bool {
        let incoming = self.wire.incoming();
        self.taken == incoming.whole() && incoming.is_between_messages() && !self.wire.holds_back()
    }

    /// A pong that waits would be put into the write buffer, or finds that full; then the buffer is
    /// not empty, and to write it blocks. So this succeeds only if there was neither. If it fails
    /// nothing is lost: what was put into the buffer leaves with the next flush.
    fn nothing_waits_to_be_written(&mut self) -> bool {
        self.engine.busy().is_none_or(|context| context.flush(&mut Blocked).is_ok())
    }
}
