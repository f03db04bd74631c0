//! A way for bytes past serde_json into a value that is read as base64 text.
//!
//! A message may bring bytes beside its text. In the text the place of such bytes has a [`MARK`]: a string that
//! serde_json checks and cannot read. So a type that asks for a string, or for anything, fails at the mark, and the
//! value is read again from the text with base64. Only a value of this crate takes the mark as it lies in the text, and
//! finds the bytes by its place.
//!
//! ```text
//! text:  {"name":"a","data":"\ud800"}      attachments: [(at 19, bytes)]
//!                           ▲ a `Base64` takes the raw text here, whose address tells the place
//! ```

use std::cell::RefCell;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::value::RawValue;

use crate::util::base64_text;
use crate::util::sync::Arc;

/// What stands in a text at the place of bytes: half of a character, which no string can hold.
pub(crate) const MARK: &str = r#""\ud800""#;

/// The mark without its quotes.
pub(crate) const INNER: &str = r"\ud800";

/// Shorter bytes are written as base64 text: a message with attachments costs more than such a text.
pub(crate) const LEAST: usize = 4096;

/// The most attachments of a message. Further bytes are written as base64 text.
const MOST: usize = u8::MAX as usize;

/// Bytes that come beside a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attachment {
    /// Where their place is in the text.
    pub(crate) at: usize,
    pub(crate) bytes: Bytes,
}

/// Bytes that were left out of a text while it was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attachments {
    /// Each place is where the base64 text belongs.
    list: Vec<Attachment>,
    /// The length of the base64 texts.
    absent: usize,
}

impl Attachments {
    /// Returns whether these bytes may be left out.
    pub(crate) fn takes(&self, bytes: &Bytes) -> bool {
        bytes.len() >= LEAST && self.list.len() < MOST
    }

    /// Adds bytes whose base64 text belongs at this place of the text, between two quotes.
    pub(crate) fn add(&mut self, at: usize, bytes: Bytes) {
        self.absent += base64_text::length(bytes.len());
        self.list.push(Attachment { at, bytes });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn list(&self) -> &[Attachment] {
        &self.list
    }

    pub(crate) fn into_list(self) -> Vec<Attachment> {
        self.list
    }

    /// Returns by how much the text is longer with the base64 texts.
    pub(crate) fn absent(&self) -> usize {
        self.absent
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.absent = 0;
    }

    /// Takes note that the text which began at `before` begins at `now`.
    pub(crate) fn shift(&mut self, before: usize, now: usize) {
        self.list.iter_mut().for_each(|attachment| attachment.at = attachment.at - before + now);
    }
}

thread_local! {
    /// The text that this thread reads, if it has attachments.
    static READING: RefCell<Option<Reading>> = const { RefCell::new(None) };
}

struct Reading {
    /// The address of the text.
    base: usize,
    attachments: Arc<[Attachment]>,
    /// How many were taken, in order.
    taken: usize,
}

/// Calls `read`, which reads a value from a part of `text`. Returns `None` if that fails, or if the value has not taken
/// each attachment once.
pub(crate) fn read<T, E>(
    text: &str,
    attachments: &Arc<[Attachment]>,
    read: impl FnOnce() -> Result<T, E>,
) -> Option<T> {
    let reading = Reading { base: address(text), attachments: attachments.clone(), taken: 0 };
    // There is no place at the end of a thread.
    let before = READING.try_with(|place| place.replace(Some(reading))).ok()?;
    let restore = Restore(before);
    let value = read().ok()?;
    let taken = READING.try_with(|place| place.borrow().as_ref().map(|reading| reading.taken));
    drop(restore);
    (taken == Ok(Some(attachments.len()))).then_some(value)
}

/// Puts back what was read before, also after a panic.
struct Restore(Option<Reading>);

impl Drop for Restore {
    fn drop(&mut self) {
        let _ = READING.try_with(|place| place.replace(self.0.take()));
    }
}

/// What a value finds at its place.
pub(crate) enum Found<'de> {
    Bytes(Bytes),
    /// The JSON text of another value.
    Json(&'de str),
}

/// Returns whether the text that is read has attachments. Then a value calls [`find`].
#[inline]
pub(crate) fn are_here() -> bool {
    READING.try_with(|place| place.borrow().is_some()).unwrap_or_default()
}

/// Takes the next value of the text that is read.
pub(crate) fn find<'de, D: Deserializer<'de>>(de: D) -> Result<Found<'de>, D::Error> {
    let json = <&'de RawValue>::deserialize(de)?.get();
    if json != MARK {
        return Ok(Found::Json(json));
    }
    let bytes = READING.try_with(|place| place.borrow_mut().as_mut()?.take(address(json)));
    bytes
        .ok()
        .flatten()
        .map(Found::Bytes)
        .ok_or_else(|| D::Error::custom("bytes that are not here"))
}

impl Reading {
    /// Takes the next attachment, if its place is at this address.
    fn take(&mut self, address: usize) -> Option<Bytes> {
        let next = self.attachments.get(self.taken)?;
        if self.base + next.at != address {
            return None;
        }
        self.taken += 1;
        Some(next.bytes.clone())
    }
}

fn address(text: &str) -> usize {
    text.as_ptr() as usize
}
