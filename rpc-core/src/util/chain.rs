//! An error with all that lies below it, on one line of a log.

use std::{error, fmt};

/// An error and its sources, with `: ` between them.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
