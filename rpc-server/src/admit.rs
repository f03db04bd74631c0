//! The checks of a request. The checks and their order are the same for every kind of listener.

use std::sync::Arc;

use http::request::Parts;
use http::{Request, StatusCode};
use rpc_core::internal::{LogThrottle, sse};
use rpc_core::transport::Endpoint;

use crate::admission::Admission;
use crate::client_info::ClientInfo;
use crate::connecting::Connecting;
use crate::hooks::Verdict;
use crate::host::Host;
use crate::rejection::Rejection;
use crate::request_kind::RequestKind;
use crate::shared::Shared;
use crate::sse::Cors;
use crate::upgrade::Upgrade;

/// What a client asks for.
#[derive(Clone, Copy)]
pub(crate) enum Wish<'a> {
    /// A WebSocket.
    WebSocket(&'a Upgrade),
    /// A link over server-sent events, whose client `resumes` a session or does not.
    Link { resumes: bool },
    /// The answer to a single message.
    Answer,
}

impl<'a> Wish<'a> {
    fn upgrade(self) -> Option<&'a Upgrade> {
        match self {
            Self::WebSocket(upgrade) => Some(upgrade),
            Self::Link { .. } | Self::Answer => None,
        }
    }

    fn announces_resume(self) -> bool {
        match self {
            Self::WebSocket(upgrade) => upgrade.announces_resume,
            Self::Link { resumes } => resumes,
            Self::Answer => false,
        }
    }

    /// Returns whether the client knows the extensions of JSON-RPC 2.0.
    fn knows_hello(self) -> bool {
        match self {
            Self::WebSocket(upgrade) => upgrade.asks_for_hello,
            Self::Link { .. } => true,
            Self::Answer => false,
        }
    }
}

impl Shared {
    /// Returns the kind of a request, after the checks of `Host` and `Origin`.
    pub(crate) fn classify(
        &self,
        head: &Parts,
        has_body: bool,
        client_info: &ClientInfo,
    ) -> Result<RequestKind, Rejection> {
        let host = Host::asked_for(head)?;
        let kind = RequestKind::of(head, has_body, self)?;
        self.settings.origins.check(&head.headers, host.as_ref(), client_info.way)?;
        Ok(kind)
    }

    /// Returns the page of a request, to which its browser is to show the answer. `None` if the page may not connect, or
    /// WebSockets are all there is.
    pub(crate) fn page_of(&self, head: &Parts, client_info: &ClientInfo) -> Option<Cors> {
        let origins = &self.settings.origins;
        let host = Host::asked_for(head).ok().filter(|_| self.settings.offers_sse)?;
        origins.check(&head.headers, host.as_ref(), client_info.way).ok()?;
        Cors::of(&head.headers, !origins.allow_any())
    }

    /// Admits a client that asks for a connection, or for the answer to a single message. When this returns, the caller
    /// value of the endpoint is set.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        head: Parts,
        client_info: &ClientInfo,
        admission: &mut Admission,
        wish: Wish<'_>,
    ) -> Result<Endpoint, Rejection> {
        let upgrade = wish.upgrade();
        let is_resuming = wish.announces_resume() && self.settings.sessions.is_some();
        let for_one_answer = matches!(wish, Wish::Answer);
        let client = self.settings.proxies.client(client_info.address(), &head.headers);
        if self.settings.proxies.trust(client_info.address()) {
            admission.acquire_address_permit(self, client);
        }
        if is_resuming {
            admission.begin_resuming(self, client)?;
        } else {
            admission.check(self, client).await?;
        }
        let mut config = self.settings.config.clone();
        config.keepalive &= !for_one_answer;
        let endpoint = Endpoint::new(config);
        if for_one_answer {
            endpoint.set_answer_only();
        }
        if is_resuming {
            endpoint.set_resuming();
        }
        if wish.knows_hello() {
            endpoint.set_extended(false);
        }
        if let Some(client) = client {
            endpoint.set_address(client);
        }
        let request = Request::from_parts(head, ());
        let announces = wish.announces_resume();
        let connecting =
            Connecting::new(request, client_info.clone(), client, upgrade, announces, endpoint);
        self.decide(connecting, for_one_answer).await
    }

    /// Asks `on_connect` whether a client is admitted.
    pub(crate) async fn decide(
        &self,
        connecting: Connecting,
        for_one_answer: bool,
    ) -> Result<Endpoint, Rejection> {
        match self.settings.hooks.connect(connecting).await? {
            Verdict::Session(endpoint) => Ok(endpoint),
            Verdict::Guest(..) if for_one_answer => {
                Err(Rejection::new(StatusCode::UNAUTHORIZED, "a single message cannot log in"))
            }
            Verdict::Guest(endpoint, methods) => {
                let permit = self.guests.clone().try_acquire_owned().map_err(|_| {
                    let text = "too many connections have not logged in";
                    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, text)
                })?;
                let limits = self.limits();
                let guest = limits.for_a_guest();
                endpoint.require_login(&methods, guest, limits.login, permit).map_err(|error| {
                    static THROTTLE: LogThrottle = LogThrottle::new();
                    if let Some(left_out) = THROTTLE.allow() {
                        tracing::error!(left_out, %error, "`on_connect` refuses everyone");
                    }
                    Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
                })?;
                Ok(endpoint)
            }
        }
    }

    /// Checks the client of a request that belongs to a link. A seat of the request is given back: the link has its own.
    /// Returns the client as `on_connect` sees it, or `None` if it is a guest.
    pub(crate) async fn admit_to_link(
        &self,
        mut head: Parts,
        client_info: &ClientInfo,
        admission: Option<Admission>,
    ) -> Result<Option<Endpoint>, Rejection> {
        let client = self.settings.proxies.client(client_info.address(), &head.headers);
        if let Some(mut admission) = admission {
            if self.settings.proxies.trust(client_info.address()) {
                admission.acquire_address_permit(self, client);
            }
            admission.check_rate()?;
        }
        // It is a secret, and no business of the hook's.
        head.headers.remove(sse::headers::LINK);
        let endpoint = Endpoint::new(self.settings.config.clone());
        // It may have the name that its link has.
        endpoint.set_resuming();
        if let Some(client) = client {
            endpoint.set_address(client);
        }
        let request = Request::from_parts(head, ());
        let connecting =
            Connecting::new(request, client_info.clone(), client, None, true, endpoint);
        match self.settings.hooks.connect(connecting).await? {
            Verdict::Session(endpoint) => Ok(Some(endpoint)),
            Verdict::Guest(..) => Ok(None),
        }
    }
}
