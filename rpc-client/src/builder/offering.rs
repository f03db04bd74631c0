//! A WebSocket endpoint as it is offered on another link, such as the standard input and output of this process.

use std::sync::{Arc, Mutex, PoisonError};

use rpc_core::transport::{Endpoint, EndpointConfig, Transport};
use rpc_core::{CloseCode, CloseReason, Context, ErrorObject, Peer, Router};

use super::ClientBuilder;
use crate::error::ConnectError;

impl ClientBuilder {
    /// Connects to a URL, and offers what is there on another link, until either end has gone: requests, notifications,
    /// streams, progress, cancels and errors pass both ways as the text that they came as
    /// ([`Router::forward`](rpc_core::Router::forward)). With `rpc_core::transport::stdio` a program that knows pipes only
    /// uses a WebSocket endpoint. Both links have the [dialect](Self::dialect) and the [limits](Self::limits) of this
    /// builder.
    ///
    /// Returns why the first of the two links has ended. If the server closes, the other link is closed; if the other link
    /// ends, so does the connection to the server. A client that [reconnects](Self::reconnect) is there until it gives up:
    /// calls wait meanwhile.
    ///
    /// ```no_run
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # fn stdio() -> rpc_core::memory::Pipe { rpc_core::memory::transports(1).0 }
    /// use rpc_client::{Client, Reconnect};
    ///
    /// // `stdio()` stands for `rpc_core::transport::stdio(Framing::Lines, &limits)`.
    /// let builder = Client::builder().reconnect(Reconnect::default());
    /// let reason = builder.offer_on(stdio(), "ws://127.0.0.1:9944").await?;
    /// eprintln!("{reason}");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`connect`](Self::connect). Nothing was read of the link then.
    ///
    /// # Panics
    /// If called outside of a tokio runtime.
    pub async fn offer_on(
        self,
        link: impl Transport,
        url: impl AsRef<str>,
    ) -> Result<CloseReason, ConnectError> {
        let remote = Arc::new(Mutex::new(None));
        let endpoint = self.local_end(&remote);
        let local = endpoint.peer();
        let client = self.service(Router::new().forward("*", local.clone())).connect(url).await?;
        *remote.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.peer());
        let mut connection = endpoint.connect(link);
        let reason = tokio::select! {
            reason = &mut connection => {
                client.close().await;
                reason
            }
            reason = client.closed() => {
                local.close(reason.code.unwrap_or(CloseCode::GOING_AWAY), &reason.reason);
                connection.await;
                reason
            }
        };
        // Each of the two hands on to the other, and neither would ever be freed.
        remote.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(reason)
    }

    /// Makes the end of the other link, which hands all on to the server.
    fn local_end(&self, remote: &Arc<Mutex<Option<Peer>>>) -> Endpoint {
        let remote = remote.clone();
        let services = Router::new().forward_to("*", move |_: &Context| {
            let remote = remote.lock().unwrap_or_else(PoisonError::into_inner);
            remote.clone().ok_or_else(|| ErrorObject::busy("connections"))
        });
        let config = EndpointConfig::new(services, (*self.config.limits).clone());
        Endpoint::new(config.with(|config| {
            config.dialect = self.config.dialect;
            config.jsonrpc_optional = self.config.jsonrpc_optional;
            config.keepalive = false;
        }))
    }
}
