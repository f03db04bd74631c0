//! A time limit that each phase of an exchange can reset.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The time when the current phase must be done. `None` is no limit. Clones share the time.
#[derive(Clone)]
pub(crate) struct Deadline(Arc<Mutex<Until>>);

struct Until {
    until: Option<Instant>,
    /// The task that waits for the time.
    waker: Option<Waker>,
}

impl Deadline {
    /// Makes a deadline: the current phase must be done within `time`.
    pub(crate) fn within(time: Duration) -> Self {
        Self(Arc::new(Mutex::new(Until { until: Some(Instant::now() + time), waker: None })))
    }

    /// Resets the deadline: the current phase must be done within `time`. `None` removes the deadline.
    pub(crate) fn set(&self, time: Option<Duration>) {
        let mut deadline = self.0.lock().unwrap();
        deadline.until = time.map(|time| Instant::now() + time);
        let waker = deadline.waker.take();
        drop(deadline);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Returns the output of `future`, or `None` if the deadline passes first. Anyone may call [`set`](Self::set)
    /// meanwhile.
    pub(crate) async fn limit<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let (mut future, mut sleep) = (pin!(future), pin!(sleep_until(Instant::now())));
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            let mut until = self.0.lock().unwrap();
            until.waker = Some(cx.waker().clone());
            let Some(deadline) = until.until else { return Poll::Pending };
            drop(until);
            if sleep.deadline() != deadline {
                sleep.as_mut().reset(deadline);
            }
            sleep.as_mut().poll(cx).map(|()| None)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_time() {
        let deadline = Deadline::within(SECOND);
        let phases = async {
            sleep(SECOND / 2).await;
            deadline.set(None);
            sleep(100 * SECOND).await;
            deadline.set(Some(SECOND));
            sleep(SECOND / 2).await;
        };
        assert_eq!(deadline.limit(phases).await, Some(()));
        deadline.set(Some(SECOND));
        assert_eq!(deadline.limit(sleep(2 * SECOND)).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn another_task_may_set_it() {
        let deadline = Deadline::within(100 * SECOND);
        deadline.set(None);
        let start = Instant::now();
        let setting = async {
            sleep(SECOND).await;
            deadline.set(Some(SECOND));
            // The other future is polled only if it was woken.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            limited = deadline.limit(std::future::pending::<()>()) => assert_eq!(limited, None),
            () = setting => {}
        }
        assert_eq!(start.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_may_be_shortened() {
        let deadline = Deadline::within(100 * SECOND);
        let start = Instant::now();
        let phases = async {
            deadline.set(Some(SECOND));
            std::future::pending::<()>().await;
        };
        assert_eq!(deadline.limit(phases).await, None);
        assert!(start.elapsed() < 2 * SECOND);
    }
}
