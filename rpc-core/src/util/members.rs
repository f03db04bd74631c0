//! The batch that a served call came in.

use std::any::Any;
use std::fmt;

use crate::util::sync::Arc;
use crate::util::type_map::TypeMap;

/// The batch that a served call is a member of; its members share it.
///
/// For layers that judge a batch as a whole: what is found out at the first member that comes is kept
/// for the others. It lives as long as one of them.
#[derive(Clone)]
pub struct Members(Arc<Inner>);

struct Inner {
    count: usize,
    values: TypeMap,
}

impl Members {
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(Inner { count, values: TypeMap::default() }))
    }

    /// How many members the batch has, those that are no calls or are refused as well.
    pub fn count(&self) -> usize {
        self.0.count
    }

    /// The value of this type that the layers of its members share, made for the first one that asks.
    pub fn value_or_default<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        self.0.values.get_or_default()
    }
}

/// The same batch.
impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Members {}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members").field("count", &self.0.count).finish_non_exhaustive()
    }
}
