//! Gives back the memory that large messages leave in tungstenite's buffers.
//!
//! They only ever grow: one message of 1 MiB each way keeps megabytes for as long as the connection
//! lives. There is no way to shrink them, but an empty one can be replaced, with the whole context.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::protocol::WebSocketContext;

use super::WebSocket;
use super::blocking::Blocked;

/// A backlog up to this left a write buffer of at most 256 bytes, which may stay. A hello with a token leaves more.
const SMALL_BACKLOG: usize = 128;

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Whether either buffer may be larger than it began.
    ///
    /// A read buffer of `r` bytes grows when a frame of `f` bytes begins behind `o` bytes that were
    /// used and before `n` that were not, if `o + n + f > r`, unless the bytes can be moved to the
    /// front (`n + f <= r` and `n <= o`). That takes `2n + f > r`, and `n` is at most one read and
    /// 13 bytes of header: it cannot happen while no read and no frame is longer than `r / 4`.
    pub(super) fn has_grown(&self) -> bool {
        let quarter = self.config().read_buffer_size as u64 / 4;
        self.wire.incoming().longest() > quarter || self.longest_backlog > SMALL_BACKLOG
    }

    /// Whether a context that never did anything would be the same as ours, buffers aside.
    pub(super) fn is_still(&mut self) -> bool {
        // Whether an end has closed is state, too.
        self.context.can_write()
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
        self.context.flush(&mut Blocked).is_ok()
    }

    pub(super) fn rebuild(&mut self) {
        self.context = WebSocketContext::new(self.role.into(), Some(*self.config()));
        self.wire.incoming_mut().forget_longest();
        self.longest_backlog = 0;
    }
}
