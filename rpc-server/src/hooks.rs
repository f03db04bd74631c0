//! The hooks of the application, which run when connections begin and end. A panic in a hook harms only its connection.

use std::any::Any;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt;
use http::StatusCode;
use rpc_core::internal::LogThrottle;
use rpc_core::internal::catch::{caught, caught_future};
use rpc_core::transport::Endpoint;
use rpc_core::types::CallerType;
use rpc_core::{CloseReason, Link, Peer};
use tokio::time::timeout;

use crate::connecting::{Connecting, EndpointSlot};
use crate::rejection::Rejection;

type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

type OnConnect = dyn Fn(Connecting) -> Running<Result<Verdict, Rejection>> + Send + Sync;

type OnOpen = dyn Fn(Peer) -> Running<()> + Send + Sync;

type OnLink = dyn Fn(Peer, Link) + Send + Sync;

type OnDisconnect = dyn Fn(Peer, CloseReason) -> Running<()> + Send + Sync;

/// The verdict of `on_connect`, with the endpoint.
pub(crate) enum Verdict {
    /// The client is admitted, and its caller value is set.
    Session(Endpoint),
    /// The client is admitted as a guest, which may call only these methods. One of the methods logs the guest in.
    Guest(Endpoint, Box<[Cow<'static, str>]>),
}

/// The hooks of a server, with their types erased.
#[derive(Default)]
pub(crate) struct Hooks {
    on_connect: Option<Box<OnConnect>>,
    /// The caller type that `on_connect` returns.
    caller: Option<CallerType>,
    /// What opens a connection before `on_open`.
    #[cfg(feature = "bridge")]
    bridge: Option<crate::bridge::Bridge>,
    on_open: Option<Box<OnOpen>>,
    on_link: Option<Box<OnLink>>,
    on_disconnect: Option<Box<OnDisconnect>>,
}

impl Hooks {
    pub(crate) fn set_on_connect<S, F>(
        &mut self,
        hook: impl Fn(Connecting) -> F + Send + Sync + 'static,
    ) where
        S: Any + Send + Sync,
        F: Future<Output = Result<S, Rejection>> + Send + 'static,
    {
        self.caller = Some(CallerType::of::<S>());
        self.on_connect = Some(Box::new(move |connecting| {
            let slot = connecting.endpoint_slot();
            let caller = hook(connecting);
            Box::pin(async move {
                let caller = caller.await;
                let endpoint = take(&slot);
                match caller {
                    Ok(caller) => {
                        endpoint.set_caller(caller);
                        Ok(Verdict::Session(endpoint))
                    }
                    Err(mut rejection) => match rejection.take_login() {
                        Some(methods) => Ok(Verdict::Guest(endpoint, methods)),
                        None => Err(rejection),
                    },
                }
            })
        }));
    }

    /// Returns the caller type that `on_connect` returns; `None` without a hook.
    pub(crate) fn caller(&self) -> Option<CallerType> {
        self.caller
    }

    pub(crate) fn set_on_open<F>(&mut self, hook: impl Fn(Peer) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.on_open = Some(Box::new(move |peer| Box::pin(hook(peer))));
    }

    pub(crate) fn set_on_link(&mut self, hook: impl Fn(Peer, Link) + Send + Sync + 'static) {
        self.on_link = Some(Box::new(hook));
    }

    pub(crate) fn set_on_disconnect<F>(
        &mut self,
        hook: impl Fn(Peer, CloseReason) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        self.on_disconnect = Some(Box::new(move |peer, reason| Box::pin(hook(peer, reason))));
    }

    /// Asks `on_connect` whether the endpoint may have its connection.
    pub(crate) async fn connect(&self, connecting: Connecting) -> Result<Verdict, Rejection> {
        let Some(hook) = &self.on_connect else {
            return Ok(Verdict::Session(take(&connecting.endpoint_slot())));
        };
        // Inside of `async`, since the call of the hook itself may panic, too.
        let verdict = caught_future(async { hook(connecting).await });
        let verdict = AssertUnwindSafe(verdict).catch_unwind().await;
        verdict.unwrap_or_else(|_| {
            Err(Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error"))
        })
    }

    #[cfg(feature = "bridge")]
    pub(crate) fn set_bridge(&mut self, bridge: crate::bridge::Bridge) {
        self.bridge = Some(bridge);
    }

    /// Returns whether there is a hook that opens sessions.
    pub(crate) fn opens(&self) -> bool {
        #[cfg(feature = "bridge")]
        if self.bridge.is_some() {
            return true;
        }
        self.on_open.is_some()
    }

    /// Runs `on_open` for at most `limit`.
    pub(crate) async fn open(&self, peer: Peer, limit: Duration) {
        #[cfg(feature = "bridge")]
        if let Some(bridge) = &self.bridge {
            run("bridge", async { bridge.open(&peer) }, limit).await;
        }
        if let Some(hook) = &self.on_open {
            run("on_open", async { hook(peer).await }, limit).await;
        }
    }

    /// Returns whether a hook hears of lost and resumed links.
    pub(crate) fn hears_links(&self) -> bool {
        self.on_link.is_some()
    }

    /// Runs `on_link`.
    pub(crate) fn tell_link(&self, peer: Peer, link: Link) {
        if let Some(hook) = &self.on_link {
            // The panic hook reports the panic, which harms nothing else.
            let _ = catch_unwind(AssertUnwindSafe(|| caught(|| hook(peer, link))));
        }
    }

    /// Runs `on_disconnect` for at most `limit`.
    pub(crate) async fn disconnect(&self, peer: Peer, reason: CloseReason, limit: Duration) {
        if let Some(hook) = &self.on_disconnect {
            run("on_disconnect", async { hook(peer, reason).await }, limit).await;
        }
    }
}

/// Runs a hook for at most `limit`. A panic harms nothing else.
async fn run(name: &'static str, hook: impl Future<Output = ()>, limit: Duration) {
    let running = AssertUnwindSafe(caught_future(hook)).catch_unwind();
    if timeout(limit, running).await.is_err() {
        static THROTTLE: LogThrottle = LogThrottle::new();
        if let Some(left_out) = THROTTLE.allow() {
            tracing::warn!(left_out, ?limit, "`{name}` took too long and was stopped");
        }
    }
}

fn take(slot: &EndpointSlot) -> Endpoint {
    slot.lock().unwrap().take().expect("taken once, when the hook has ended")
}
