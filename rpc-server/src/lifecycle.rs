//! The lifecycle of a server, from its start to the end of its last task.

use std::future::pending;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Tells the tasks of a server when the server stops, and waits for the last task.
///
/// One channel serves both purposes: its value is the stop, and each task holds a receiver.
pub(crate) struct Lifecycle {
    /// The time when running handlers must be done. `None` until the server stops.
    stop: watch::Sender<Option<Instant>>,
}

/// The membership of a task. The end of the server waits until all members are dropped.
pub(crate) struct Member {
    stop: watch::Receiver<Option<Instant>>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self { stop: watch::Sender::new(None) }
    }
}

impl Lifecycle {
    /// Registers one more task.
    pub(crate) fn join(&self) -> Member {
        Member { stop: self.stop.subscribe() }
    }

    /// Tells all tasks that the server stops. Handlers may run until `until`.
    pub(crate) fn stop(&self, until: Instant) {
        self.stop.send_replace(Some(until));
    }

    /// Returns whether the server stops or has stopped.
    pub(crate) fn stops(&self) -> bool {
        self.stop.borrow().is_some()
    }

    /// Returns how long handlers may still run: [`Duration::MAX`] if the server does not stop.
    pub(crate) fn left(&self) -> Duration {
        let until = *self.stop.borrow();
        until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Waits until all tasks have ended.
    pub(crate) async fn ended(&self) {
        self.stop.closed().await;
    }
}

impl Member {
    /// Waits until the server stops.
    pub(crate) async fn stopped(&mut self) {
        // The only error is that the server was dropped, and each task keeps the server alive.
        let _ = self.stop.wait_for(Option::is_some).await;
    }

    /// Waits until the server stops, then until the time of the handlers is over, and then for `more`.
    pub(crate) async fn overdue(&mut self, more: Duration) {
        loop {
            let until = *self.stop.borrow_and_update();
            let over = async {
                match until {
                    Some(until) => sleep_until(until + more).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = over => return,
                // A second call to `shutdown` may change the time.
                _ = self.stop.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_waits_for_the_last_member() {
        let lifecycle = Lifecycle::default();
        let mut member = lifecycle.join();
        let other = lifecycle.join();
        assert_eq!((lifecycle.stops(), lifecycle.left()), (false, Duration::MAX));
        lifecycle.stop(Instant::now());
        member.stopped().await;
        lifecycle.join().stopped().await; // members that join later learn of the stop, too
        assert_eq!((lifecycle.stops(), lifecycle.left()), (true, Duration::ZERO));
        drop(other);
        let (ended, ()) = tokio::join!(lifecycle.ended(), async { drop(member) });
        assert_eq!(ended, ());
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_grace_counts_for_what_is_overdue() {
        const SECOND: Duration = Duration::from_secs(1);
        let (lifecycle, start) = (Lifecycle::default(), Instant::now());
        let mut member = lifecycle.join();
        let stopping = async {
            sleep_until(start + SECOND).await;
            lifecycle.stop(start + 1000 * SECOND);
            sleep_until(start + 2 * SECOND).await;
            lifecycle.stop(start + 10 * SECOND);
        };
        tokio::join!(member.overdue(5 * SECOND), stopping);
        assert_eq!(start.elapsed().as_secs(), 15);
        member.overdue(Duration::ZERO).await;
        assert_eq!(start.elapsed().as_secs(), 15);
    }
}
