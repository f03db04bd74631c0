//! An incoming call that passes through layers to its method.

use std::fmt;

use super::Layers;
use crate::method::MethodInfo;
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::service::idempotency;
use crate::service::{Params, Service};
use crate::util::members::Members;
use crate::util::sync::Arc;

/// An incoming call, as a layer sees it before the method runs.
#[derive(Clone, Copy)]
pub struct ServeRequest<'a> {
    method: &'a MethodInfo,
    cx: &'a Context,
    params: Params<'a>,
}

impl<'a> ServeRequest<'a> {
    /// Returns the description of the method. For a call that the [fallback](crate::Router::fallback) serves, the name
    /// of the method is `*`.
    pub fn method(&self) -> &'a MethodInfo {
        self.method
    }

    /// Returns the method name in the request. For a fallback the other end chooses the name freely, so do not use the
    /// name as the label of a metric.
    pub fn name(&self) -> &'a str {
        self.cx.called().unwrap_or(&self.method.name)
    }

    /// Returns the context of the call: the caller, the deadline, the trace.
    pub fn cx(&self) -> &'a Context {
        self.cx
    }

    /// Returns the params as they were received. They are borrowed from the received message; copy them to keep them.
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// Returns the batch that the call is a member of, or `None`. Takes a lock for a short time.
    pub fn batch(&self) -> Option<Members> {
        self.cx.shared().lock().protocol.members(self.cx.key())
    }

    /// Replaces the params. No limit applies to the new params.
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

/// The rest of the way to the method: the remaining layers, and then the method.
#[derive(Clone, Copy)]
pub struct ServeNext<'a> {
    layers: &'a Layers,
    depth: usize,
    target: &'a dyn Target,
    method: usize,
}

impl<'a> ServeNext<'a> {
    /// Passes the call on. The params are decoded before this function returns, unless an inner layer waits. An `async`
    /// method runs when the handler is polled.
    pub fn serve(self, call: ServeRequest<'_>) -> Handler {
        match self.layers.at(self.depth) {
            Some(layer) => layer.serve(call, ServeNext { depth: self.depth + 1, ..self }),
            None => idempotency::call(self.target.service(), self.method, call.cx, call.params),
        }
    }

    /// Copies the call, so that a layer can wait before it passes the call on, or not pass the call on at all. Copies
    /// the params; [`serve`](Self::serve) copies nothing.
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

/// A call that can be passed on later, created by [`ServeNext::keep`]. The method runs once for each clone that is
/// passed on.
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
    /// Passes the call on, like [`ServeNext::serve`].
    pub fn serve(self) -> Handler {
        let call = ServeRequest { method: self.method(), cx: &self.cx, params: self.params() };
        let Self { layers, depth, service, method, .. } = &self;
        ServeNext { layers, depth: *depth, target: service, method: *method }.serve(call)
    }

    /// Returns the description of the method.
    pub fn method(&self) -> &MethodInfo {
        &self.service.methods()[self.method]
    }

    /// Returns the context of the call: the caller, the deadline, the trace.
    pub fn cx(&self) -> &Context {
        &self.cx
    }

    /// Returns the params as they were received.
    pub fn params(&self) -> Params<'_> {
        Params::of(self.params.as_deref())
    }
}

impl fmt::Debug for OwnedServeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedServeRequest").field("cx", &self.cx).finish_non_exhaustive()
    }
}

/// A service behind layers. An [`OwnedServeRequest`] holds a reference-counted handle to the service.
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
    #[inline(never)] // most calls have no layers, and should not pay for the size of this function
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
