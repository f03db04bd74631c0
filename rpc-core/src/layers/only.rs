//! The methods that a layer concerns.

use std::collections::HashSet;

use super::ServeRequest;
use crate::util::sync::Arc;

/// All methods, or the named methods only.
#[derive(Clone, Default)]
pub(super) struct Only(Option<Arc<HashSet<String>>>);

impl Only {
    pub(super) fn new<I>(methods: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self(Some(Arc::new(methods.into_iter().map(Into::into).collect())))
    }

    pub(super) fn concerns(&self, call: ServeRequest<'_>) -> bool {
        self.0.as_ref().is_none_or(|only| only.contains(call.name()))
    }
}
