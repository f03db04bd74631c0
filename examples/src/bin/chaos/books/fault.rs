//! What is wrong when the books do not agree.

use std::fmt;

/// What is wrong.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    text: String,
}

/// Which promise was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// Something was done, or came, more than once.
    Double,
    /// Something is missing, and nobody was told.
    SilentGap,
    /// A caller was told what is not true.
    Untrue,
    /// Something waits that should have ended, or has ended that should go on.
    Stuck,
}

impl Fault {
    pub(crate) fn new(kind: FaultKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
