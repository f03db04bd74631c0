//! A writer with a size limit.

use std::io::{self, Write};

use bytes::BytesMut;

/// Room for the text that follows the last long piece of a result: quotes, brackets, the end of the message. Without
/// this room a result of 1 MiB filled its buffer exactly, and the buffer grew to 2 MiB for one `}`.
const CLOSING: usize = 64;

/// Writes a result into a buffer, and fails as soon as the result exceeds the limit.
pub(crate) struct BoundedWriter<'a> {
    out: &'a mut BytesMut,
    limit: usize,
    /// Bytes that will follow the result within the limit.
    tail: usize,
    exceeded: bool,
}

impl<'a> BoundedWriter<'a> {
    /// Writes at the end of `out`. `out` may grow to `limit` bytes, with the `tail` bytes that follow the result.
    pub(crate) fn new(out: &'a mut BytesMut, limit: usize, tail: usize) -> Self {
        Self { out, limit, tail, exceeded: false }
    }

    /// Returns the limit for `out`, with the tail.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Returns whether a write has failed because of the limit.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.exceeded
    }

    /// Makes room for `bytes` more bytes. By default a buffer doubles. An answer of `message_out` bytes would then hold
    /// twice its size while it waits, and half more while it grows. So a long answer gets the capacity of the whole
    /// limit at once, unless this write is most of the answer. The rest of the capacity serves the answers that follow.
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
    /// If the text does not fit.
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
