//! The seam between the protocol and what is served: a method, a context and raw params go in, a
//! [`Handler`] comes out that gives the serialised result or an error object. Generated code, [`Router`](crate::Router) closures and everything that
//! wraps them meet here, and nowhere else.

use std::any::Any;

use crate::layers::{Layer, Layered};
use crate::method::MethodInfo;
use crate::service::caller_type::{CallerType, RequiresCaller};
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::service::router_error::RouterError;

pub(crate) mod caller_type;
pub(crate) mod context;
pub(crate) mod current;
pub(crate) mod error_data;
pub(crate) mod failure_log;
pub(crate) mod handler;
pub(crate) mod idempotency;
pub(crate) mod namespace;
pub(crate) mod params;
pub(crate) mod progress;
pub(crate) mod router;
pub(crate) mod router_error;
pub(crate) mod running;
pub(crate) mod scoped;
pub(crate) mod spawn;
pub(crate) mod validate;

/// A set of methods that a peer offers to the other end.
///
/// `#[service]` makes one from a trait (`ChatServer`), a [`Router`](crate::Router) joins several.
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
    /// The methods, in the order by which [`call`](Self::call) numbers them.
    fn methods(&self) -> &[MethodInfo];

    /// Whether the names can be offered: each once, and none that is reserved.
    ///
    /// # Errors
    /// All names that are wrong, and why.
    fn check(&self) -> Result<(), RouterError> {
        Ok(())
    }

    /// Returns the type of [callers](crate::Context::caller) that the methods ask for. A server whose `on_connect`
    /// gives another type does not start, since each method would find no caller. `None` by default: the methods ask
    /// for none, or take several. A wrapper around another service passes the question on.
    fn caller_type(&self) -> Option<CallerType> {
        None
    }

    /// Starts the `method`-th method, which clones of `cx` what it needs. Params are decoded before
    /// this returns; the future does the rest. A panic, here or in the future, is answered -32603 and harms nothing else.
    fn call(&self, method: usize, cx: &Context, params: Params<'_>) -> Handler;

    /// Says that the methods ask for callers of the type `T`, as [`Context::caller`](crate::Context::caller) gives them. Then
    /// a server with an `on_connect` of another type, or without one, fails to start, and its error names both types.
    /// A [`Router`](crate::Router) of services that ask for two different types is an error as well.
    ///
    /// A guest that logs in by a message must be given a `T` by [`Peer::log_in`](crate::Peer::log_in) too. Nothing checks
    /// an end that is made by hand ([`Endpoint::set_caller`](crate::transport::Endpoint::set_caller)).
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

    /// The same service with `layer` around each call of it; of several the first is the outermost.
    /// What it calls, and what is refused before it is asked, goes through the layers of the
    /// [whole end](crate::transport::EndpointConfig::layers) only.
    fn layer(self, layer: impl Layer) -> Layered<Self>
    where
        Self: Sized,
    {
        Layered::new(self, layer)
    }
}

/// The raw params of a request: the JSON text of an array or an object, or nothing.
#[derive(Debug, Clone, Copy)]
pub struct Params<'a>(pub(crate) Option<&'a str>);

impl<'a> Params<'a> {
    /// Params from a JSON text: an array, an object, or `null` for no params; `None` if the text looks like none of
    /// these. Only the first and the last character are looked at; the method that decodes the text finds other
    /// mistakes.
    pub fn new(json: &'a str) -> Option<Self> {
        let json = json.trim();
        if json == "null" {
            return Some(Self::none());
        }
        let bytes =
            (json.len() >= 2).then(|| (json.as_bytes()[0], json.as_bytes()[json.len() - 1]));
        matches!(bytes, Some((b'[', b']') | (b'{', b'}'))).then_some(Self(Some(json)))
    }

    /// No params.
    pub const fn none() -> Self {
        Self(None)
    }

    /// The JSON text; `None` if the request had no params.
    pub fn as_str(self) -> Option<&'a str> {
        self.0
    }
}
