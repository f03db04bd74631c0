//! A service with layers around it.

use std::fmt;

use super::{Layer, Layers};
use crate::method::MethodInfo;
use crate::service::caller_type::CallerType;
use crate::service::context::Context;
use crate::service::handler::Handler;
#[cfg(feature = "schema")]
use crate::service::offers::{MODEL, Offers};
use crate::service::router_error::RouterError;
use crate::service::{Params, Service};
use crate::util::sync::Arc;

/// A service with layers around it, made by [`Service::layer`].
pub struct Layered<S> {
    service: Arc<S>,
    layers: Layers,
}

impl<S: Service> Layered<S> {
    pub(crate) fn new(service: S, layer: impl Layer) -> Self {
        Self { service: Arc::new(service), layers: Layers::new().layer(layer) }
    }

    /// Adds `layer` inside the layers that the service has. The layer that is added first is the outermost one.
    #[must_use]
    pub fn layer(self, layer: impl Layer) -> Self {
        Self { layers: self.layers.layer(layer), ..self }
    }
}

impl<S: Service> Service for Layered<S> {
    fn methods(&self) -> &[MethodInfo] {
        self.service.methods()
    }

    fn check(&self) -> Result<(), RouterError> {
        self.service.check()
    }

    fn caller_type(&self) -> Option<CallerType> {
        self.service.caller_type()
    }

    #[cfg(feature = "schema")]
    fn offers(&self, reader: Option<&Context>) -> Option<&Offers> {
        let offers = self.service.offers(reader)?;
        let method = self.methods().iter().find(|method| method.name == MODEL)?;
        reader.is_none_or(|cx| self.layers.show_offers(cx, method)).then_some(offers)
    }

    fn call(&self, method: usize, cx: &Context, params: Params<'_>) -> Handler {
        self.layers.serve(&self.service, method, cx, params)
    }
}

impl<S: fmt::Debug> fmt::Debug for Layered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Layered").field(&self.service).field(&self.layers).finish()
    }
}
