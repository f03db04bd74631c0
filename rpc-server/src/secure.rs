//! A connection that starts with a TLS handshake.

use std::sync::Arc;

use rpc_core::internal::Escaped;

use crate::admission::Admission;
use crate::client_info::ClientInfo;
use crate::connection;
use crate::deadline::Deadline;
use crate::framed;
use crate::http::linger;
use crate::listener::Socket;
use crate::shared::Shared;
use crate::tls::Tls;

/// Carries a connection: first the TLS handshake, then the rest as without TLS. One deadline covers both handshakes.
pub(crate) async fn run<S: Socket>(
    shared: Arc<Shared>,
    tls: Tls,
    stream: S,
    client_info: ClientInfo,
    admission: Admission,
) {
    let deadline = Deadline::within(shared.limits().handshake);
    let Some((stream, client_info)) =
        Box::pin(tls_handshake(&shared, &tls, stream, client_info, &deadline)).await
    else {
        shared.totals.refused();
        return;
    };
    drop(tls);
    // `tls_handshake` returns the stream in a box: a TLS stream is large, and the future of each phase would have room
    // for the stream.
    if let Some(framing) = shared.settings.framing {
        framed::run(shared, stream, framing, client_info, admission, deadline).await;
        return;
    }
    connection::run(shared, stream, client_info, admission, deadline).await;
}

async fn tls_handshake<S: Socket>(
    shared: &Shared,
    tls: &Tls,
    stream: S,
    mut client_info: ClientInfo,
    deadline: &Deadline,
) -> Option<(Box<impl Socket + use<S>>, ClientInfo)> {
    let mut member = shared.lifecycle.join();
    let accepted = deadline.limit(tls.accept(stream));
    let accepted = tokio::select! {
        biased;
        () = member.stopped() => return None,
        accepted = accepted => accepted?,
    };
    match accepted {
        Ok((stream, info)) => {
            client_info.tls = Some(info);
            Some((Box::new(stream), client_info))
        }
        Err((error, stream)) => {
            tracing::debug!(remote = ?client_info.remote, error = %Escaped(error), "no TLS");
            deadline.limit(linger(shared, stream)).await;
            None
        }
    }
}
