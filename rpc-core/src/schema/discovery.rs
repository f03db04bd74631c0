//! The method `rpc.discover`, which answers a document.

mod shown;
mod stable;

use std::fmt;

#[cfg(feature = "schema")]
use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;
#[cfg(feature = "schema")]
use serde_json::value::to_raw_value;

#[cfg(feature = "schema")]
use super::model::Model;
#[cfg(feature = "schema")]
use super::offer;
use crate::error::object::ErrorObject;
use crate::method::{MethodInfo, MethodKind};
use crate::service::context::Context;
use crate::service::handler::Handler;
#[cfg(feature = "schema")]
use crate::service::offers::{MODEL, Offers};
use crate::service::{Params, Service};
use shown::Shown;

/// Serves the method `rpc.discover` of OpenRPC, which answers a document. No end serves it by itself.
///
/// A call of `rpc.discover` is a call like any other: [`layers`](crate::layers) see it, and may refuse it. A peer that does
/// not ask for [unstable](super::MethodFlags::unstable) methods gets an answer without them: without the methods of the
/// document that have `"x-unstable":true`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::schema::Discovery;
/// use rpc_core::{Router, memory};
///
/// // With the feature `schema`, a `Model` of the services makes it.
/// let document = serde_json::json!({"openrpc": "1.4.1", "info": {"title": "Nothing", "version": "1"}, "methods": []});
/// let served = Router::new().service(Discovery::new(&document));
///
/// let (peer, _) = memory::pair(Router::new(), served);
/// assert_eq!(peer.call::<serde_json::Value>("rpc.discover", ()).await?, document);
/// # Ok(()) }
/// ```
pub struct Discovery {
    methods: Vec<MethodInfo>,
    document: Shown,
    #[cfg(feature = "schema")]
    model: Option<Told>,
}

/// What `rpc.model` tells.
#[cfg(feature = "schema")]
struct Told {
    digests: Vec<String>,
    model: Shown,
    /// What `$/hello` would tell. `None` if that is too long.
    offers: Option<Offers>,
    is_in_hello: bool,
}

impl Discovery {
    /// Answers `document`: that of a `Model`, or any other value. If the value cannot be written as
    /// JSON, the answer is -32603.
    pub fn new(document: &impl Serialize) -> Self {
        let info = MethodInfo::of_protocol("rpc.discover", MethodKind::Request)
            .with_docs("Returns a document that describes what this end offers.");
        let stable = serde_json::to_value(document).ok();
        let stable = stable.and_then(|document| stable::document(&document));
        Self {
            methods: vec![info],
            document: Shown::new(document, stable.as_ref()),
            #[cfg(feature = "schema")]
            model: None,
        }
    }

    /// Answers `rpc.model` as well, which [`Peer::offers`](crate::Peer::offers) and [`Model::offered_by`] of the other end
    /// call.
    ///
    /// The method takes a list of [digests](super::ServiceModel::digest). It answers `true` if this end serves a service
    /// of each digest, and the model otherwise.
    #[cfg(feature = "schema")]
    #[must_use]
    pub fn with_model(mut self, model: &Model) -> Self {
        let info = MethodInfo::of_protocol(MODEL, MethodKind::Request)
            .with_docs("Returns the model of this end, or `true` if the caller has the same.");
        self.methods.push(info);
        let digests = model.served_by(model.end).map(|service| service.digest.clone()).collect();
        self.model = Some(Told {
            digests,
            model: Shown::new(model, model.stable().as_ref()),
            offers: offer::of(model),
            is_in_hello: false,
        });
        self
    }

