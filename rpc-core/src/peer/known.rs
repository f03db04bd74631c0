//! Whether the other end knows what lies beyond JSON-RPC 2.0, for those who ask without a lock.

use crate::util::sync::{AtomicUsize, Ordering};
use crate::wire::dialect::Dialect;

/// What the other end may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RemoteSupport {
    /// Plain JSON-RPC 2.0: it has not said that it knows more.
    Stranger,
    /// All that we have.
    Known,
    /// Plain JSON-RPC 2.0 to the end of the connection, and nothing else is read: this end is set to be `plain`.
    Plain,
}

/// The [`RemoteSupport`] of a connection, and the [`Dialect`] that it speaks: as one number, since who asks for one mostly asks
/// for both.
#[derive(Debug)]
pub(crate) struct RemoteProfile(AtomicUsize);

/// An [`RemoteSupport`] takes so many bits; a dialect stands above them.
const BITS: u32 = 2;

impl RemoteProfile {
    pub(crate) fn new(other: RemoteSupport, dialect: Dialect) -> Self {
        Self(AtomicUsize::new(joined(other, dialect)))
    }

    pub(crate) fn set(&self, other: RemoteSupport) {
        // One at a time: before there is a connection, and then by its task.
        self.0.store(joined(other, self.dialect()), Ordering::Relaxed);
    }

    pub(crate) fn set_dialect(&self, dialect: Dialect) {
        self.0.store(joined(self.get(), dialect), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> RemoteSupport {
        self.both().0
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.both().1
    }

    pub(crate) fn both(&self) -> (RemoteSupport, Dialect) {
        // Nothing else is read by it, so the order does not matter.
        let both = self.0.load(Ordering::Relaxed);
        let other = match both & ((1 << BITS) - 1) {
            it if it == RemoteSupport::Known as usize => RemoteSupport::Known,
            it if it == RemoteSupport::Plain as usize => RemoteSupport::Plain,
            _ => RemoteSupport::Stranger,
        };
        let dialect = match both >> BITS {
            it if it == Dialect::Lsp as usize => Dialect::Lsp,
            it if it == Dialect::Mcp as usize => Dialect::Mcp,
            _ => Dialect::JsonRpc,
        };
        (other, dialect)
    }
}

const fn joined(other: RemoteSupport, dialect: Dialect) -> usize {
    other as usize | (dialect as usize) << BITS
}

#[test]
fn the_one_is_kept_when_the_other_changes() {
    for other in [RemoteSupport::Stranger, RemoteSupport::Known, RemoteSupport::Plain] {
        for dialect in [Dialect::JsonRpc, Dialect::Lsp, Dialect::Mcp] {
            let of = RemoteProfile::new(RemoteSupport::Known, dialect);
            of.set(other);
            assert_eq!(of.both(), (other, dialect));
            of.set_dialect(Dialect::Lsp);
            assert_eq!(of.both(), (other, Dialect::Lsp));
        }
    }
}
