//! Calls of a batch that pass through layers.

use super::part::Line;
use crate::layers::{CallRequest, MemberSlot, SendMode};
use crate::peer::pending_call::{CallFuture, Claim, Sent};
use crate::peer::slot::Shared;
use crate::util::sync::Arc;
use crate::wire::request::Outgoing;

/// A call that passes through layers: the claim on the caller's call, and the future of the layers. The caller waits
/// for that future.
pub(super) type Layered = (Claim, CallFuture);

/// Polls the layers of a call once. Returns the message that the layers passed on, or `None` if the batch is sent
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
