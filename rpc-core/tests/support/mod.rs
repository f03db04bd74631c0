//! What the tests of this crate share: a raw end, which sends and sees text.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod bank;
pub mod binary;
pub mod ends;
pub mod layers;
pub mod log;
pub mod probed;
pub mod rest;
pub mod seeds;
pub mod sequences;
pub mod warnings;

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use rpc_core::layers::Layers;
use rpc_core::memory::{self, Pipe};
use rpc_core::transport::{Endpoint, EndpointConfig, Received, Transport};
use rpc_core::{CloseCode, Limits, Peer, Router};

/// The texts of an error and of its sources.
pub fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The far end of a connection, without a protocol of its own.
pub struct Raw {
    pipe: Pipe,
}

impl Raw {
    /// Connects a raw end to `services`; the peer calls the raw end.
    pub fn connect(services: Router, limits: Limits) -> (Self, Peer) {
        Self::connect_with(services, limits, 64 * 1024)
    }

    /// The same within `layers`.
    pub fn connect_within(services: Router, layers: Layers) -> (Self, Peer) {
        let mut config = EndpointConfig::new(services, Limits::server());
        config.layers = layers;
        Self::connect_as(config, 64 * 1024)
    }

    /// The same, over a pipe that holds `capacity` bytes each way.
    pub fn connect_with(services: Router, limits: Limits, capacity: usize) -> (Self, Peer) {
        Self::connect_as(EndpointConfig::new(services, limits), capacity)
    }

    /// The same to an end that has opened the link.
    pub fn connect_to_opener(services: Router, limits: Limits) -> (Self, Peer) {
        let config =
            EndpointConfig::new(services, limits).with(|config| config.answers_malformed = false);
        Self::connect_as(config, 64 * 1024)
    }

    /// The same to an end that is made of `config`, without its keepalive. Each end knows the other, as after a
    /// handshake with `Rpc-Hello`.
    pub fn connect_as(mut config: EndpointConfig, capacity: usize) -> (Self, Peer) {
        let (near, far) = memory::transports(capacity);
        config.keepalive = false;
        let endpoint = Endpoint::new(config);
        endpoint.set_extended(false);
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(near));
        (Self { pipe: far }, peer)
    }

    /// The same, and neither end knows the other.
    pub fn connect_to_stranger(mut config: EndpointConfig) -> (Self, Peer) {
        let (near, far) = memory::transports(64 * 1024);
        config.keepalive = false;
        let endpoint = Endpoint::new(config);
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(near));
        (Self { pipe: far }, peer)
    }

    /// The end at this side of a pipe.
    pub fn over(pipe: Pipe) -> Self {
        Self { pipe }
    }

    /// Sends a message, waiting for room.
    pub async fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes()).await;
    }

    /// The same for what may not be text.
    pub async fn send_bytes(&mut self, message: &[u8]) {
        poll_fn(|cx| self.pipe.poll_ready(cx)).await.expect("the other end is there");
        self.pipe.send(Bytes::copy_from_slice(message)).expect("the other end is there");
        poll_fn(|cx| self.pipe.poll_flush(cx)).await.expect("the other end is there");
    }

    /// Sends a notification with these params.
    pub async fn notify(&mut self, method: &str, params: &str) {
        self.send(&format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)).await;
    }

    /// Says hello, and hears that of the other end.
    pub async fn greet(&mut self) {
        self.notify("$/hello", r#"{"duplex":1}"#).await;
        let hello = self.receive().await;
        assert!(hello.contains("$/hello"), "{hello}");
    }

    /// The next message; panics if there is none for a minute, or the other end closes.
    pub async fn receive(&mut self) -> String {
        match self.received().await {
            Received::Text => String::from_utf8(self.pipe.message().to_owned()).unwrap(),
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// The close of the other end, after whatever it still sends.
    pub async fn closed(&mut self) -> (Option<CloseCode>, String) {
        loop {
            match self.received().await {
                Received::Text | Received::Binary => {}
                Received::Closed { code, reason } => return (code, reason),
                other => panic!("lost: {other:?}"),
            }
        }
    }

    /// Waits whether nothing more comes; panics with what does.
    pub async fn is_silent(&mut self) -> bool {
        let next = poll_fn(|cx| self.pipe.poll_receive(cx, usize::MAX));
        match tokio::time::timeout(Duration::from_millis(100), next).await {
            Err(_) => true,
            Ok(received) => panic!("not silent: {received:?}"),
        }
    }

    /// Closes this end.
    pub async fn close(&mut self) {
        self.close_with(CloseCode::NORMAL).await;
    }

    /// The same with this code.
    pub async fn close_with(&mut self, code: CloseCode) {
        poll_fn(|cx| self.pipe.poll_close(cx, code, "")).await;
    }

    /// Plays a script: `-->` is sent, `<--` must come.
    pub async fn play(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(text) = line.strip_prefix("--> ") {
                self.send(text).await;
            } else if let Some(expected) = line.strip_prefix("<-- ") {
                assert_same(&self.receive().await, expected);
            } else {
                panic!("a line is `--> …` or `<-- …`: {line}");
            }
        }
        assert!(self.is_silent().await, "nothing comes after the script");
    }

    async fn received(&mut self) -> Received {
        let next = poll_fn(|cx| self.pipe.poll_receive(cx, usize::MAX));
        tokio::time::timeout(Duration::from_secs(60), next).await.expect("something comes")
    }
}

/// The id of a message, as JSON text.
pub fn id_of(message: &str) -> String {
    let message: serde_json::Value = serde_json::from_str(message).unwrap();
    message["id"].to_string()
}

/// Compares messages member by member: their order does not matter.
pub fn assert_same(got: &str, expected: &str) {
    let parse = |text: &str| -> serde_json::Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    assert_eq!(parse(got), parse(expected), "\n got      {got}\n expected {expected}");
}
