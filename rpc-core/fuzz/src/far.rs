//! The far end of a connection in memory, without a protocol of its own.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use rpc_core::memory::{self, Pipe};
use rpc_core::transport::{Endpoint, EndpointConfig, Received, Transport};
use rpc_core::{Limits, Peer, Router};

/// Room for whatever a check sends before it looks.
const ROOM: usize = 1 << 30;

pub(crate) struct Far(Pipe);

impl Far {
    /// Connects one to `services`; the peer calls the far end.
    pub(crate) fn connect(services: Router, limits: Limits) -> (Self, Peer) {
        let (near, far) = memory::transports(ROOM);
        let mut setup = EndpointConfig::new(services, limits);
        setup.keepalive = false;
        let endpoint = Endpoint::new(setup);
        endpoint.set_extended(false);
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(near));
        (Self(far), peer)
    }

    /// Sends a message, unless the other end is gone.
    pub(crate) async fn send(&mut self, text: &str) {
        if poll_fn(|cx| self.0.poll_ready(cx)).await.is_ok() {
            self.0.send(Bytes::copy_from_slice(text.as_bytes())).expect("it is ready");
            poll_fn(|cx| self.0.poll_flush(cx)).await.expect("memory takes any write");
        }
    }

    /// Lets everything happen that does not wait for the clock; what was sent here meanwhile.
    pub(crate) async fn settle(&mut self) -> Vec<String> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut texts = Vec::new();
        poll_fn(|cx| {
            while let Poll::Ready(Received::Text) = self.0.poll_receive(cx, usize::MAX) {
                let text = self.0.message().to_owned();
                texts.push(String::from_utf8(text).expect("text is UTF-8"));
            }
            Poll::Ready(())
        })
        .await;
        texts
    }
}
