//! A layer that decides which peer may call which method.

use std::fmt;
use std::pin::Pin;

use super::{Layer, Outcome, ServeNext, ServeRequest};
use crate::error::object::ErrorObject;
use crate::error::rpc_error::Result;
use crate::method::MethodInfo;
use crate::service::context::Context;
use crate::service::handler::Handler;

/// Lets a peer call the methods that a rule allows, and answers -32013 to other calls.
///
/// The rule runs before the params are decoded, so a denied call gets the same answer whether its params are valid or
/// not. The rule gets the method that will run. The name is looked up before, and not again after the rule.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::layers::Authorize;
/// use rpc_core::{CallError, Context, Router, Service, memory};
///
/// struct Admin; // for example returned by `on_connect` of a server
///
/// let stop = Router::new().method("stop", |_: Context, (): ()| async { Ok(()) });
/// let stop = stop.layer(Authorize::new(|cx, method| {
///     method.name != "stop" || cx.caller::<Admin>().is_some()
/// }));
/// let (peer, _) = memory::pair(Router::new(), stop);
/// let Err(CallError::Remote(error)) = peer.call::<()>("stop", ()).await else { panic!() };
/// assert_eq!((error.code, &*error.message), (-32013, "not authorized for this method"));
/// # Ok(()) }
/// ```
pub struct Authorize {
    rule: Rule,
}

enum Rule {
    Sync(Box<SyncRule>),
    Async(Box<AsyncRule>),
}

type SyncRule = dyn Fn(&Context, &MethodInfo) -> Result<()> + Send + Sync;
type AsyncRule = dyn Fn(Context, &MethodInfo) -> VerdictFuture + Send + Sync;

type VerdictFuture = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

impl Authorize {
    /// Creates a layer that asks `rule` about each call. The rule returns `true` or `Ok(())` if the call is allowed.
    /// If the rule returns an error instead of `false`, that error is the answer.
    pub fn new<V: Verdict>(
        rule: impl Fn(&Context, &MethodInfo) -> V + Send + Sync + 'static,
    ) -> Self {
        Self { rule: Rule::Sync(Box::new(move |cx, method| rule(cx, method).into_result())) }
    }

    /// Creates a layer with a rule that may wait. The raw params are copied and kept until the rule has decided.
    pub fn new_async<V: Verdict, F: Future<Output = V> + Send + 'static>(
        rule: impl Fn(Context, &MethodInfo) -> F + Send + Sync + 'static,
    ) -> Self {
        let rule = move |cx: Context, method: &MethodInfo| {
            let verdict = rule(cx, method);
            Box::pin(async move { verdict.await.into_result() }) as VerdictFuture
        };
        Self { rule: Rule::Async(Box::new(rule)) }
    }
}

impl Layer for Authorize {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        match &self.rule {
            Rule::Sync(rule) => match rule(call.cx(), call.method()) {
                Ok(()) => next.serve(call),
                Err(error) => Handler::error(error),
            },
            Rule::Async(rule) => {
                let verdict = rule(call.cx().clone(), call.method());
                let request = next.keep(call);
                Handler::from_future(async move {
                    match verdict.await {
                        Ok(()) => request.serve().await,
                        Err(error) => Outcome::from(error),
                    }
                })
            }
        }
    }

    #[cfg(feature = "schema")]
    fn shows_offers(&self, cx: &Context, method: &MethodInfo) -> bool {
        match &self.rule {
            Rule::Sync(rule) => rule(cx, method).is_ok(),
            Rule::Async(_) => false,
        }
    }
}

impl fmt::Debug for Authorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorize")
    }
}

/// The result type of a rule of [`Authorize`]: `bool`, or a `Result` with the error to answer.
pub trait Verdict {
    /// Returns `Ok(())` if the call is allowed.
    ///
    /// # Errors
    /// Returns the error to answer if the call is denied.
    fn into_result(self) -> Result<()>;
}

impl Verdict for bool {
    fn into_result(self) -> Result<()> {
        self.then_some(()).ok_or_else(ErrorObject::not_authorized)
    }
}

impl Verdict for Result<()> {
    fn into_result(self) -> Result<()> {
        self
    }
}
