//! The progress token among params by name.

use crate::wire::extensions::is_token;

/// Storage for a progress token among params.
pub(crate) struct Token {
    /// The name of the parameter.
    name: &'static str,
    given: Option<Box<str>>,
}

/// LSP's name for the token.
pub(super) const WORK_DONE: &str = "workDoneToken";

/// The most bytes of a token among params, as JSON text.
const LONGEST_TOKEN: usize = 128;

impl Token {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, given: None }
    }

    /// Creates a token of the same name that was not given yet.
    pub(super) fn anew(&self) -> Self {
        Self::new(self.name)
    }

    /// Returns whether the member `key` of the params is this token.
    pub(super) fn is_called(&self, key: &str) -> bool {
        key == self.name || key == WORK_DONE
    }

    /// Returns the JSON text of the token, if it was given.
    pub(super) fn into_given(self) -> Option<Box<str>> {
        self.given
    }

    pub(super) fn read(&mut self, json: &str) -> Result<(), &'static str> {
        if self.given.is_some() {
            return Err("a token for progress is given twice");
        }
        match json {
            "null" => Ok(()),
            token if is_token(token, LONGEST_TOKEN) => {
                self.given = Some(token.into());
                Ok(())
            }
            _ => Err("a token for progress must be a string or a number, and not too long"),
        }
    }
}
