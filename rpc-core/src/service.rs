//! The seam between the protocol and the methods that an end serves. A method, a context and raw params go in; a
//! [`Handler`] comes out, and gives the serialised result or an error object. Generated code, closures of a
//! [`Router`](crate::Router) and everything that wraps them use this seam and no other.

use std::any::Any;

use crate::layers::{Layer, Layered};
use crate::method::MethodInfo;
use crate::service::caller_type::{CallerType, RequiresCaller};
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::service::router_error::RouterError;
use crate::util::sync::Arc;
use crate::wire::attached::Attached;

pub(crate) mod caller_type;
pub(crate) mod context;
pub(crate) mod current;
pub(crate) mod error_data;
pub(crate) mod failure_log;
pub(crate) mod handler;
pub(crate) mod idempotency;
pub(crate) mod namespace;
#[cfg(feature = "schema")]
pub(crate) mod offers;
pub(crate) mod params;
pub(crate) mod progress;
pub(crate) mod router;
pub(crate) mod router_error;
pub(crate) mod running;
pub(crate) mod scoped;
pub(crate) mod spawn;
pub(crate) mod validate;

/// A set of methods that an end offers to its peer.
///
/// `#[service]` makes a service from a trait (`ChatServer`). A [`Router`](crate::Router) joins several services.
///
/// ```
/// use rpc_core::schema::MethodKind;
/// use rpc_core::{Service, service};
///
/// #[service(namespace = "math")]
/// trait Math {
///     /// Adds.
///     fn add(&self, a: i64, b: i64) -> i64;
/// }
/// struct Exact;
/// impl Math for Exact {
///     fn add(&self, a: i64, b: i64) -> i64 { a + b }
/// }
/// let service = MathServer::new(Exact);
/// let add = &service.methods()[0];
/// assert_eq!((&*add.name, add.docs, &add.kind), ("math.add", "Adds.", &MethodKind::Request));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no service by itself",
    label = "not a `Service`",
    note = "wrap the implementation of a `#[service]` trait `Chat` in what the macro made for it: `ChatServer::new(implementation)`, or `ChatServer::shared(arc)` of an `Arc`"
)]
pub trait Service: Send + Sync + 'static {
    /// Returns the methods, in the order in which [`call`](Self::call) numbers them.
    fn methods(&self) -> &[MethodInfo];

    /// Checks whether the names of the methods can be offered: each name once, and no reserved name.
    ///
    /// # Errors
    /// Returns all names that cannot be offered, with the reasons.
    fn check(&self) -> Result<(), RouterError> {
        Ok(())
    }

    /// Returns the type of [callers](crate::Context::caller) that the methods require. A server whose `on_connect`
    /// returns another type does not start, because each method would find no caller.
    ///
    /// The default is `None`: the methods require no caller, or accept several types. A service that wraps another
    /// service should return the type of the inner service.
    fn caller_type(&self) -> Option<CallerType> {
        None
    }

    /// Returns what `$/hello` tells of this end, if a [`Discovery`](crate::schema::Discovery) says so. With the context of
    /// a `reader`, only if layers let the peer know. A service that wraps another service should pass this on.
    #[cfg(feature = "schema")]
    #[doc(hidden)]
    fn offers(&self, reader: Option<&Context>) -> Option<&offers::Offers> {
        let _ = reader;
        None
    }

    /// Starts the method with the number `method`, and clones the parts of `cx` that the method needs.
    ///
    /// Params are decoded before this returns; the returned handler does the rest of the work. A panic in this
    /// function or in the handler is answered -32603, and harms no other call.
    fn call(&self, method: usize, cx: &Context, params: Params<'_>) -> Handler;

    /// Declares that the methods require callers of the type `T`, as [`Context::caller`](crate::Context::caller)
    /// returns them.
    ///
    /// A server with an `on_connect` of another type, or without one, then fails to start, and its error names both
    /// types. A [`Router`](crate::Router) of services that require two different types is an error as well.
    ///
    /// A guest that logs in by a message must get a `T` as well, from [`Peer::log_in`](crate::Peer::log_in). An
    /// endpoint that is made by hand is not checked for a missing caller; see
    /// [`Endpoint::set_caller`](crate::transport::Endpoint::set_caller).
    ///
    /// ```
    /// use rpc_core::{Context, ErrorObject, Router, Service};
    ///
    /// struct User(String);
    ///
    /// let whoami = |cx: Context, (): ()| async move {
    ///     let user = cx.caller::<User>().ok_or(ErrorObject::new(1, "no user"))?;
    ///     Ok(user.0.clone())
    /// };
    /// let service = Router::new().method("whoami", whoami).requires_caller::<User>();
    /// assert!(service.caller_type().unwrap().name().ends_with("User"));
    /// ```
    fn requires_caller<T: Any + Send + Sync>(self) -> RequiresCaller<Self>
    where
        Self: Sized,
    {
        RequiresCaller::new::<T>(self)
    }

    /// Wraps each call of this service in `layer`. The layer that is added first is the outermost one.
    ///
    /// The layer sees neither the calls that the service makes, nor requests that are refused before they reach the
    /// service. Layers of the [whole endpoint](crate::transport::EndpointConfig::layers) see both.
    fn layer(self, layer: impl Layer) -> Layered<Self>
    where
        Self: Sized,
    {
        Layered::new(self, layer)
    }
}

/// Lets several endpoints share one service.
impl<S: Service + ?Sized> Service for Arc<S> {
    fn methods(&self) -> &[MethodInfo] {
        (**self).methods()
    }

    fn check(&self) -> Result<(), RouterError> {
        (**self).check()
    }

    fn caller_type(&self) -> Option<CallerType> {
        (**self).caller_type()
    }

    #[cfg(feature = "schema")]
    fn offers(&self, reader: Option<&Context>) -> Option<&offers::Offers> {
        (**self).offers(reader)
    }

    fn call(&self, method: usize, cx: &Context, params: Params<'_>) -> Handler {
        (**self).call(method, cx, params)
    }
}

/// The raw params of a request: the JSON text of an array or an object, or nothing.
#[derive(Debug, Clone, Copy)]
pub struct Params<'a> {
    /// Not looked at if there are bytes beside it.
    pub(crate) text: Option<&'a str>,
    /// The text with bytes beside it, if there are some.
    pub(crate) attached: Option<&'a Attached>,
}

impl<'a> Params<'a> {
    /// Wraps the JSON text of an array or an object, or `null` for no params. Returns `None` if the text looks like
    /// none of these.
    ///
    /// Only the first and the last character are checked. The method that decodes the text finds other mistakes.
    pub fn new(json: &'a str) -> Option<Self> {
        let json = json.trim();
        if json == "null" {
            return Some(Self::none());
        }
        let bytes =
            (json.len() >= 2).then(|| (json.as_bytes()[0], json.as_bytes()[json.len() - 1]));
        matches!(bytes, Some((b'[', b']') | (b'{', b'}'))).then_some(Self::of(Some(json)))
    }

    /// Creates empty params.
    pub const fn none() -> Self {
        Self::of(None)
    }

    pub(crate) const fn of(text: Option<&'a str>) -> Self {
        Self { text, attached: None }
    }

    /// Returns the JSON text, or `None` if the request had no params.
    pub fn as_str(self) -> Option<&'a str> {
        match self.attached {
            None => self.text,
            Some(attached) => Some(attached.whole()),
        }
    }
}
