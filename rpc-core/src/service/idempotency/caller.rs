//! The callers of calls under a key: a caller with a name, or a connection.

use std::fmt;

use super::table::Caller;
use crate::peer::slot::Shared;
use crate::util::sync::Arc;

/// The most bytes of a caller's name.
const LONGEST_NAME: usize = 256;

/// The name of a connection's caller, stored as a value of the connection.
struct Identity(Arc<str>);

impl Shared {
    /// Gives a name to the caller of this connection, whose keys then outlive the connection.
    pub(crate) fn identify(self: &Arc<Self>, name: &str) -> Result<(), IdentifyError> {
        if name.len() > LONGEST_NAME {
            return Err(IdentifyError::NameTooLong { limit: LONGEST_NAME });
        }
        self.config.registry.identify(self, name)
    }

    /// Stores the name.
    pub(crate) fn set_identity(&self, name: Arc<str>) {
        drop(self.values.set(Identity(name)));
    }

    /// Returns the name, if one was given.
    pub(crate) fn identity(&self) -> Option<Arc<str>> {
        Some(self.values.get::<Identity>()?.0.clone())
    }

    /// Drops all values but the name.
    pub(crate) fn drop_values(&self) {
        self.values.keep_only::<Identity>();
    }

    /// Returns the caller that the keys of this connection belong to.
    pub(super) fn caller(&self) -> Caller {
        match self.identity() {
            Some(name) => Caller { name, is_named: true },
            None => Caller::of_connection(&self.id),
        }
    }
}

impl Caller {
    pub(super) fn of_connection(id: &str) -> Self {
        Self { name: id.into(), is_named: false }
    }
}

/// The reason why a peer cannot have a name; see [`Peer::identify`](crate::Peer::identify).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentifyError {
    /// The name has more than 256 bytes. Give a short name, such as the number of the user, or a hash of a long name.
    NameTooLong {
        /// The most bytes of a name.
        limit: usize,
    },
    /// Another connection has the name, and [`SameName::Refuse`](crate::SameName::Refuse) allows only one.
    Taken,
}

impl fmt::Display for IdentifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameTooLong { limit } => {
                write!(f, "the name of a caller has at most {limit} bytes: give an id, or a hash")
            }
            Self::Taken => f.write_str("another connection has this name"),
        }
    }
}

impl std::error::Error for IdentifyError {}
