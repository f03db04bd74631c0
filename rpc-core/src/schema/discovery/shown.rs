//! An answer that hides unstable methods from peers that do not ask for them.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::error::object::ErrorObject;

/// An answer.
pub(super) struct Shown {
    /// `None` if the value cannot be written as JSON.
    whole: Option<Box<RawValue>>,
    /// The answer without unstable methods. `None` if there are none.
    stable: Option<Box<RawValue>>,
}

impl Shown {
    /// Answers `value`, or its `stable` part if there is one.
    pub(super) fn new(value: &impl Serialize, stable: Option<&impl Serialize>) -> Self {
        let stable = stable.and_then(|stable| to_raw_value(stable).ok());
        Self { whole: to_raw_value(value).ok(), stable }
    }

    /// Returns the answer for a peer that `asks` for unstable methods, or does not.
    ///
    /// # Errors
    /// The value cannot be written as JSON.
    pub(super) fn answer(&self, asks: bool) -> Result<Box<RawValue>, ErrorObject> {
        let stable = self.stable.as_ref().filter(|_| !asks);
        stable.or(self.whole.as_ref()).cloned().ok_or_else(ErrorObject::internal)
    }
}
