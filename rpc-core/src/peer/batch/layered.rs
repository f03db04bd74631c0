//! Calls of a batch that go through layers.

use super::part::Line;
use crate::layers::{CallRequest, MemberSlot, SendMode};
use crate::peer::pending_call::{CallFuture, Claim, Sent};
use crate::peer::slot::Shared;
use crate::util::sync::Arc;
use crate::wire::request::Outgoing;

/// A call that goes through layers: the claim of the caller's future, and the future of the layers, which the caller
/// waits for.
pub(super) type Layered = (Claim, CallFuture);

/// Polls the layers of a call once. Returns the message that the layers have let go on; `None` if the batch leaves
/// without the call.
pub(super) fn enter_layers(
    shared: &Arc<Shared>,
    message: Outgoing,
    outer: Claim,
) -> Option<(Line, Layered)> {
    let slot = MemberSlot::new();
    let mode = SendMode::InBatch(slot.clone());
    let mut future = CallRequest::new(shared, message, outer.options(), mode).begin();
    future.poll_early();
    match slot.close() {
        // A layer may have dropped the call already.
        Some((message, inner)) if inner.is_awaited() => {
            Some((Line::Call(message, inner), (outer, future)))
        }
        _ => {
            outer.settle(Sent::Layered(future));
            None
        }
    }
}
