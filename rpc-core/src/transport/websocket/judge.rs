//! The rules for frames: those of RFC 6455, section 5, and the limits.
//!
//! Every header is judged before memory is spent on its payload.

use super::Role;
use super::assembly::Assembly;
use super::header::{CONTROL_MAX, Header, Opcode};
use crate::error::close::CloseCode;
use crate::limits::Limits;

/// Why a frame is refused: the close that tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: CloseCode,
    pub(super) reason: &'static str,
}

pub(super) const fn protocol(reason: &'static str) -> Refusal {
    Refusal { code: CloseCode::PROTOCOL, reason }
}

/// Text that is not UTF-8.
pub(super) const NOT_UTF_8: Refusal =
    Refusal { code: CloseCode::INVALID_TEXT, reason: "text that is not UTF-8" };

fn refuse_if(refuse: bool, refusal: Refusal) -> Result<(), Refusal> {
    if refuse { Err(refusal) } else { Ok(()) }
}

/// Judges headers.
pub(super) struct Judge {
    /// Whether frames must have a mask: they come from a client.
    pub(super) masked: bool,
    /// The most bytes of a message.
    pub(super) message_in: u64,
    /// The most fragments of a message.
    pub(super) fragments_max: usize,
}

impl Judge {
    /// Creates the judge of the frames that come to an end of this role.
    pub(super) fn new(role: Role, limits: &Limits) -> Self {
        let mut judge = Self { masked: role == Role::Server, message_in: 0, fragments_max: 0 };
        judge.set_limits(limits);
        judge
    }

    pub(super) fn set_limits(&mut self, limits: &Limits) {
        self.message_in = limits.message_in as u64;
        self.fragments_max = limits.fragments;
    }

    /// Judges a header of a frame that begins a message, or adds to what is `begun`.
    ///
    /// # Errors
    /// The frame breaks a rule of RFC 6455, or a limit.
    pub(super) fn judge(&self, header: &Header, begun: Option<&Assembly>) -> Result<(), Refusal> {
        refuse_if(header.has_reserved_bits, protocol("reserved bits are set"))?;
        let is_unknown = matches!(header.opcode, Opcode::Unknown { .. });
        refuse_if(is_unknown, protocol("an opcode without meaning"))?;
        match header.mask {
            None => refuse_if(self.masked, protocol("a client's frame without mask"))?,
            Some(_) => refuse_if(!self.masked, protocol("a server's frame with mask"))?,
        }
        if header.opcode.is_control() {
            refuse_if(!header.is_last, protocol("a control frame in fragments"))?;
            let is_long = header.length > CONTROL_MAX as u64;
            return refuse_if(is_long, protocol("a control frame of more than 125 bytes"));
        }
        let is_continuation = header.opcode == Opcode::Continuation;
        let (fragments, size) = match begun {
            Some(assembly) => {
                let why = protocol("a new message before the last was whole");
                refuse_if(!is_continuation, why)?;
                (assembly.fragments, assembly.size)
            }
            None => {
                refuse_if(is_continuation, protocol("a continuation of no message"))?;
                (0, 0)
            }
        };
        let is_big = size.saturating_add(header.length) > self.message_in;
        let reason = "a message above the limit `message_in`";
        refuse_if(is_big, Refusal { code: CloseCode::TOO_BIG, reason })?;
        let reason = "too many fragments";
        refuse_if(fragments >= self.fragments_max, Refusal { code: CloseCode::POLICY, reason })
    }
}
