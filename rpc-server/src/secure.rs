//! A connection that speaks TLS first.

use std::sync::Arc;

use rpc_core::internal::Escaped;

use crate::admission::Admission;
use crate::client_info::ClientInfo;
use crate::connection;
use crate::deadline::Deadline;
use crate::http::linger;
use crate::listener::Socket;
use crate::shared::Shared;
use crate::tls::Tls;

/// Carries a connection: the handshake of TLS, and then the rest in the same way, and in what is left of
/// the same time.
pub(crate) async fn run<S: Socket>(
    shared: Arc<Shared>,
    tls: Tls,
    stream: S,
    client_info: ClientInfo,
    admission: Admission,
) {
    let deadline = Deadline::within(shared.limits().handshake);
    let Some((stream, client_info)) =
        Box::pin(greet(&shared, &tls, stream, client_info, &deadline)).await
    else {
        shared.totals.refused();
        return;
    };
    drop(tls);
    // In a box: a stream of TLS is large, and each phase that holds it would have room for it.
    connection::run(shared, stream, client_info, admission, deadline).await;
}

async fn greet<S: Socket>(
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
