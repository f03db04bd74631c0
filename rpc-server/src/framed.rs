//! A link without HTTP, from its first byte.

use std::sync::Arc;

use http::Request;
use rpc_core::Limits;
#[cfg(feature = "stdio")]
use rpc_core::transport::stdio;
use rpc_core::transport::{ByteStream, Endpoint, Framing, Transport};

use crate::admission::Admission;
use crate::client_info::ClientInfo;
#[cfg(feature = "stdio")]
use crate::client_info::Way;
use crate::connecting::Connecting;
use crate::deadline::Deadline;
use crate::listener::Socket;
use crate::rejection::Rejection;
use crate::serve::Admitted;
use crate::shared::Shared;

/// Carries a link over a stream, if its client is admitted.
pub(crate) fn run<S: Socket>(
    shared: Arc<Shared>,
    stream: S,
    framing: Framing,
    client_info: ClientInfo,
    admission: Admission,
    deadline: Deadline,
) -> impl Future<Output = ()> + Send {
    let transport = move |limits: &Limits| ByteStream::new(stream, framing, limits).refuse_http();
    carry(shared, transport, client_info, admission, deadline)
}

/// Serves the process that has started this one, to the end of the link.
#[cfg(feature = "stdio")]
pub(crate) async fn serve_stdio(shared: Arc<Shared>, framing: Framing) {
    let client_info = ClientInfo::new(None, Way::Unix);
    let deadline = Deadline::within(shared.limits().handshake);
    let transport = move |limits: &Limits| stdio(framing, limits);
    match Admission::take(&shared, &client_info) {
        Some(admission) => carry(shared, transport, client_info, admission, deadline).await,
        None => shared.totals.refused(),
    }
}

fn carry<T: Transport>(
    shared: Arc<Shared>,
    transport: impl FnOnce(&Limits) -> T + Send,
    client_info: ClientInfo,
    admission: Admission,
    deadline: Deadline,
) -> impl Future<Output = ()> + Send {
    // In a box, which is freed before the link is carried.
    let admitting = Box::pin(admit(shared.clone(), client_info, admission, deadline));
    async move {
        let Some((endpoint, admission)) = admitting.await else {
            shared.totals.refused();
            return;
        };
        let transport = transport(&endpoint.limits());
        let admitted = Admitted { endpoint, is_resuming: false };
        shared.serve(admitted, Some(Box::new(transport)), admission).await;
    }
}

/// Admits a client, unless that takes too long or the server stops.
async fn admit(
    shared: Arc<Shared>,
    client_info: ClientInfo,
    mut admission: Admission,
    deadline: Deadline,
) -> Option<(Endpoint, Admission)> {
    let mut member = shared.lifecycle.join();
    let admitted = tokio::select! {
        biased;
        () = member.stopped() => return None,
        admitted = deadline.limit(shared.admit_framed(&client_info, &mut admission)) => admitted?,
    };
    match admitted {
        Ok(endpoint) => Some((endpoint, admission)),
        Err(rejection) => {
            let remote = client_info.remote;
            tracing::debug!(?remote, status = %rejection.status(), "a client is refused");
            None
        }
    }
}

impl Shared {
    /// Admits a client of a link without HTTP. When this returns, the caller value of the endpoint is set.
    async fn admit_framed(
        self: &Arc<Self>,
        client_info: &ClientInfo,
        admission: &mut Admission,
    ) -> Result<Endpoint, Rejection> {
        let client = client_info.address();
        admission.check(self, client).await?;
        let endpoint = Endpoint::new(self.settings.config.clone());
        if let Some(client) = client {
            endpoint.set_address(client);
        }
        let request = Request::new(());
        let connecting =
            Connecting::new(request, client_info.clone(), client, None, false, endpoint);
        self.decide(connecting, false).await
    }
}
