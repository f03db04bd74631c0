//! The checks of a request. The checks and their order are the same for every kind of listener.

use std::sync::Arc;

use http::request::Parts;
use http::{Request, StatusCode};
use rpc_core::internal::LogThrottle;
use rpc_core::transport::Endpoint;

use crate::admission::Admission;
use crate::client_info::ClientInfo;
use crate::connecting::Connecting;
use crate::hooks::Verdict;
use crate::host::Host;
use crate::rejection::Rejection;
use crate::request_kind::RequestKind;
use crate::shared::Shared;
use crate::upgrade::Upgrade;

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

    /// Admits a client that asks for a WebSocket by `upgrade`, or, without `upgrade`, for the answer to a single
    /// message. When this returns, the caller value of the endpoint is set.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        head: Parts,
        client_info: &ClientInfo,
        admission: &mut Admission,
        upgrade: Option<&Upgrade>,
    ) -> Result<Endpoint, Rejection> {
        let is_resuming = upgrade.is_some_and(|upgrade| self.takes_resume(upgrade));
        let for_one_answer = upgrade.is_none();
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
        if upgrade.is_some_and(|upgrade| upgrade.asks_for_hello) {
            endpoint.set_extended(false);
        }
        if let Some(client) = client {
            endpoint.set_address(client);
        }
        let request = Request::from_parts(head, ());
        let connecting = Connecting::new(request, client_info.clone(), client, upgrade, endpoint);
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
}
