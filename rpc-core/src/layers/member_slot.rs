//! Where a member of a batch that goes through layers leaves its message for the batch.

use crate::peer::pending_call::Claim;
use crate::util::sync::{Arc, Mutex};
use crate::wire::request::Outgoing;

/// The slot of a call.
pub(crate) type CallSlot = MemberSlot<(Outgoing, Claim)>;

/// A slot for one message. The batch polls the layers of a member once, and then takes the message out.
pub(crate) struct MemberSlot<T>(Mutex<SlotState<T>>);

enum SlotState<T> {
    Open,
    Filled(T),
    /// The batch has taken the message.
    Taken,
    /// The batch leaves without the member.
    Closed,
}

/// Why a slot did not take a message.
pub(crate) enum SlotError<T> {
    /// The batch has, or will have, an earlier message of the same member.
    Taken(T),
    /// The batch leaves without the member.
    Closed,
}

impl<T> MemberSlot<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(SlotState::Open)))
    }

    pub(crate) fn fill(&self, message: T) -> Result<(), SlotError<T>> {
        let mut state = self.0.lock().unwrap();
        match *state {
            SlotState::Open => *state = SlotState::Filled(message),
            SlotState::Filled(_) | SlotState::Taken => return Err(SlotError::Taken(message)),
            SlotState::Closed => return Err(SlotError::Closed),
        }
        Ok(())
    }

    /// Takes the message out. The slot takes no other message afterwards.
    pub(crate) fn close(&self) -> Option<T> {
        let mut state = self.0.lock().unwrap();
        match std::mem::replace(&mut *state, SlotState::Closed) {
            SlotState::Filled(message) => {
                *state = SlotState::Taken;
                Some(message)
            }
            _ => None,
        }
    }
}
