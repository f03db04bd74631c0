//! The method names that a dialect reserves for itself.

use super::names;
use crate::method::MethodInfo;
use crate::service::router_error::RouterError;
use crate::wire::dialect::{Dialect, MCP_CANCELLED, MCP_PROGRESS};

impl Dialect {
    /// Checks whether services with these methods can be offered under this dialect. The builders of servers and
    /// clients call this.
    ///
    /// # Errors
    /// Returns an error if a method has a name that the dialect reserves for itself.
    pub fn check(self, methods: &[MethodInfo]) -> Result<(), RouterError> {
        if self != Self::Mcp {
            return Ok(()); // each connection asks, and there may be hundreds of methods
        }
        let is_own = |name: &&str| [MCP_CANCELLED, MCP_PROGRESS].contains(name);
        let Some(name) = methods.iter().flat_map(names).find(is_own) else { return Ok(()) };
        Err(RouterError(format!(
            "`{name}` cannot be offered under `Dialect::Mcp`, which sees to it: a cancel stops the handler, \
             and reports go to `on_progress`"
        )))
    }
}
