//! One direction of a link.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::sleep;

use super::plan::Plan;
use crate::books::{Books, Event};
use crate::random::Random;

/// Why a direction ends.
pub(super) enum Stopped {
    /// One of the ends is gone.
    ByAnEnd,
    /// As many bytes have passed as the plan lets pass.
    ByPlan,
}

/// Carries the bytes of one direction, all of them and in order. `held` is what was read and not written. It is outside,
/// so that nothing in the middle of the bytes is missing if the future is dropped and the rest is written later.
pub(super) async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    held: &mut Vec<u8>,
    plan: &Plan,
    books: &Books,
    mut random: Random,
) -> Stopped {
    let mut budget = plan.cut.map_or(u64::MAX, |cut| cut.bytes);
    loop {
        if !matches!(from.read_buf(held).await, Ok(1..)) {
            return Stopped::ByAnEnd;
        }
        if !books.is_calm() {
            disturb(&mut from, held, plan, books, &mut random).await;
        }
        while !held.is_empty() {
            let piece = (held.len() as u64).min(plan.piece.unwrap_or(u64::MAX)).min(budget);
            if piece == 0 {
                return Stopped::ByPlan;
            }
            let Ok(written) = to.write(&held[..piece as usize]).await else {
                return Stopped::ByAnEnd;
            };
            held.drain(..written);
            budget -= written as u64;
            if plan.piece.is_some() {
                // Otherwise the other end reads the pieces as one.
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Lets a chunk wait, and gathers more of it.
async fn disturb(
    from: &mut ReadHalf<'_>,
    chunk: &mut Vec<u8>,
    plan: &Plan,
    books: &Books,
    random: &mut Random,
) {
    sleep(plan.delay).await;
    if plan.stall.is_some_and(|times| random.once_in(times)) {
        books.count(Event::Stall, 1);
        sleep(random.millis(800) + Duration::from_millis(100)).await;
    }
    if plan.gather > Duration::ZERO {
        sleep(plan.gather).await;
        // More of it may be there; what is not will come.
        let _ = from.try_read_buf(chunk);
    }
}
