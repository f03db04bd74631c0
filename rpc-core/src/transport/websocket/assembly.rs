//! A message that comes in parts, or is long: its text is checked as its fragments end.

use super::judge::{NOT_UTF_8, Refusal};
use super::mask::Mask;

/// The bytes of a long frame that are read at once. So much memory is taken ahead of the bytes that come.
const AHEAD: usize = 64 * 1024;

/// The bytes that are read beyond the end of a long frame: mostly the header of the next frame and its first bytes, so
/// that they need no system call of their own.
const BEYOND: usize = 4096;

/// A message of which a part has come.
pub(super) struct Assembly {
    pub(super) is_text: bool,
    pub(super) buffer: Vec<u8>,
    /// The part of the buffer that is known to be UTF-8.
    checked: usize,
    /// The frames that have begun.
    pub(super) fragments: usize,
    /// The bytes that these frames declare.
    pub(super) size: u64,
    /// The frame that is read into the buffer.
    pub(super) frame: Option<Frame>,
}

/// A frame of which a part has come.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) is_last: bool,
    /// The bytes that are still to come.
    pub(super) left: u64,
    /// The mask of the next byte.
    pub(super) mask: Option<Mask>,
}

impl Assembly {
    pub(super) fn new(is_text: bool) -> Self {
        Self { is_text, buffer: Vec::new(), checked: 0, fragments: 0, size: 0, frame: None }
    }

    /// Makes room for bytes of a frame of which `left` are still to come. Returns how many may be read.
    pub(super) fn reserve(&mut self, left: u64, is_last: bool) -> usize {
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let room = left.min(AHEAD) + BEYOND;
        if self.buffer.capacity() - self.buffer.len() < room {
            // Twice the memory each time, but no more than the last frame declares. Behind another frame more may come.
            let most = if is_last { left.saturating_add(BEYOND) } else { usize::MAX };
            self.buffer.reserve_exact(self.buffer.len().clamp(room, most));
        }
        room
    }

    /// Checks the text at the end of a fragment that is not the last one.
    ///
    /// # Errors
    /// The text is not UTF-8.
    pub(super) fn check(&mut self) -> Result<(), Refusal> {
        if !self.is_text {
            return Ok(());
        }
        match str::from_utf8(&self.buffer[self.checked..]) {
            Ok(_) => self.checked = self.buffer.len(),
            // A character that is cut is whole with the next fragment.
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(NOT_UTF_8),
        }
        Ok(())
    }
}
