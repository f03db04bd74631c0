//! Rules for the values of params, for authors of methods.
//!
//! A parameter with `#[param(validate)]` is checked by its [`Validate`] implementation before its method runs. If the
//! check fails, the call is answered -32602, with each [`Violation`] and its path.

pub use crate::error::violations::{Invalid, Violation};
pub use crate::service::validate::{Checks, Validate};
