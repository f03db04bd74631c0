//! Serves method names that are not offered: for bridges, proxies, and peers with method names of their own choice.

use std::convert::Infallible;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Closure, Router, closure};
use crate::error::decode_error::explain;
use crate::error::object::ErrorObject;
use crate::method::{FALLBACK, MethodInfo, MethodKind};
use crate::service::Params;
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::wire::reserved;

impl Router {
    /// Serves requests and notifications whose method is not offered. `handler` takes the [`Context`], the method
    /// name that the peer sent, and the raw params. Without a fallback such requests are answered -32601, and such
    /// notifications are dropped.
    ///
    /// A fallback is meant for a bridge or a proxy, for a peer with very many events, or for names that are known at
    /// run time only. The return value of the handler is the result. A `Box<RawValue>` of `serde_json` is copied
    /// without being parsed, and so are the params. [`Context::is_notification`] tells requests and notifications
    /// apart. A fallback that knows only some names answers other names with [`ErrorObject::method_not_found`], which
    /// is the answer without a fallback. `Ok(())` would be the result `null`, and would tell the peer that the
    /// request was done.
    ///
    /// Limits, layers, deadlines, cancels, batches, logins and shutdown work as for any method. Statistics and
    /// metrics count all these names as one method, `*`, because the peer chooses the names. A name has at most
    /// `method_bytes` of the [`Limits`](crate::Limits). A peer that must log in and has not done so does not reach
    /// the fallback.
    ///
    /// Some names never reach the fallback: names that begin with `rpc.`, the names in `$/` that belong to the
    /// framework (`$/cancelRequest`), and the names of the [dialect](crate::Dialect). Reports of progress that belong
    /// to no call do reach it. Items of a stream go to the owner of the stream. Items of streams that were not
    /// subscribed through this crate reach the fallback, so that a bridge can pass them on.
    ///
    /// To hand names on to another peer without looking at them, use [`forward`](Self::forward), which passes streams and
    /// progress on as well. To serve notifications only, use a [notification fallback](Self::notification_fallback).
    ///
    /// A router has at most one fallback, including the fallbacks of its services. [`check`](crate::Service::check)
    /// reports a second one. The fallback of a service inside a router serves the names that the whole router does
    /// not offer.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::types::RawParams;
    /// use rpc_core::{Context, Router, memory};
    /// use serde_json::value::RawValue;
    ///
    /// let adder = Router::new().method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) });
    /// let (adder, _) = memory::pair(Router::new(), adder);
    ///
    /// let bridge = Router::new().fallback(move |cx: Context, method: String, params: RawParams| {
    ///     let adder = adder.clone();
    ///     async move {
    ///         if cx.is_notification() {
    ///             let _ = adder.notify(&method, params).await; // the sender of a notification gets no error
    ///             return Ok(RawValue::NULL.to_owned());
    ///         }
    ///         adder.call::<Box<RawValue>>(&method, params).forwarded().await // the error of the peer as it came
    ///     }
    /// });
    /// let (peer, _) = memory::pair(Router::new(), bridge);
    /// assert_eq!(peer.call::<i64>("add", (1, 2)).await?, 3);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn fallback<T, F>(
        mut self,
        handler: impl Fn(Context, String, RawParams) -> F + Send + Sync + 'static,
    ) -> Self
    where
        T: Serialize + Send + 'static,
        F: Future<Output = Result<T, ErrorObject>> + Send + 'static,
    {
        let info = MethodInfo::new(FALLBACK, MethodKind::Fallback);
        let start = move |cx: &Context, params: Params<'_>| match RawParams::new(cx, params) {
            Ok(params) => Handler::new(handler(cx.clone(), cx.method().to_owned(), params)),
            Err(error) => Handler::error(error),
        };
        self.add(Box::new(Closure { info: [info], start }));
        self
    }

    /// Serves notifications whose method is not offered. `handler` takes the [`Context`], the method name that the
    /// peer sent, and the raw params. Requests of such names are still answered -32601, unless the router has a
    /// [fallback](Self::fallback) as well.
    ///
    /// A notification fallback is meant for events whose names the peer chooses. The limits of a fallback apply, and
    /// so do its exceptions for names. The name in statistics is `*` as well.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::types::RawParams;
    /// use rpc_core::{CallError, Context, Router, memory};
    /// use tokio::sync::mpsc;
    ///
    /// let (events, mut heard) = mpsc::unbounded_channel();
    /// let router = Router::new().notification_fallback(move |_: Context, method: String, _: RawParams| {
    ///     events.send(method).ok();
    ///     std::future::ready(())
    /// });
    /// let (peer, _) = memory::pair(Router::new(), router);
    /// peer.notify("lamp.on", ()).await?;
    /// assert_eq!(heard.recv().await.as_deref(), Some("lamp.on"));
    /// let refused = peer.call::<()>("lamp.on", ()).await;
    /// assert!(matches!(refused, Err(CallError::Remote(error)) if error.code == -32601));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn notification_fallback<F>(
        mut self,
        handler: impl Fn(Context, String, RawParams) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let info = MethodInfo::new(FALLBACK, MethodKind::NotificationFallback);
        let start = move |cx: &Context, params: Params<'_>| match RawParams::new(cx, params) {
            Ok(params) => {
                let future = handler(cx.clone(), cx.method().to_owned(), params);
                Handler::new(async move {
                    future.await;
                    Ok::<_, Infallible>(())
                })
            }
            Err(error) => Handler::error(error),
        };
        self.add(Box::new(Closure { info: [info], start }));
        self
    }

    /// Registers the method that serves all other names, of all messages or of notifications only.
    pub(super) fn insert_fallback(&mut self, method: usize, kind: &MethodKind) {
        let (place, what) = match kind {
            MethodKind::NotificationFallback => {
                (&mut self.notification_fallback, "notification fallback")
            }
            _ => (&mut self.fallback, "fallback"),
        };
        if place.is_some() {
            self.mistakes.push(format!(
                "a second {what}: a router has one, with the services that it joins"
            ));
        }
        place.get_or_insert(method);
        self.check_rest();
    }
}

