//! A client that connects again by itself: what the program asks for, when the next attempt begins, and what the
//! program sees of it. Nothing here knows a socket or a task.

mod backoff;
mod policy;
mod setback;
mod state;

pub use self::policy::Reconnect;
pub use self::setback::Setback;
pub use self::state::State;
