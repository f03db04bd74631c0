//! The reason why a set of names cannot be offered.

use std::fmt;

/// Names that cannot be offered, with the reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterError(pub(crate) String);

impl RouterError {
    pub(crate) fn new(why: String) -> Self {
        Self(why)
    }
}

impl fmt::Display for RouterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RouterError {}