/// Returns whether a name that is not offered may reach a method that serves such names.
#[inline]
pub(super) fn is_free(name: &str) -> bool {
    // In LSP some reports of progress belong to no call. `Target::Fallback` looks at them more closely later.
    !reserved::is_reserved(name) || name == "$/progress"
}

/// The raw params of a call, for a [fallback](Router::fallback): the JSON text of an array or an object, or no
/// params.
///
/// To pass the params on, give them to [`Peer::call`](crate::Peer::call) or [`Peer::notify`](crate::Peer::notify),
/// which copy the text. The `Debug` output of `RawParams` does not show the text, because the text may hold a
/// password. Use [`as_str`](Self::as_str) to print the text.
#[derive(Clone)]
pub struct RawParams {
    json: Option<Box<RawValue>>,
    /// The context of the call that the params came with.
    cx: Context,
}

impl RawParams {
    /// # Errors
    /// Returns -32602 if the text is not JSON, because a layer has put it there.
    fn new(cx: &Context, params: Params<'_>) -> Result<Self, ErrorObject> {
        let json = params.as_str().map(|text| RawValue::from_string(text.to_owned())).transpose();
        let json = json.map_err(|error| ErrorObject::invalid_params(explain(&error)))?;
        Ok(Self { json, cx: cx.clone() })
    }

    /// Returns the JSON text, or `None` if the call has no params.
    pub fn as_str(&self) -> Option<&str> {
        self.json.as_deref().map(RawValue::get)
    }

    /// Decodes the params as a [method](Router::method) with this type would.
    ///
    /// # Errors
    /// Returns -32602 if the params do not fit the type. The error names the parameter if the parameter has a name.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::types::RawParams;
    /// use rpc_core::{Context, ErrorObject, Router, memory};
    ///
    /// let router = Router::new().fallback(|_: Context, method: String, params: RawParams| async move {
    ///     match &*method {
    ///         "Other.Double" => Ok(2 * params.parse::<(i64,)>()?.0),
    ///         _ => Err(ErrorObject::method_not_found(&method)),
    ///     }
    /// });
    /// let (peer, _) = memory::pair(Router::new(), router);
    /// assert_eq!(peer.call::<i64>("Other.Double", (21,)).await?, 42);
    /// # Ok(()) }
    /// ```
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ErrorObject> {
        closure::decode(Some(&self.cx), Params::of(self.as_str()))
    }
}

/// Serialises the text as it is, or as no params.
impl Serialize for RawParams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl fmt::Debug for RawParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawParams").finish_non_exhaustive() // the params may hold a password
    }
}
