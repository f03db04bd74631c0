//! Rules that the values of params must keep: for authors of methods.
//!
//! A parameter with `#[param(validate)]` is checked before its method runs, by its [`Validate`]. Its caller is answered
//! -32602, with each [`Violation`] and the field that it is about.

pub use crate::error::violations::{Invalid, Violation};
pub use crate::service::validate::{Checks, Validate};
