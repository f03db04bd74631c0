//! The JSON Schemas of a method's types.

use crate::error::rpc_error::ErrorInfo;
use crate::util::type_schema::TypeSchema;

/// The schemas of what a method answers, of its items, and of its reports of progress.
#[derive(Debug, Clone, Copy)]
pub struct MethodSchemas {
    /// The result. For a subscription, an item of its stream. `None` if the type has no schema.
    pub(crate) answer: Option<TypeSchema>,
    /// A report of progress.
    pub(crate) progress: Option<TypeSchema>,
    /// The errors with which the returned stream may end.
    pub(crate) item_errors: &'static [ErrorInfo],
}

impl MethodSchemas {
    /// Knows of no type.
    pub(crate) const NONE: Self = Self { answer: None, progress: None, item_errors: &[] };

    /// Creates the schemas of a method that reports no progress and returns no stream.
    pub const fn of_answer(answer: Option<TypeSchema>) -> Self {
        Self { answer, ..Self::NONE }
    }

    /// Sets the schema of the progress reports.
    #[must_use]
    pub const fn with_progress(mut self, progress: Option<TypeSchema>) -> Self {
        self.progress = progress;
        self
    }

    /// Sets the errors with which the returned stream may end.
    #[must_use]
    pub const fn with_item_errors(mut self, errors: &'static [ErrorInfo]) -> Self {
        self.item_errors = errors;
        self
    }
}

/// The schemas of a parameter.
#[derive(Debug, Clone, Copy)]
pub struct ParamSchemas {
    /// The value. For a stream, an item. `None` if the type has no schema.
    pub(crate) value: Option<TypeSchema>,
    /// The errors with which a stream may end.
    pub(crate) item_errors: &'static [ErrorInfo],
}

impl ParamSchemas {
    /// Knows nothing of the type.
    pub(crate) const NONE: Self = Self { value: None, item_errors: &[] };

    /// Creates the schema of a parameter, or of the items of a stream that may end with these errors.
    pub const fn new(value: Option<TypeSchema>, item_errors: &'static [ErrorInfo]) -> Self {
        Self { value, item_errors }
    }
}
