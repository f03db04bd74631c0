//! The blocking streams that tungstenite is given: a [`Wire`] for the time of one poll, or nothing.
//!
//! Reading and writing are kept apart. tungstenite flushes each pong from within `read`, at 4 µs a
//! system call; while it reads, nothing is written, so that the answers to a read's worth of pings
//! leave together. Nor does it touch the stream when a message is only handed over.

use std::io::{self, Read, Write};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};

use super::wire::Wire;
use crate::util::turn_budget::again;

/// Reads at most `allowance` bytes; all writing blocks.
pub(super) struct Reading<'a, 'f, 'cx, S> {
    pub(super) wire: &'a mut Wire<S>,
    /// What was read already, and comes first.
    pub(super) first: &'a mut &'f [u8],
    pub(super) cx: &'a mut Context<'cx>,
    pub(super) allowance: &'a mut usize,
}

/// Writes; all reading blocks.
pub(super) struct Writing<'a, 'cx, S> {
    pub(super) wire: &'a mut Wire<S>,
    pub(super) cx: &'a mut Context<'cx>,
}

/// Blocks. A flush ends well only if there was nothing to write.
pub(super) struct Blocked;

impl<S: AsyncRead + AsyncWrite + Unpin> Read for Reading<'_, '_, '_, S> {
    #[inline(never)] // one call reads many messages; inlined, it makes the path of each message longer
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = buf.len().min(*self.allowance);
        if count == 0 {
            // Without this a peer with a fast line would keep the thread: tungstenite reads on
            // until a message is whole, and a long one may never be.
            again(self.cx);
            return blocked();
        }
        let (buf, first) = (&mut buf[..count], &mut *self.first);
        let count = ready_or_block(self.wire.poll_read(self.cx, first, buf, *self.allowance))?;
        *self.allowance -= count;
        Ok(count)
    }
}

impl<S> Write for Reading<'_, '_, '_, S> {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        blocked()
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Write for Writing<'_, '_, S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        ready_or_block(self.wire.poll_write(self.cx, buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        ready_or_block(self.wire.poll_flush(self.cx))
    }
}

impl<S> Read for Writing<'_, '_, S> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        blocked()
    }
}

impl Read for Blocked {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        blocked()
    }
}

impl Write for Blocked {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        blocked()
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn blocked<T>() -> io::Result<T> {
    Err(io::ErrorKind::WouldBlock.into())
}

fn ready_or_block<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => blocked(),
    }
}
