//! The token under which reports of progress are wanted, among params that go by name.

use crate::wire::extensions::is_token;

/// Where a token among params is kept.
pub(crate) struct Token {
    /// What the parameter is called.
    name: &'static str,
    given: Option<Box<str>>,
}

/// What LSP calls the token.
pub(super) const WORK_DONE: &str = "workDoneToken";

/// Bytes of a token among params, as JSON text.
const LONGEST_TOKEN: usize = 128;

impl Token {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, given: None }
    }

    /// One of the same name, which was not given yet.
    pub(super) fn anew(&self) -> Self {
        Self::new(self.name)
    }

    /// Whether a member of params is this token.
    pub(super) fn is_called(&self, key: &str) -> bool {
        key == self.name || key == WORK_DONE
    }

    /// The JSON text of what was given.
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
