//! The clock, the timers and the tasks of the runtime, which is tokio. All other files of this crate import them
//! from here, so that another runtime needs only another version of this file.
//!
//! `tokio::sync` and `tokio::io` are used elsewhere as well: they run on any runtime.

pub(crate) use tokio::runtime::Handle;
pub(crate) use tokio::task::{
    AbortHandle, JoinError, JoinHandle, spawn, spawn_blocking, yield_now,
};
pub(crate) use tokio::time::{Instant, Sleep, sleep_until, timeout, timeout_at};

use tokio::runtime::RuntimeFlavor;

/// Makes another worker of the runtime handle sockets, timers and other tasks while this poll lasts.
///
/// A worker that a socket has woken keeps the next task in a slot of its own. No other worker can steal the task from
/// this slot, and a single task wakes no other worker. So a handler that computed for a second kept the whole server
/// from reading for a second, while the other processors were idle. Of two spawned tasks the second one pushes the
/// first one out of the slot, and then another worker is woken. This costs 1 µs for each poll.
pub(crate) fn wake_another_worker() {
    if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        spawn(async {});
        spawn(async {});
    }
}
