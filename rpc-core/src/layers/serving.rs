//! A call on its way in, through layers, to its method.

use std::fmt;

use super::Layers;
use crate::method::MethodInfo;
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::service::idempotency;
use crate::service::{Params, Service};
use crate::util::members::Members;
use crate::util::sync::Arc;

/// A call that is to be served, as a layer sees it before its method does.
#[derive(Clone, Copy)]
pub struct ServeRequest<'a> {
    method: &'a MethodInfo,
    cx: &'a Context,
    params: Params<'a>,
}

impl<'a> ServeRequest<'a> {
    /// What is called. Of a call that the [fallback](crate::Router::fallback) serves this is the fallback, `*`.
    pub fn method(&self) -> &'a MethodInfo {
        self.method
    }

    /// The name under which the call came. In a fallback the other end chooses the name, so it is nothing for the
    /// label of a metric.
    pub fn name(&self) -> &'a str {
        self.cx.called().unwrap_or(&self.method.name)
    }

    /// Who calls, until when, within which trace.
    pub fn cx(&self) -> &'a Context {
        self.cx
    }

    /// The params as they came. They belong to the message that is being read: to have them later,
    /// copy them.
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// The batch that it came in, if it did. Costs a short lock.
    pub fn batch(&self) -> Option<Members> {
        self.cx.shared().lock().protocol.members(self.cx.key())
    }

    /// The same call with other params. They count for no limit.
    #[must_use]
    pub fn with_params<'b>(self, params: Params<'b>) -> ServeRequest<'b>
    where
        'a: 'b,
    {
        ServeRequest { params, ..self }
    }
}

impl fmt::Debug for ServeRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").field("cx", self.cx).finish_non_exhaustive()
    }
}

/// What lies within a layer: further ones, and the method at last.
#[derive(Clone, Copy)]
pub struct ServeNext<'a> {
    layers: &'a Layers,
    depth: usize,
    target: &'a dyn Target,
    method: usize,
}

impl<'a> ServeNext<'a> {
    /// Lets the call go on. Params are decoded before this returns, but for an inner layer that waits;
    /// an `async` method runs when the handler is polled.
    pub fn serve(self, call: ServeRequest<'_>) -> Handler {
        match self.layers.at(self.depth) {
            Some(layer) => layer.serve(call, ServeNext { depth: self.depth + 1, ..self }),
            None => idempotency::call(self.target.service(), self.method, call.cx, call.params),
        }
    }

    /// Keeps the call, to let it go on later or not at all: for a layer that waits before anything of
    /// the call is looked at. Costs a copy of its params; [`serve`](Self::serve) costs none.
    pub fn keep(self, call: ServeRequest<'_>) -> OwnedServeRequest {
        OwnedServeRequest {
            layers: self.layers.clone(),
            depth: self.depth,
            service: self.target.shared(),
            method: self.method,
            cx: call.cx.clone(),
            params: call.params.as_str().map(Box::from),
        }
    }
}

impl fmt::Debug for ServeNext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServeNext")
    }
}

/// A call that goes on later, and all that it needs for that. Made by [`ServeNext::keep`]. Of a clone each
/// can go on; the method runs again then.
#[derive(Clone)]
pub struct OwnedServeRequest {
    layers: Layers,
    depth: usize,
    service: Arc<dyn Service>,
    method: usize,
    cx: Context,
    params: Option<Box<str>>,
}

impl OwnedServeRequest {
    /// Lets the call go on, as [`ServeNext::serve`] does.
    pub fn serve(self) -> Handler {
        let call = ServeRequest { method: self.method(), cx: &self.cx, params: self.params() };
        let Self { layers, depth, service, method, .. } = &self;
        ServeNext { layers, depth: *depth, target: service, method: *method }.serve(call)
    }

    /// What is called.
    pub fn method(&self) -> &MethodInfo {
        &self.service.methods()[self.method]
    }

    /// Who calls, until when, within which trace.
    pub fn cx(&self) -> &Context {
        &self.cx
    }

    /// The params as they came.
    pub fn params(&self) -> Params<'_> {
        Params(self.params.as_deref())
    }
}

impl fmt::Debug for OwnedServeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("cx", &self.cx).finish_non_exhaustive()
    }
}

/// A service behind layers, which those who keep a call can hold.
trait Target {
    fn service(&self) -> &dyn Service;
    fn shared(&self) -> Arc<dyn Service>;
}

impl<S: Service> Target for Arc<S> {
    fn service(&self) -> &dyn Service {
        &**self
    }

    fn shared(&self) -> Arc<dyn Service> {
        self.clone()
    }
}

impl Target for Arc<dyn Service> {
    fn service(&self) -> &dyn Service {
        &**self
    }

    fn shared(&self) -> Arc<dyn Service> {
        self.clone()
    }
}

impl Layers {
    /// Serves the `method`-th method of `service` within these layers.
    #[inline(never)] // its size, where mostly there are no layers, would be paid for by all calls
    pub(crate) fn serve<S: Service>(
        &self,
        service: &Arc<S>,
        method: usize,
        cx: &Context,
        params: Params<'_>,
    ) -> Handler {
        let info = &service.methods()[method];
        let next = ServeNext { layers: self, depth: 0, target: service, method };
        next.serve(ServeRequest { method: info, cx, params })
    }
}
