//! Futures that are given up at any point, or go on in another task.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use super::seeds::Random;

/// Awaits `future`, or gives it up at some point; `None` then.
pub async fn cut<F>(random: &mut Random, future: F) -> Option<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    match random.below(8) {
        0 => tokio::time::timeout(random.millis(8), future).await.ok(),
        1 => polled(random.below(4), pin!(future)).await,
        2 => {
            // Begun here, and awaited elsewhere: by another waker.
            let mut future = Box::pin(future);
            match polled(random.below(3), future.as_mut()).await {
                Some(output) => Some(output),
                None => tokio::spawn(future).await.ok(),
            }
        }
        _ => Some(future.await),
    }
}

/// Polls `future` so many times only, whenever it is woken.
async fn polled<F: Future>(times: u64, mut future: Pin<&mut F>) -> Option<F::Output> {
    for _ in 0..times {
        let once =
            std::future::poll_fn(|cx: &mut Context<'_>| Poll::Ready(future.as_mut().poll(cx)));
        if let Poll::Ready(output) = once.await {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}
