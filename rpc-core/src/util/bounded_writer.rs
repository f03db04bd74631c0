//! A writer with a size limit.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};

use crate::util::attachment::Attachments;
use crate::util::base64_text;
use crate::util::direct;

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
    /// Where bytes go that are not written as text.
    attachments: Option<&'a mut Attachments>,
}

impl<'a> BoundedWriter<'a> {
    /// Writes at the end of `out`. `out` may grow to `limit` bytes, with the `tail` bytes that follow the result.
    pub(crate) fn new(out: &'a mut BytesMut, limit: usize, tail: usize) -> Self {
        Self { out, limit, tail, exceeded: false, attachments: None }
    }

    /// Lets long bytes be attached instead of written, for a reader that takes that. Their base64 text counts towards
    /// the limit all the same: the limit does not depend on the reader.
    pub(crate) fn with_attachments(mut self, attachments: Option<&'a mut Attachments>) -> Self {
        self.attachments = attachments;
        self
    }

    /// Returns the limit for `out`, with the tail.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Returns whether a write has failed because of the limit.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.exceeded
    }

    /// Makes room for `bytes` more bytes.
    ///
    /// # Errors
    /// If the bytes do not fit.
    #[inline]
    fn prepare(&mut self, bytes: usize) -> io::Result<()> {
        if self.out.len() + bytes + self.tail > self.limit {
            self.exceeded = true;
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        if self.out.capacity() - self.out.len() < bytes {
            self.grow(bytes + CLOSING);
        }
        Ok(())
    }

    /// Writes the base64 text of `bytes` behind `head`, or attaches the bytes.
    #[inline(never)]
    fn base64(&mut self, head: &[u8], bytes: &Bytes) -> io::Result<()> {
        self.prepare(head.len())?;
        self.out.extend_from_slice(head);
        self.bytes(bytes)
    }

    /// Writes the base64 text of `bytes`, or attaches the bytes.
    ///
    /// # Errors
    /// If the text does not fit.
    pub(crate) fn bytes(&mut self, bytes: &Bytes) -> io::Result<()> {
        let length = base64_text::length(bytes.len());
        if let Some(attachments) = self.attachments.as_mut().filter(|it| it.takes(bytes)) {
            attachments.add(self.out.len(), bytes.clone());
            self.tail += length;
            return self.prepare(0);
        }
        self.prepare(length)?;
        base64_text::encode(bytes, |piece| {
            self.out.extend_from_slice(piece.as_bytes());
            Ok(())
        })
    }

    /// Makes room for `bytes` more bytes, which fit. By default a buffer doubles. An answer of `message_out` bytes would then hold
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
        if direct::is_pending()
            && let Some(offered) = direct::take(bytes)?
        {
            return self.base64(bytes, &offered);
        }
        self.prepare(bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64::Base64;

    fn write(out: &mut BytesMut, limit: usize, bytes: &Base64) -> bool {
        let mut writer = BoundedWriter::new(out, limit, 1);
        let written = serde_json::to_writer(&mut writer, &("a", bytes, [bytes], "z")).is_ok();
        assert_eq!(written, !writer.is_exceeded());
        written
    }

    #[test]
    fn base64_is_the_same_text_as_elsewhere_and_fits_or_does_not() {
        for length in [0, 1, 2, 3, 4, 3071, 3072, 3073, 100_000] {
            let bytes: Base64 = (0..length).map(|at| (at * 7) as u8).collect();
            let expected = serde_json::to_string(&("a", &bytes, [&bytes], "z")).unwrap();
            let mut out = BytesMut::new();
            assert!(write(&mut out, expected.len() + 1, &bytes), "{length} bytes");
            assert_eq!(out, expected);
            assert!(!write(&mut BytesMut::new(), expected.len(), &bytes), "{length} bytes");
        }
    }

    #[test]
    fn what_is_too_big_is_not_encoded() {
        let mut out = BytesMut::new();
        assert!(!write(&mut out, 1000, &vec![7; 100_000].into()));
        assert!(out.len() < 10 && out.capacity() < 1000);
    }
}
