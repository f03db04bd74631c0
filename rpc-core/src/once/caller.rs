//! Who calls under keys: someone with a name, or a connection.

use std::fmt;

use super::table::Caller;
use crate::shared::Shared;
use crate::sync::Arc;

/// Bytes of a caller's name.
const LONGEST_NAME: usize = 256;

/// Who a connection belongs to, kept on it as a value.
struct Identity(Arc<str>);

impl Shared {
    /// Names the caller at the other end, whose keys then outlive this connection.
    pub(crate) fn identify(&self, name: &str) -> Result<(), IdentifyError> {
        if name.len() > LONGEST_NAME {
            return Err(IdentifyError::NameTooLong { limit: LONGEST_NAME });
        }
        drop(self.values.set(Identity(name.into())));
        Ok(())
    }

    /// The caller that the keys of this connection belong to.
    pub(super) fn caller(&self) -> Caller {
        match self.values.get::<Identity>() {
            Some(identity) => Caller { name: identity.0.clone(), is_named: true },
            None => Caller::of_connection(&self.id),
        }
    }
}

impl Caller {
    pub(super) fn of_connection(id: &str) -> Self {
        Self { name: id.into(), is_named: false }
    }
}

/// Why a peer cannot have a name: see [`Peer::identify`](crate::Peer::identify).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentifyError {
    /// The name has more than 256 bytes. Give a short name, such as the number of the user, or a hash of a long
    /// name.
    NameTooLong {
        /// How many bytes a name may have.
        limit: usize,
    },
}

impl fmt::Display for IdentifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::NameTooLong { limit } = self;
        write!(f, "the name of a caller has at most {limit} bytes: give an id, or a hash")
    }
}

impl std::error::Error for IdentifyError {}
