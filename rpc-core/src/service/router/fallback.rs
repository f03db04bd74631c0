//! What serves the names that nobody offers: for bridges, proxies, and ends that say whatever they like.

use std::convert::Infallible;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Closure, Router, closure};
use crate::error::decode_error::explain;
use crate::error::object::ErrorObject;
use crate::method::{FALLBACK, MethodInfo, MethodKind};
use crate::protocol::target::Target;
use crate::service::Params;
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::wire::reserved;

impl Router {
    /// Serves the requests and notifications whose method nobody offers: `handler` takes the [`Context`], the name
    /// of the method as it came, and the params as they came. Without a fallback such requests are answered -32601,
    /// and such notifications are dropped.
    ///
    /// For a bridge or a proxy, for the many events of a media centre, for names that are known at run time only. What
    /// the handler returns is the result; a `Box<RawValue>` of `serde_json` is copied through without being
    /// read, and so are the params. [`Context::is_notification`] tells which of both it is. A fallback that knows only some
    /// names answers the others with [`ErrorObject::method_not_found`], as they would be answered without it: `Ok(())`
    /// is the result `null`, which tells the other end that its request was done.
    ///
    /// Limits, layers, deadlines, cancels, batches, logins and shutdown hold as for any method. Statistics and metrics
    /// count all these names as one method, `*`, as the other end chooses the names: at most `method_bytes` of
    /// the [`Limits`](crate::Limits) each. A guest that has not logged in does not get here.
    ///
    /// Names in `rpc.` do not get here, nor the names in `$/` that are the framework's own (`$/cancelRequest`), nor those
    /// of the [dialect](crate::Dialect), save for reports of progress that belong to no call. Items
    /// of a stream go to whoever has the stream; items of streams that were not subscribed through this
    /// crate get here, so that a bridge can pass them on.
    ///
    /// If only notifications are to get here, use a [notification fallback](Self::notification_fallback).
    ///
    /// A router has one fallback, and the services that it joins have none beside that: [`check`](crate::Service::check)
    /// tells of a second one. The fallback of a service that a router takes in serves the names that the whole
    /// router does not offer.
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
    ///             let _ = adder.notify(&method, params).await; // whoever notifies hears of no error
    ///             return Ok(RawValue::NULL.to_owned());
    ///         }
    ///         adder.call::<Box<RawValue>>(&method, params).forwarded().await // errors as they came
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

    /// Serves the notifications whose method nobody offers: `handler` takes the [`Context`], the name of the method as it
    /// came, and the params as they came. Requests of such names are still answered -32601, or served by the
    /// [fallback](Self::fallback) if the router has one as well.
    ///
    /// For events whose names the other end chooses. What holds for a fallback holds here too: its limits, the names that do
    /// not get here, and `*` as its name in statistics.
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

    /// Notes that this method serves all other names, of all messages or of notifications.
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
    }
}

/// What serves a name that nobody offers.
#[inline] // items of streams come by here
pub(super) fn fall_back(name: &str, method: Option<usize>) -> Option<Target> {
    let method = method?;
    // LSP has reports of progress that belong to no call: that is looked at more closely later.
    let is_free = !reserved::is_reserved(name) || name == "$/progress";
    is_free.then_some(Target::Fallback(method))
}

/// The params of a call as they came, for a [fallback](Router::fallback): the JSON text of an array or an object, or
/// no params. To pass them on, give them to [`Peer::call`](crate::Peer::call) or
/// [`Peer::notify`](crate::Peer::notify), which copy the text. The `Debug` of `RawParams` does not show the text, as it may
/// hold a password: print [`as_str`](Self::as_str).
#[derive(Clone)]
pub struct RawParams {
    json: Option<Box<RawValue>>,
    /// Of the call that they came with.
    cx: Context,
}

impl RawParams {
    /// # Errors
    /// They are no JSON: a layer has put them there.
    fn new(cx: &Context, params: Params<'_>) -> Result<Self, ErrorObject> {
        let json = params.as_str().map(|text| RawValue::from_string(text.to_owned())).transpose();
        let json = json.map_err(|error| ErrorObject::invalid_params(explain(&error)))?;
        Ok(Self { json, cx: cx.clone() })
    }

    /// The JSON text; `None` if the call has no params.
    pub fn as_str(&self) -> Option<&str> {
        self.json.as_deref().map(RawValue::get)
    }

    /// Reads the params as a [method](Router::method) of this type would take them.
    ///
    /// # Errors
    /// They do not fit: -32602, naming the parameter if it has a name.
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
        closure::decode(Some(&self.cx), Params(self.as_str()))
    }
}

/// As params: the text as it is, or no params.
impl Serialize for RawParams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl fmt::Debug for RawParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawParams").finish_non_exhaustive() // they may hold a password
    }
}
