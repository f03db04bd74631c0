//! The runtime of tokio.

use std::pin::pin;
use std::task::Context;

pub(crate) use ::tokio::runtime::Handle;
pub use ::tokio::task::spawn;
pub(crate) use ::tokio::task::{AbortHandle, JoinError, JoinHandle, spawn_blocking, yield_now};
pub(crate) use ::tokio::time::timeout_at;
pub use ::tokio::time::{Instant, Sleep, sleep_until, timeout};

use ::tokio::runtime::RuntimeFlavor;

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

/// Makes the runtime poll the task again after other tasks had their turn. Waking the task would be enough for tasks
/// that are ready. But as long as any task is ready, the runtime checks for new I/O events only after 61 polls. A task
/// that yields is polled again only after such a check.
pub(crate) fn again(cx: &mut Context<'_>) {
    let _ = pin!(yield_now()).poll(cx);
}
