//! A server that is a child process.

use std::fmt;
use std::sync::Arc;

use tokio::process::Command;

/// Makes the command of a server: one for each link.
#[derive(Clone)]
pub(crate) struct Program(Arc<dyn Fn() -> Command + Send + Sync>);

impl Program {
    pub(crate) fn new(make: impl Fn() -> Command + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub(crate) fn command(&self) -> Command {
        (self.0)()
    }
}

/// Shows nothing of the command, whose arguments and variables may be secret.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Program")
    }
}
