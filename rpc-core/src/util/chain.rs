//! Shows an error with all its sources on one line of a log.

use std::{error, fmt};

/// An error and its sources, separated by `: `.
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
