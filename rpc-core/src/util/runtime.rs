//! The clock, the timers and the tasks of the runtime, which is tokio. All other files of this crate take them
//! from here, so that another runtime needs another version of this file alone.
//!
//! `tokio::sync` and `tokio::io` are used elsewhere as well: they run on any runtime.

pub(crate) use tokio::runtime::Handle;
pub(crate) use tokio::task::{
    AbortHandle, JoinError, JoinHandle, spawn, spawn_blocking, yield_now,
};
pub(crate) use tokio::time::{Instant, Sleep, sleep_until, timeout, timeout_at};

use tokio::runtime::RuntimeFlavor;

/// Has another worker of the runtime look after sockets, timers and other tasks while this poll lasts, however
/// long that is.
///
/// A worker that was woken by a socket keeps the next task in a slot of its own, from which nobody
/// can steal, and wakes no other worker for a single task. So one handler at work for a second kept
/// the whole server from reading for a second, with the other processors idle. The second of two
/// tasks in a row drives the first out of that slot, and then another worker is woken: 1 µs a poll.
pub(crate) fn wake_another_worker() {
    if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        spawn(async {});
        spawn(async {});
    }
}
