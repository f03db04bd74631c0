//! The choice of a time within the window of a `$/goaway`.

use std::time::Duration;

use crate::util::random::{chance, new_id};
use crate::wire::goaway::GoAway;

impl GoAway {
    /// Returns a random time within the [`window`](Self::window), in whole milliseconds: how long to wait after the
    /// close before reconnecting. Each time is equally likely, so that the clients of one server come back evenly
    /// spread.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rpc_core::types::GoAway;
    ///
    /// let (min, max) = (Duration::from_secs(1), Duration::from_secs(9));
    /// let wait = GoAway::new("update").reconnect_after(min, max).pick();
    /// assert!(min <= wait && wait <= max);
    /// ```
    pub fn pick(&self) -> Duration {
        self.pick_by(chance(&new_id()))
    }
}

#[test]
fn two_clients_seldom_pick_the_same_time() {
    let day = GoAway::new("").reconnect_after(Duration::ZERO, Duration::MAX);
    let picked: std::collections::HashSet<_> = (0..100).map(|_| day.pick()).collect();
    // 100 of 86,400,001 times: two are equal once in 17,000 runs, and three pairs as good as never.
    assert!(picked.len() > 97, "{picked:?}");
}
