//! The result of a handshake.

use crate::fallback::Carrier;

/// The parameters that the server has agreed to.
pub(crate) struct Agreed {
    /// The server has answered that it knows the extensions of JSON-RPC 2.0.
    pub(crate) answers_hello: bool,
    /// The subprotocol that the server has picked from the offered ones.
    pub(crate) subprotocol: Option<Box<str>>,
    pub(crate) carrier: Carrier,
}
