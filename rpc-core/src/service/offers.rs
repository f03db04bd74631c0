//! What an end may tell of its services without a call, and which services it calls itself.

use crate::util::sync::Arc;

/// The method that answers the model of an end.
pub(crate) const MODEL: &str = "rpc.model";

/// What an end tells of itself in `$/hello`, and compares with what the other end tells.
#[derive(Debug)]
pub struct Offers {
    /// The services that this end serves, as JSON text.
    pub(crate) text: Arc<str>,
    /// The services that this end calls.
    pub(crate) called: Vec<CalledService>,
}

/// A service that this end calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CalledService {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    /// The hash that the other end tells if it offers the same.
    pub(crate) hash: String,
    /// All names of its methods.
    pub(crate) methods: Vec<String>,
}
