//! The batch of a served call.

use std::any::Any;
use std::fmt;

use crate::util::sync::Arc;
use crate::util::type_map::TypeMap;

/// The batch of a served call. All members of the batch share it.
///
/// For layers that judge a batch as a whole: a layer can store the result for the first member, and read it for the
/// other members. The value lives as long as any member.
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

    /// Returns the number of members, with members that are no calls or are refused.
    pub fn count(&self) -> usize {
        self.0.count
    }

    /// Returns the value of type `T` that the layers of all members share. The first caller creates the value.
    pub fn value_or_default<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        self.0.values.get_or_default()
    }
}

/// Two values are equal if they are the same batch.
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
