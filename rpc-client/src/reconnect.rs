//! A client that connects again by itself: what the program asks for, when the next attempt begins, the task that makes
//! the attempts, and what the program sees of them.

mod backoff;
mod commands;
mod dialer;
mod hooks;
mod policy;
mod setback;
mod state;
mod states;
mod supervisor;
mod turns;

pub use self::hooks::IntoOpened;
pub use self::policy::Reconnect;
pub use self::setback::Setback;
pub use self::state::State;
pub use self::states::States;

pub(crate) use self::commands::{Command, Commands};
pub(crate) use self::dialer::Dialer;
pub(crate) use self::hooks::{OnSession, OnState};
pub(crate) use self::states::{Reporter, Via, present};
pub(crate) use self::supervisor::{Parts, Supervisor};
pub(crate) use self::turns::Turns;
