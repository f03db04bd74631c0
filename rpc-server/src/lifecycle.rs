//! From the start of a server to the end of its last task.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Tells the tasks of a server that it stops, and knows when the last of them is done.
///
/// One channel serves both: it carries the news, and its receivers are the tasks.
pub(crate) struct Lifecycle {
    /// When running handlers must be done, once the server stops.
    stop: watch::Sender<Option<Instant>>,
}

/// A task's part in it: the server's end waits for its drop.
pub(crate) struct Member {
    stop: watch::Receiver<Option<Instant>>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self { stop: watch::Sender::new(None) }
    }
}

impl Lifecycle {
    /// Counts one more task.
    pub(crate) fn join(&self) -> Member {
        Member { stop: self.stop.subscribe() }
    }

    /// Tells all tasks that the server stops, and until when handlers may run.
    pub(crate) fn stop(&self, until: Instant) {
        self.stop.send_replace(Some(until));
    }

    /// Whether the server stops, or has stopped.
    pub(crate) fn stops(&self) -> bool {
        self.stop.borrow().is_some()
    }

    /// How long handlers may still run; as long as they like if the server does not stop.
    pub(crate) fn left(&self) -> Duration {
        let until = *self.stop.borrow();
        until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Waits until there are no tasks.
    pub(crate) async fn ended(&self) {
        self.stop.closed().await;
    }
}

impl Member {
    /// Waits until the server stops.
    pub(crate) async fn stopped(&mut self) {
        // An error would be a server that was dropped, and each task holds that.
        let _ = self.stop.wait_for(Option::is_some).await;
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
        lifecycle.join().stopped().await; // late ones hear of it, too
        assert_eq!((lifecycle.stops(), lifecycle.left()), (true, Duration::ZERO));
        drop(other);
        let (ended, ()) = tokio::join!(lifecycle.ended(), async { drop(member) });
        assert_eq!(ended, ());
    }
}
