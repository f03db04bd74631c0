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
    /// As many bytes have passed as the plan lets pass. The rest of a chunk is left.
    ByPlan(Vec<u8>),
}

/// Carries the bytes of one direction, all of them and in order.
pub(super) async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    plan: &Plan,
    books: &Books,
    mut random: Random,
) -> Stopped {
    let mut budget = plan.cut.map_or(u64::MAX, |cut| cut.bytes);
    let mut chunk = Vec::with_capacity(16 * 1024);
    loop {
        chunk.clear();
        if !matches!(from.read_buf(&mut chunk).await, Ok(1..)) {
            return Stopped::ByAnEnd;
        }
        if !books.is_calm() {
            disturb(&mut from, &mut chunk, plan, books, &mut random).await;
        }
        let passes = chunk.len().min(usize::try_from(budget).unwrap_or(usize::MAX));
        let piece = plan.piece.map_or(chunk.len(), |piece| piece as usize);
        for piece in chunk[..passes].chunks(piece.max(1)) {
            if to.write_all(piece).await.is_err() {
                return Stopped::ByAnEnd;
            }
            if plan.piece.is_some() {
                // Otherwise the other end reads the pieces as one.
                tokio::task::yield_now().await;
            }
        }
        budget -= passes as u64;
        if passes < chunk.len() {
            return Stopped::ByPlan(chunk.split_off(passes));
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
