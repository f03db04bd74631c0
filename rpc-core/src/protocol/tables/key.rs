//! The names of served calls and of streams.

use std::fmt;
use std::marker::PhantomData;

/// Names a served call or a stream. No two values of a connection that are of one kind `K` ever have the
/// same key, though the `index` is used again.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key<K = ServedCall> {
    pub(crate) index: usize,
    /// Counts up. Of a served call it is the number under which the call came.
    pub(crate) generation: u64,
    kind: PhantomData<K>,
}

/// The kind of keys that name served calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct ServedCall;

/// The kind of keys that name streams which this end sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Outgoing;

/// The kind of keys that name streams which this end takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Incoming;

/// Names a stream that this end sends.
pub(crate) type OutgoingKey = Key<Outgoing>;

/// Names a stream that this end takes.
pub(crate) type IncomingKey = Key<Incoming>;

impl<K> Key<K> {
    pub(super) const fn new(index: usize, generation: u64) -> Self {
        Self { index, generation, kind: PhantomData }
    }
}

/// A key that names nothing.
impl<K> Default for Key<K> {
    fn default() -> Self {
        Self::new(usize::MAX, 0)
    }
}

impl<K> fmt::Debug for Key<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.index, self.generation)
    }
}
