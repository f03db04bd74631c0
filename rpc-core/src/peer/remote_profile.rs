//! The protocol that the remote supports, readable without a lock.

use crate::util::sync::{AtomicUsize, Ordering};
use crate::wire::dialect::Dialect;

/// The messages that the remote may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RemoteSupport {
    /// Plain JSON-RPC 2.0: the remote has not announced the extensions.
    Unknown,
    /// All extensions of this framework.
    Extended,
    /// Plain JSON-RPC 2.0 until the end of the connection, in both directions: this end is set to be `plain`.
    Plain,
}

/// The [`RemoteSupport`] and the [`Dialect`] of a connection. Stored as one number, because most readers need both.
#[derive(Debug)]
pub(crate) struct RemoteProfile(AtomicUsize);

/// The number of bits of a [`RemoteSupport`]. The higher bits hold the dialect.
const SUPPORT_BITS: u32 = 2;

impl RemoteProfile {
    pub(crate) fn new(support: RemoteSupport, dialect: Dialect) -> Self {
        Self(AtomicUsize::new(joined(support, dialect)))
    }

    pub(crate) fn set(&self, support: RemoteSupport) {
        // No two threads write at the same time: the owner of the endpoint writes before there is a connection, and the
        // task of the connection writes afterwards.
        self.0.store(joined(support, self.dialect()), Ordering::Relaxed);
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
        // The number guards no other memory, so `Relaxed` is enough.
        let both = self.0.load(Ordering::Relaxed);
        let support = match both & ((1 << SUPPORT_BITS) - 1) {
            it if it == RemoteSupport::Extended as usize => RemoteSupport::Extended,
            it if it == RemoteSupport::Plain as usize => RemoteSupport::Plain,
            _ => RemoteSupport::Unknown,
        };
        let dialect = match both >> SUPPORT_BITS {
            it if it == Dialect::Lsp as usize => Dialect::Lsp,
            it if it == Dialect::Mcp as usize => Dialect::Mcp,
            _ => Dialect::JsonRpc,
        };
        (support, dialect)
    }
}

const fn joined(support: RemoteSupport, dialect: Dialect) -> usize {
    support as usize | (dialect as usize) << SUPPORT_BITS
}

#[test]
fn setting_the_support_keeps_the_dialect_and_setting_the_dialect_keeps_the_support() {
    for support in [RemoteSupport::Unknown, RemoteSupport::Extended, RemoteSupport::Plain] {
        for dialect in [Dialect::JsonRpc, Dialect::Lsp, Dialect::Mcp] {
            let profile = RemoteProfile::new(RemoteSupport::Extended, dialect);
            profile.set(support);
            assert_eq!(profile.both(), (support, dialect));
            profile.set_dialect(Dialect::Lsp);
            assert_eq!(profile.both(), (support, Dialect::Lsp));
        }
    }
}
