//! Answers, written by hand into a buffer that is used again when its text has been sent.

use bytes::BytesMut;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The answer that is being written.
#[derive(Default)]
pub(crate) struct Answers {
    buffer: BytesMut,
    in_batch: bool,
}

const HEAD: &str = r#"{"jsonrpc":"2.0","id":"#;

impl Answers {
    /// A whole answer, for what is answered by itself.
    pub(crate) fn result(&mut self, id: &RawValue, sum: i64) -> Utf8Bytes {
        self.push_result(id.get(), itoa::Buffer::new().format(sum));
        self.take().unwrap_or_default()
    }

    pub(crate) fn push_result(&mut self, id: &str, result: &str) {
        self.push(&[HEAD, id, r#","result":"#, result, "}"]);
    }

    pub(crate) fn push_error(&mut self, id: &str, (code, message): (i32, &str)) {
        let mut digits = itoa::Buffer::new();
        let code = digits.format(code);
        let head = r#","error":{"code":"#;
        self.push(&[HEAD, id, head, code, r#","message":""#, message, r#""}}"#]);
    }

    fn push(&mut self, parts: &[&str]) {
        if self.in_batch && self.buffer.len() > 1 {
            self.buffer.extend_from_slice(b",");
        }
        self.buffer.reserve(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            self.buffer.extend_from_slice(part.as_bytes());
        }
    }

    pub(crate) fn begin_batch(&mut self) {
        self.in_batch = true;
        self.buffer.extend_from_slice(b"[");
    }

    /// A batch of notifications has no answer.
    pub(crate) fn end_batch(&mut self) {
        self.in_batch = false;
        if self.buffer.len() == 1 {
            self.buffer.clear();
        } else {
            self.buffer.extend_from_slice(b"]");
        }
    }

    /// Takes back what was written of a batch.
    pub(crate) fn give_up_batch(&mut self) {
        self.in_batch = false;
        self.buffer.clear();
    }

    /// What was written, if anything.
    pub(crate) fn take(&mut self) -> Option<Utf8Bytes> {
        if self.buffer.is_empty() {
            return None;
        }
        let text = self.buffer.split().freeze();
        Some(Utf8Bytes::try_from(text).expect("it was put together from `str`s"))
    }
}
