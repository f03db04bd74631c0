//! A link without HTTP, from its first byte.

use std::sync::Arc;

use http::Request;
use rpc_core::transport::{ByteStream, Endpoint, Framing};

use crate::admission::Admission;
use crate::client_info::ClientInfo;
use crate::connecting::Connecting;
use crate::deadline::Deadline;
use crate::listener::Socket;
use crate::rejection::Rejection;
use crate::serve::Admitted;
use crate::shared::Shared;

/// Carries a link, if its client is admitted.
pub(crate) fn run<S: Socket>(
    shared: Arc<Shared>,
    stream: S,
    framing: Framing,
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
        let transport = ByteStream::new(stream, framing, &endpoint.limits()).refuse_http();
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
