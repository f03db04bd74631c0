//! Who may call what.

use std::fmt;
use std::pin::Pin;

use super::{Layer, Outcome, ServeNext, ServeRequest};
use crate::error::object::ErrorObject;
use crate::error::rpc_error::Result;
use crate::method::MethodInfo;
use crate::service::context::Context;
use crate::service::handler::Handler;

/// Lets callers call what they may, and answers -32013 to the rest.
///
/// It is asked before anything of the params is decoded, so a call that is denied looks the same
/// whether they fit or not. What it is asked about is the method that will run, found by then, and not
/// a name that is looked up again.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::layers::Authorize;
/// use rpc_core::{CallError, Context, Router, Service, memory};
///
/// struct Admin; // what `on_connect` of a server finds out, for example
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
    Now(Box<Now>),
    Later(Box<Later>),
}

type Now = dyn Fn(&Context, &MethodInfo) -> Result<()> + Send + Sync;
type Later = dyn Fn(Context, &MethodInfo) -> Asked + Send + Sync;

type Asked = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

impl Authorize {
    /// Asks `rule`, which says `true` or `Ok(())` to what may be called; the error that it gives
    /// instead of `false` is the answer.
    pub fn new<V: Verdict>(
        rule: impl Fn(&Context, &MethodInfo) -> V + Send + Sync + 'static,
    ) -> Self {
        Self { rule: Rule::Now(Box::new(move |cx, method| rule(cx, method).into_result())) }
    }

    /// Asks a rule that has to wait for what it says, and keeps the params as they came until then.
    /// Costs a copy of them.
    pub fn new_async<V: Verdict, F: Future<Output = V> + Send + 'static>(
        rule: impl Fn(Context, &MethodInfo) -> F + Send + Sync + 'static,
    ) -> Self {
        let rule = move |cx: Context, method: &MethodInfo| {
            let verdict = rule(cx, method);
            Box::pin(async move { verdict.await.into_result() }) as Asked
        };
        Self { rule: Rule::Later(Box::new(rule)) }
    }
}

impl Layer for Authorize {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        match &self.rule {
            Rule::Now(rule) => match rule(call.cx(), call.method()) {
                Ok(()) => next.serve(call),
                Err(error) => Handler::error(error),
            },
            Rule::Later(rule) => {
                let verdict = rule(call.cx().clone(), call.method());
                let kept = next.keep(call);
                Handler::from_future(async move {
                    match verdict.await {
                        Ok(()) => kept.serve().await,
                        Err(error) => Outcome::from(error),
                    }
                })
            }
        }
    }
}

impl fmt::Debug for Authorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorize")
    }
}

/// What a rule of [`Authorize`] says: `bool`, or a `Result` with the error to be answered.
pub trait Verdict {
    /// Whether the call may go on.
    ///
    /// # Errors
    /// The answer if it may not.
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
