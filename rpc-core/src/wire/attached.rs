//! Messages with bytes beside their text: bytes as bytes, for an end that has said in its hello that it takes them.
//!
//! Such a message is one binary message. It stands for a text message: the one in which the base64 text of the bytes
//! stands between the two quotes that the head names. So it is one message wherever messages are counted, kept, sent
//! again or dropped, and whoever cannot take it is given the text.
//!
//! ```text
//!  0xff │ count │ count × ( place │ length ) │ bytes … │ text
//!    1      1               4        4
//! ```
//!
//! Places and lengths are big-endian numbers of bytes. A place is an offset in the text: the base64 text belongs between
//! the quotes before and behind it. Places rise. The text fills the rest of the message. No UTF-8 begins with `0xff`, so
//! no binary message that is text is taken for such a message.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::de::DeserializeOwned;

use crate::util::attachment::{self, Attachment, Attachments, INNER, LEAST};
use crate::util::base64_text;
use crate::util::sync::{Arc, OnceLock};
use crate::wire::value;

/// The first byte of such a message.
const FIRST: u8 = 0xff;

/// The bytes of a place and a length.
const ENTRY: usize = 8;

/// Returns whether a message has bytes beside its text.
#[inline]
pub(crate) fn is_attached(message: &[u8]) -> bool {
    message.first() == Some(&FIRST)
}

/// Writes messages. A connection at rest has a word of it.
#[derive(Default)]
pub(crate) struct AttachedWriter(Option<Box<Parts>>);

#[derive(Default)]
struct Parts {
    /// What is left out of the text that is written.
    attachments: Attachments,
    /// The memory of messages is used again: new memory for 1 MiB costs more than the copy into it.
    buffer: BytesMut,
}

impl AttachedWriter {
    /// Returns the list of what is left out of the text that is written.
    pub(crate) fn attachments(&mut self) -> &mut Attachments {
        &mut self.0.get_or_insert_default().attachments
    }

    /// Returns whether nothing was left out.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|parts| parts.attachments.is_empty())
    }

    /// Forgets what was left out.
    pub(crate) fn clear(&mut self) {
        if let Some(parts) = &mut self.0 {
            parts.attachments.clear();
        }
    }

    /// Returns the message of a text, and of what was left out of it.
    #[inline(never)]
    pub(crate) fn finish(&mut self, text: &[u8]) -> Bytes {
        let Parts { attachments, buffer } = &mut **self.0.get_or_insert_default();
        buffer.reserve(length(text, attachments));
        write(text, attachments, buffer);
        attachments.clear();
        buffer.split().freeze()
    }
}

/// Returns a message: a text, and what was left out of it.
#[cfg(test)]
fn message(text: &[u8], attachments: &Attachments) -> BytesMut {
    let mut out = BytesMut::with_capacity(length(text, attachments));
    write(text, attachments, &mut out);
    out
}

/// Returns the length of a message.
pub(crate) fn length(text: &[u8], attachments: &Attachments) -> usize {
    let bytes: usize = attachments.list().iter().map(|attachment| attachment.bytes.len()).sum();
    2 + ENTRY * attachments.list().len() + bytes + text.len()
}

/// Writes a message. The text is the last part, so that the text may go on behind what is written.
pub(crate) fn write(text: &[u8], attachments: &Attachments, out: &mut impl BufMut) {
    let list = attachments.list();
    out.put_u8(FIRST);
    out.put_u8(u8::try_from(list.len()).expect("no more are taken"));
    for Attachment { at, bytes } in list {
        // A longer text exceeds `message_out`, whatever its limit.
        out.put_u32(u32::try_from(*at).unwrap_or(u32::MAX));
        out.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    }
    list.iter().for_each(|attachment| out.put_slice(&attachment.bytes));
    out.put_slice(text);
}

/// Returns a text with what was left out of it.
pub(crate) fn fill(text: &[u8], attachments: &Attachments) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + attachments.absent());
    let mut done = 0;
    for Attachment { at, bytes } in attachments.list() {
        out.extend_from_slice(&text[done..*at]);
        write_base64(bytes, &mut out);
        done = *at;
    }
    out.extend_from_slice(&text[done..]);
    out
}

fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let _never_fails = base64_text::encode(bytes, |piece| {
        out.extend_from_slice(piece.as_bytes());
        Ok::<(), std::convert::Infallible>(())
    });
}

/// Returns the text that a message stands for; `None` if the message is a text.
pub(crate) fn whole(message: &Bytes) -> Option<Bytes> {
    let (text, attachments) = take_apart(message)?;
    Some(fill(&text, &attachments).into())
}