    /// Tells in `$/hello` what this end offers: name, version and [digest](super::ServiceModel::digest) of each service
    /// of the [model](Self::with_model). An end that calls the same services then knows so without a message.
    ///
    /// The two ends are also compared the other way: if the other end tells what it offers, and that differs from what
    /// this end calls by its model, the log has a line, and the answers -32601 and -32602 carry the difference
    /// ([`ErrorObject::mismatch`]). Nothing is refused because of a difference.
    ///
    /// A peer is told only what a call of `rpc.model` would tell it. A guest that has to log in first is told nothing.
    /// With [`layers`](crate::layers) around the method, a peer is told what they [let it
    /// know](crate::layers::Layer::shows_offers): those of this crate let it know, except
    /// [`Authorize`](crate::layers::Authorize), whose rule decides.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::schema::{Discovery, Model, Offer};
    /// use rpc_core::{Router, memory, service};
    ///
    /// #[service(namespace = "math", version = "1.1", schema)]
    /// trait Math {
    ///     fn add(&self, a: i64, b: i64) -> i64;
    /// }
    /// mod later {
    ///     #[rpc_core::service(namespace = "math", version = "1.2", schema)]
    ///     pub(crate) trait Math {
    ///         fn add(&self, a: i64, b: i64) -> i64;
    ///         fn halve(&self, a: i64) -> i64;
    ///     }
    /// }
    ///
    /// let server = Model::server().serves(MathServer::INFO).build()?;
    /// let client = Model::client().calls(later::MathClient::INFO).build()?;
    /// let tells = |model| Router::new().service(Discovery::new(&()).with_model(model).in_hello());
    /// let (peer, _) = memory::pair(tells(&client), tells(&server));
    ///
    /// assert_eq!(peer.offers::<MathClient>().await, Offer::Same);
    /// let error = later::MathClient::new(peer).halve(4).await.unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "no method `math.halve` (code -32601): the other end's `math` is version 1.1, not 1.2, and lacks `math.halve`"
    /// );
    /// # Ok(()) }
    /// ```
    ///
    /// A list of more than 2,048 bytes, about 25 services, is not told; a line of the log says so.
    ///
    /// # Panics
    /// Panics without a model: call [`with_model`](Self::with_model) before.
    #[cfg(feature = "schema")]
    #[must_use]
    pub fn in_hello(mut self) -> Self {
        let told = self.model.as_mut().expect("`with_model` comes before `in_hello`");
        told.is_in_hello = true;
        if told.offers.is_none() {
            tracing::warn!(
                "`$/hello` does not tell what this end offers: there are too many services"
            );
        }
        self
    }
}

impl Service for Discovery {
    fn methods(&self) -> &[MethodInfo] {
        &self.methods
    }

    #[cfg(feature = "schema")]
    fn offers(&self, _: Option<&Context>) -> Option<&Offers> {
        self.model.as_ref().filter(|told| told.is_in_hello)?.offers.as_ref()
    }

    fn call(&self, method: usize, cx: &Context, params: Params<'_>) -> Handler {
        let asks = cx.shared().lock().protocol.is_asked_for_unstable();
        match self.answer(method, params, asks) {
            Ok(answer) => Handler::new(async move { Ok::<_, ErrorObject>(answer) }),
            Err(error) => Handler::error(error),
        }
    }
}

impl Discovery {
    #[cfg(feature = "schema")]
    fn answer(
        &self,
        method: usize,
        params: Params<'_>,
        asks: bool,
    ) -> Result<Box<RawValue>, ErrorObject> {
        match &self.model {
            Some(told) if method == 1 => told.answer(params, asks),
            _ => self.document(params, asks),
        }
    }

    #[cfg(not(feature = "schema"))]
    fn answer(
        &self,
        _: usize,
        params: Params<'_>,
        asks: bool,
    ) -> Result<Box<RawValue>, ErrorObject> {
        self.document(params, asks)
    }

    fn document(&self, params: Params<'_>, asks: bool) -> Result<Box<RawValue>, ErrorObject> {
        if params.as_str().is_some_and(|params| !is_empty(params)) {
            return Err(ErrorObject::invalid_params("`rpc.discover` takes no params"));
        }
        self.document.answer(asks)
    }
}

#[cfg(feature = "schema")]
impl Told {
    fn answer(&self, params: Params<'_>, asks: bool) -> Result<Box<RawValue>, ErrorObject> {
        #[derive(Deserialize)]
        struct Known {
            digests: Vec<String>,
        }
        let known = serde_json::from_str::<Known>(params.as_str().unwrap_or_default());
        let Known { digests } = known.map_err(|_| {
            ErrorObject::invalid_params("`rpc.model` takes `digests`: a list of texts")
        })?;
        if digests.iter().all(|digest| self.digests.contains(digest)) {
            return to_raw_value(&true).map_err(|_| ErrorObject::internal());
        }
        self.model.answer(asks)
    }
}

/// Returns whether params are `[]` or `{}`.
fn is_empty(params: &str) -> bool {
    params[1..params.len() - 1].trim().is_empty()
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Discovery")
    }
}
