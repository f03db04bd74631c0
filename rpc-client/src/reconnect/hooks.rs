//! The code of the program that a client runs when its session begins, and when its state changes.

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use rpc_core::Peer;
use rpc_core::internal::catch::{caught, caught_future};
use rpc_core::transport::opening;

use super::state::State;

type Mistake = Box<dyn Error + Send + Sync>;

/// The hook for a fresh session while it runs.
pub(crate) type Opening = Pin<Box<dyn Future<Output = Result<(), Mistake>> + Send>>;

/// The output of a hook for a fresh session: nothing, or a `Result` of nothing.
/// [`on_session`](crate::ClientBuilder::on_session) takes such a hook.
pub trait IntoOpened {
    /// Returns whether the session may begin.
    ///
    /// # Errors
    /// If the session must not begin. The client then closes the link, and connects again.
    fn into_opened(self) -> Result<(), Box<dyn Error + Send + Sync>>;
}

impl IntoOpened for () {
    fn into_opened(self) -> Result<(), Mistake> {
        Ok(())
    }
}

impl<E: Into<Mistake>> IntoOpened for Result<(), E> {
    fn into_opened(self) -> Result<(), Mistake> {
        self.map_err(Into::into)
    }
}

/// The program's hook for a fresh session.
#[derive(Clone)]
pub(crate) struct OnSession(Arc<dyn Fn(Peer) -> Opening + Send + Sync>);

impl OnSession {
    pub(crate) fn new<F>(hook: impl Fn(Peer) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: IntoOpened> + Send + 'static,
    {
        Self(Arc::new(move |peer| {
            let opened = hook(peer);
            Box::pin(async { opened.await.into_opened() })
        }))
    }

    /// Starts the hook. Its calls are sent before all else.
    pub(crate) fn open(&self, peer: Peer) -> Opening {
        let hook = self.clone();
        Box::pin(async move {
            // Inside of `async`, since the call of the hook itself may panic, too.
            let opened = opening(&peer, caught_future(async { (hook.0)(peer.clone()).await }));
            let opened = AssertUnwindSafe(opened).catch_unwind().await;
            opened.unwrap_or_else(|_| Err("`on_session` panicked".into()))
        })
    }
}

/// The program's listener for states.
#[derive(Clone)]
pub(crate) struct OnState(Arc<dyn Fn(&State) + Send + Sync>);

impl OnState {
    pub(crate) fn new(listener: impl Fn(&State) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    /// Calls the listener. A panic of the listener harms nothing.
    pub(crate) fn hear(&self, state: &State) {
        let heard = catch_unwind(AssertUnwindSafe(|| caught(|| (self.0)(state))));
        if let Err(panic) = heard {
            // The panic payload is leaked, since dropping the payload may panic again.
            std::mem::forget(panic);
        }
    }
}

/// The hooks may have captured secrets, so nothing of them is shown.
impl fmt::Debug for OnSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnSession")
    }
}

impl fmt::Debug for OnState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnState")
    }
}
