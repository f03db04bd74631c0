//! Writes what may be sent, and no more.

use std::io::{self, Write};

use bytes::BytesMut;

/// What is likely to follow the last long piece of a result: quotes, brackets, our own tail. Without
/// room for it a result of 1 MiB, in memory of just its size, was moved to 2 MiB for one `}`.
const CLOSING: usize = 64;

/// A buffer that stops a result from growing past what may be sent, while it is being written.
pub(crate) struct BoundedWriter<'a> {
    out: &'a mut BytesMut,
    limit: usize,
    /// What is still to follow within the limit.
    tail: usize,
    exceeded: bool,
}

impl<'a> BoundedWriter<'a> {
    /// Writes at the end of `out`, which grows to at most `limit` bytes with a `tail` behind it.
    pub(crate) fn new(out: &'a mut BytesMut, limit: usize, tail: usize) -> Self {
        Self { out, limit, tail, exceeded: false }
    }

    /// Bytes that `out` may hold, with what follows.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether what was written did not fit.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.exceeded
    }

    /// Sees to room for so many more bytes. Left to itself a buffer doubles, and an answer of just
    /// `message_out` would hold twice as much for as long as it waits, and half more while it grows.
    /// A long one is given all that it may need at once, unless most of it is what is written now; what
    /// it leaves is for those that follow.
    #[cold]
    fn grow(&mut self, bytes: usize) {
        let needed = self.out.len() + bytes;
        if needed < self.limit / 8 {
            return self.out.reserve(bytes);
        }
        let capacity = if bytes > needed / 2 { needed } else { needed.max(self.limit) };
        let mut larger = BytesMut::with_capacity(capacity);
        larger.extend_from_slice(self.out);
        *self.out = larger;
    }

    /// Writes JSON text.
    ///
    /// # Errors
    /// The text does not fit.
    pub(crate) fn text(&mut self, json: &str) -> io::Result<()> {
        self.write_all(json.as_bytes())
    }
}

impl Write for BoundedWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.out.len() + bytes.len() + self.tail > self.limit {
            self.exceeded = true;
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        if self.out.capacity() - self.out.len() < bytes.len() {
            self.grow(bytes.len() + CLOSING);
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