/// Takes a message apart: its text, and the bytes beside it.
fn take_apart(message: &Bytes) -> Option<(Bytes, Attachments)> {
    let mut rest = message.clone();
    if rest.try_get_u8().ok()? != FIRST {
        return None;
    }
    let count = usize::from(rest.try_get_u8().ok()?);
    let entries = rest.split_to(Some(count * ENTRY).filter(|size| *size <= rest.len())?);
    let entries = || entries.chunks_exact(ENTRY).map(Entry::read);
    let of_bytes = entries().try_fold(0_usize, |sum, entry| sum.checked_add(entry.length))?;
    let mut bytes = rest.split_to(Some(of_bytes).filter(|size| *size <= rest.len())?);
    let text = rest;
    let mut attachments = Attachments::default();
    for Entry { at, length } in entries() {
        let is_behind = attachments.list().last().is_none_or(|last| last.at < at);
        let is_between_quotes = at > 0 && text.get(at - 1..=at)? == br#""""#;
        (is_behind && is_between_quotes).then_some(())?;
        attachments.add(at, kept(message, bytes.split_to(length)));
    }
    (!attachments.is_empty()).then_some((text, attachments))
}

/// What the head says of one attachment.
struct Entry {
    at: usize,
    length: usize,
}

impl Entry {
    fn read(mut bytes: &[u8]) -> Self {
        Self { at: bytes.get_u32() as usize, length: bytes.get_u32() as usize }
    }
}

/// Returns bytes of a message so that they keep little else alive: whoever is given them may hold them for long.
fn kept(message: &Bytes, bytes: Bytes) -> Bytes {
    let is_most = bytes.len() >= LEAST && bytes.len() >= message.len() / 2;
    if is_most { bytes } else { Bytes::copy_from_slice(&bytes) }
}

/// A JSON text, or a part of one, with bytes beside it.
#[derive(Debug, Clone)]
pub(crate) struct Attached {
    /// At the place of bytes there is a [mark](attachment::MARK).
    text: Box<str>,
    /// A place is where the mark begins.
    attachments: Arc<[Attachment]>,
    /// The text with base64 texts, if someone has asked for it.
    whole: OnceLock<Box<str>>,
}

/// A part of a text with bytes beside it.
pub(crate) enum Part<'a> {
    Text(&'a str),
    /// Their base64 text belongs here. The quotes around it are in the text before and behind.
    Bytes(&'a Bytes),
}

impl PartialEq for Attached {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.attachments == other.attachments
    }
}

impl Attached {
    /// Reads a message. Returns `None` if the message has nothing beside its text, or if its head is wrong.
    pub(crate) fn read(message: &Bytes) -> Option<Self> {
        let (text, attachments) = take_apart(message)?;
        let (text, mut list) = (str::from_utf8(&text).ok()?, attachments.into_list());
        let mut marked = String::with_capacity(text.len() + list.len() * INNER.len());
        let mut done = 0;
        for attachment in &mut list {
            marked.push_str(text.get(done..attachment.at)?);
            done = attachment.at;
            attachment.at = marked.len() - 1;
            marked.push_str(INNER);
        }
        marked.push_str(&text[done..]);
        Some(Self { text: marked.into(), attachments: list.into(), whole: OnceLock::new() })
    }

    /// Returns the text, with marks at the places of bytes.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether all bytes belong into this part of the text.
    pub(crate) fn are_within(&self, part: &str) -> bool {
        let start = self.offset(part);
        let within = start..start.saturating_add(part.len());
        self.attachments.iter().all(|attachment| within.contains(&attachment.at))
    }

    /// Returns the part of the text that is a value into which all bytes belong.
    pub(crate) fn part(&self, value: &str) -> Self {
        let start = self.offset(value);
        let moved = |it: &Attachment| Attachment { at: it.at - start, bytes: it.bytes.clone() };
        let attachments = self.attachments.iter().map(moved).collect();
        Self { text: value.into(), attachments, whole: OnceLock::new() }
    }

    fn offset(&self, part: &str) -> usize {
        (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize)
    }

    /// Returns the length of the text with base64 texts.
    pub(crate) fn length(&self) -> usize {
        let base64 = self.attachments.iter().map(|it| base64_text::length(it.bytes.len()));
        self.text.len() - self.attachments.len() * INNER.len() + base64.sum::<usize>()
    }

    /// Returns the text with base64 texts.
    pub(crate) fn whole(&self) -> &str {
        self.whole.get_or_init(|| {
            let mut out = Vec::with_capacity(self.length());
            self.for_each_part(|part| match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Bytes(bytes) => write_base64(bytes, &mut out),
            });
            String::from_utf8(out).expect("base64 in a text").into()
        })
    }

    /// Calls `take` with the pieces of the text, and between them with the bytes that belong there.
    pub(crate) fn for_each_part(&self, mut take: impl FnMut(Part<'_>)) {
        let mut done = 0;
        for Attachment { at, bytes } in self.attachments.iter() {
            take(Part::Text(&self.text[done..=*at]));
            take(Part::Bytes(bytes));
            done = at + 1 + INNER.len();
        }
        take(Part::Text(&self.text[done..]));
    }

    /// Reads a value from the text by `read`. Returns `None` if the value is to be read from the whole text.
    pub(crate) fn try_read<'a, T, E>(
        &'a self,
        read: impl FnOnce(&'a str) -> Result<T, E>,
    ) -> Option<T> {
        attachment::read(&self.text, &self.attachments, || read(&self.text))
    }

    /// Decodes a value.
    ///
    /// # Errors
    /// The value does not fit into a `T`.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        match self.try_read(serde_json::from_str) {
            Some(value) => Ok(value),
            None => value::decode(self.whole()),
        }
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests;
