//! The services of a builder that has clones.

use std::sync::Arc;

use rpc_core::schema::MethodInfo;
use rpc_core::types::{CallerType, Handler, Params};
use rpc_core::{Context, Router, RouterError, Service};

/// A router that several builders share: each of them may add more services of its own beside it.
pub(crate) struct Offered(pub(crate) Arc<Router>);

impl Service for Offered {
    fn methods(&self) -> &[MethodInfo] {
        self.0.methods()
    }

    fn check(&self) -> Result<(), RouterError> {
        self.0.check()
    }

    fn caller_type(&self) -> Option<CallerType> {
        self.0.caller_type()
    }

    fn call(&self, method: usize, cx: &Context, params: Params<'_>) -> Handler {
        self.0.call(method, cx, params)
    }
}
