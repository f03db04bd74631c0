//! A connection that speaks TLS first.

use std::sync::Arc;

use rpc_core::Harmless;

use crate::connection;
use crate::due::Due;
use crate::http::linger;
use crate::listener::Socket;
use crate::seat::Seat;
use crate::shared::Shared;
use crate::tls::Tls;
use crate::visitor::Visitor;

/// Carries a connection: the handshake of TLS, and then the rest in the same way, and in what is left of
/// the same time.
pub(crate) async fn run<S: Socket>(
    shared: Arc<Shared>,
    tls: Tls,
    stream: S,
    visitor: Visitor,
    seat: Seat,
) {
    let due = Due::within(shared.limits().handshake);
    let Some((stream, visitor)) = Box::pin(greet(&shared, &tls, stream, visitor, &due)).await
    else {
        shared.totals.refused();
        return;
    };
    drop(tls);
    // In a box: a stream of TLS is large, and each phase that holds it would have room for it.
    connection::run(shared, stream, visitor, seat, due).await;
}

async fn greet<S: Socket>(
    shared: &Shared,
    tls: &Tls,
    stream: S,
    mut visitor: Visitor,
    due: &Due,
) -> Option<(Box<impl Socket + use<S>>, Visitor)> {
    let mut member = shared.lifecycle.join();
    let accepted = due.limit(tls.accept(stream));
    let accepted = tokio::select! {
        biased;
        () = member.stopped() => return None,
        accepted = accepted => accepted?,
    };
    match accepted {
        Ok((stream, info)) => {
            visitor.tls = Some(info);
            Some((Box::new(stream), visitor))
        }
        Err((error, stream)) => {
            tracing::debug!(remote = ?visitor.remote, error = %Harmless(error), "no TLS");
            due.limit(linger(shared, stream)).await;
            None
        }
    }
}
