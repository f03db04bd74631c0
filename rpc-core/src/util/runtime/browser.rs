//! The runtime of a page or a worker in a browser: one thread, its event loop, its timers.

mod next_turn;
mod task;
mod time;

pub(crate) use next_turn::{again, yield_now};
pub use task::spawn;
pub(crate) use task::{AbortHandle, Handle, JoinError, JoinHandle, spawn_blocking};
pub(crate) use time::timeout_at;
pub use time::{Instant, Sleep, sleep_until, timeout};

/// There is no other worker.
pub(crate) fn wake_another_worker() {}
