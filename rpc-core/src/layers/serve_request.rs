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

/// A call that this end serves, as a layer sees it before the method does.
#[derive(Clone, Copy)]
pub struct ServeRequest<'a> {
    method: &'a MethodInfo,
    cx: &'a Context,
    params: Params<'a>,
}

impl<'a> ServeRequest<'a> {
    /// The method. For a call that the [fallback](crate::Router::fallback) serves, the method is the fallback, `*`.
    pub fn method(&self) -> &'a MethodInfo {
        self.method
    }

    /// The name under which the call came. In a fallback the other end chooses the name, so do not use it as the
    /// label of a metric.
    pub fn name(&self) -> &'a str {
        self.cx.called().unwrap_or(&self.method.name)
    }

    /// The context of the call: the caller, the deadline, the trace.
    pub fn cx(&self) -> &'a Context {
        self.cx
    }

    /// The params as they came. They are borrowed from the message that is being read: copy them to keep them.
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// The batch that the call came in, if any. Costs a short lock.
    pub fn batch(&self) -> Option<Members> {
        self.cx.shared().lock().protocol.members(self.cx.key())
    }

    /// The same call with other params. No limit applies to them.
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
        f.debug_struct("ServeRequest").field("cx", self.cx).finish_non_exhaustive()
    }
}

/// The way from a layer to the method: further layers, and then the method itself.
#[derive(Clone, Copy)]
pub struct ServeNext<'a> {
    layers: &'a Layers,
    depth: usize,
    target: &'a dyn Target,
    method: usize,
}

impl<'a> ServeNext<'a> {
    /// Lets the call go on. The params are decoded before this returns, unless an inner layer waits. An `async`
    /// method runs when the handler is polled.
    pub fn serve(self, call: ServeRequest<'_>) -> Handler {
        match self.layers.at(self.depth) {
            Some(layer) => layer.serve(call, ServeNext { depth: self.depth + 1, ..self }),
            None => idempotency::call(self.target.service(), self.method, call.cx, call.params),
        }
    }

    /// Keeps the call, to let it go on later or not at all: for a layer that waits before the params are decoded.
    /// Copies the params; [`serve`](Self::serve) copies nothing.
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

/// A call that can go on later. Made by [`ServeNext::keep`]. Each clone can go on; the method then runs once for
/// each.
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

    /// The context of the call: the caller, the deadline, the trace.
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
        f.debug_struct("OwnedServeRequest").field("cx", &self.cx).finish_non_exhaustive()
    }
}

/// A service behind layers. A kept call holds a share of the service.
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
